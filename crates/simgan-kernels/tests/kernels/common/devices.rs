//! The devices that tests run on; the kernels' tests and the golden tests share this file.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use candle_core::Device;

/// Set this where a GPU must be present: without one, tests then fail instead of passing on the CPU alone.
const GPU_EXPECTED: &str = "SIMGAN_TEST_GPU";
/// Names the folder that takes the place of the repository where test programs run on another machine.
const REPOSITORY: &str = "SIMGAN_TEST_REPOSITORY";

/// Returns the CPU and, if this build has kernels for a GPU and one opens, the GPU.
pub(crate) fn devices() -> &'static [Device] {
    // Opened only once: candle does not combine tensors of two openings of a device.
    static DEVICES: LazyLock<Vec<Device>> =
        LazyLock::new(|| [Device::Cpu].into_iter().chain(gpu()).collect());
    &DEVICES
}

#[expect(clippy::print_stderr, reason = "whoever tests should know what is not tested")]
fn gpu() -> Option<Device> {
    let opened = if cfg!(feature = "cuda") {
        Device::new_cuda(0).map_err(|error| error.to_string())
    } else if cfg!(feature = "metal") {
        Device::new_metal(0).map_err(|error| error.to_string())
    } else {
        Err("this build has no kernels for one".to_owned())
    };
    match opened {
        Ok(gpu) => return Some(gpu),
        Err(error) if std::env::var_os(GPU_EXPECTED).is_some() => {
            panic!("{GPU_EXPECTED} is set, but no GPU opens: {error}")
        }
        Err(error) if cfg!(any(feature = "cuda", feature = "metal")) => {
            eprintln!("not tested: the GPU, which does not open: {error}");
        }
        Err(_) => {}
    }
    None
}

/// Returns the relative error accepted on a device, given the one accepted on the CPU: a GPU adds in a
/// different order.
pub(crate) fn tolerance(device: &Device, on_cpu: f64) -> f64 {
    if device.is_cpu() { on_cpu } else { 4.0 * on_cpu }
}

/// Returns the path of a file of the repository.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    let root = std::env::var_os(REPOSITORY).map(PathBuf::from);
    // The package in which this file is compiled lies one or two folders below the root.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = || package.ancestors().find(|folder| folder.join("clippy.toml").exists()).map(Path::to_owned);
    root.or_else(above).unwrap_or_else(|| package.to_owned()).join(path)
}
