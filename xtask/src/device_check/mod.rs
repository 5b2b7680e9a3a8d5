//! `cargo xtask device-check`: packs simgan and its tests for another machine, with a GPU and without a
//! network.

mod build;
mod cuda;
mod pack;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

use std::path::{Path, PathBuf};

use self::build::Target;
use self::cuda::Toolkit;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The package's folder; replaces an earlier package.
    #[arg(long, value_name = "DIR", default_value = "target/device-check/package")]
    output: PathBuf,
    /// Build for the CPU, to try the package without a GPU.
    #[arg(long, conflicts_with_all = ["compute_cap", "fetch_cuda"])]
    cpu: bool,
    /// The GPU's compute capability without its dot.
    #[arg(long, value_name = "CAP", default_value_t = 90)]
    compute_cap: u32,
    /// If nvcc is missing, install CUDA's compiler with pip into target/device-check/cuda (140 MB to
    /// download).
    #[arg(long)]
    fetch_cuda: bool,
}

/// Builds the programs and packs them with their script.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let folder = cargo_target(root).join("device-check");
    let target = if arguments.cpu {
        Target::Cpu
    } else {
        let toolkit = Toolkit::find(&folder.join("cuda"), arguments.fetch_cuda)?;
        Target::Cuda { toolkit, compute_cap: arguments.compute_cap, folder }
    };
    let programs = build::build(root, &target)?;
    let output = root.join(&arguments.output);
    let megabytes = pack::pack(root, &target, &programs, &output)?;
    announce(&format!("{megabytes:.1} MB in {}; {}/run.sh runs it", output.display(), output.display()));
    Ok(())
}

/// Returns cargo's target folder.
fn cargo_target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target))
}

#[expect(clippy::print_stderr, reason = "a person watches it")]
fn announce(line: &str) {
    eprintln!("device-check: {line}");
}
