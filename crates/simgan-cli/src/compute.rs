//! Chooses the device and the number of threads, once per process.

use std::fmt;

use anyhow::{Context, Result};
use candle_core::Device;

use simgan_models::Precision;

use crate::arguments::{Compute, DeviceChoice, PrecisionChoice};
use crate::failure::usage;

/// Sizes the thread pool and opens the device.
///
/// # Errors
/// The build lacks the device (a usage error), or the device cannot be opened.
pub(crate) fn open(compute: &Compute) -> Result<Device> {
    size_thread_pool(compute.threads)?;
    let device = open_device(compute.device)?;
    tracing::debug!("device {}, {} threads", Name(&device), rayon::current_num_threads());
    Ok(device)
}

/// Gives the global thread pool `n_threads` threads; `None` leaves it at one per core.
///
/// # Errors
/// The threads cannot be started.
pub(crate) fn size_thread_pool(n_threads: Option<usize>) -> Result<()> {
    let Some(n_threads) = n_threads else { return Ok(()) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(n_threads)
        .build_global()
        .with_context(|| format!("cannot start {n_threads} threads"))
}

/// Returns the precision that an option asks for.
///
/// # Errors
/// The device does not compute in it (a usage error).
pub(crate) fn precision(option: &str, choice: PrecisionChoice, device: &Device) -> Result<Precision> {
    match choice {
        PrecisionChoice::F32 => Ok(Precision::F32),
        PrecisionChoice::Auto if Precision::Bf16.pays(device) => Ok(Precision::Bf16),
        PrecisionChoice::Auto => Ok(Precision::F32),
        PrecisionChoice::Bf16 => match Precision::Bf16.check(device) {
            Ok(()) => Ok(Precision::Bf16),
            Err(error) => Err(usage(error.to_string()).hint(format!("use {option} f32, or auto")).into()),
        },
    }
}

fn open_device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto => Ok(best_device()),
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda(_) if !cfg!(feature = "cuda") => Err(not_built_in("cuda", "cuda,cudnn")),
        DeviceChoice::Metal if !cfg!(feature = "metal") => Err(not_built_in("metal", "metal")),
        DeviceChoice::Cuda(ordinal) => {
            Device::new_cuda(ordinal).with_context(|| format!("cannot open the device cuda:{ordinal}"))
        }
        DeviceChoice::Metal => Device::new_metal(0).context("cannot open the device metal"),
    }
}

/// Returns the GPU that this build supports if it opens, else the CPU.
fn best_device() -> Device {
    let gpu = if cfg!(feature = "cuda") {
        Device::new_cuda(0)
    } else if cfg!(feature = "metal") {
        Device::new_metal(0)
    } else {
        return Device::Cpu;
    };
    gpu.unwrap_or_else(|error| {
        tracing::warn!("no GPU answers ({error}): using the CPU");
        Device::Cpu
    })
}

fn not_built_in(device: &str, features: &str) -> anyhow::Error {
    usage(format!("this build of simgan has no {device} device"))
        .hint(format!("cargo install --path crates/simgan-cli --features {features}, or use --device cpu"))
        .into()
}

/// A device's name as `--device` takes it.
pub(crate) struct Name<'a>(pub(crate) &'a Device);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.location() {
            candle_core::DeviceLocation::Cpu => f.write_str("cpu"),
            candle_core::DeviceLocation::Cuda { gpu_id } => write!(f, "cuda:{gpu_id}"),
            candle_core::DeviceLocation::Metal { .. } => f.write_str("metal"),
        }
    }
}
