//! `cargo xtask ci`: runs the checks in order of cost and stops at the first failure.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

use crate::tidy;

/// Runs every check.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    step("format", || cargo(root, &["fmt", "--all", "--check"], &[]))?;
    step("tidy", || tidy::run(root))?;
    step("clippy", || cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]))?;
    step("clippy, data alone", || {
        let alone = ["clippy", "-p", "simgan-data", "--no-default-features", "--features", "hdf5"];
        cargo(root, &[&alone[..], &["--all-targets", "--", "-D", "warnings"]].concat(), &[])
    })?;
    step("clippy, cuda", || clippy_cuda(root))?;
    if std::env::var_os("SIMGAN_TEST_DATA").is_none() {
        announce("SIMGAN_TEST_DATA is not set: skipping tests that need third-party data");
    }
    step("tests", || cargo(root, &["test", "--workspace"], &[]))?;
    step("tests, several processes", || test_mpi(root))?;
    step("docs", || {
        cargo(root, &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings".into())])
    })
}

fn step(name: &str, check: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    announce(&format!("{name} …"));
    let start = Instant::now();
    check().with_context(|| format!("{name} failed"))?;
    announce(&format!("{name}: good, {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a person watches it")]
fn announce(line: &str) {
    eprintln!("ci: {line}");
}

/// Lints the code behind the CUDA features. It needs no CUDA: a stand-in replaces the compiler.
fn clippy_cuda(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("target/cuda-lint");
    let stand_in = install_nvcc_stand_in(&folder)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let environment = [
        ("PATH", format!("{}:{path}", stand_in.display())),
        ("CUDA_COMPUTE_CAP", "90".to_owned()),
        // A separate folder keeps the stand-in's empty outputs out of real CUDA builds.
        ("CARGO_TARGET_DIR", folder.display().to_string()),
    ];
    // All code of its own for CUDA is in these two; the others only pass the features on.
    let packages = ["clippy", "-p", "simgan-kernels", "-p", "simgan-tests", "--all-targets"];
    for features in ["simgan-kernels/cuda,simgan-tests/cuda", "simgan-kernels/cudnn,simgan-tests/cuda"] {
        cargo(
            root,
            &[&packages[..], &["--features", features, "--", "-D", "warnings"]].concat(),
            &environment,
        )?;
    }
    Ok(())
}

/// Tests what only a build with MPI has, where there is one.
fn test_mpi(root: &Path) -> anyhow::Result<()> {
    if Command::new("mpirun").arg("--version").output().is_err() {
        announce("there is no mpirun: skipping tests with several processes");
        return Ok(());
    }
    // All packages, so that cargo builds none of them with other features a second time.
    let tests = ["test", "--workspace", "--features", "simgan-cli/mpi", "--test", "cli", "--", "mpi::"];
    cargo(root, &tests, &[])
}

fn install_nvcc_stand_in(folder: &Path) -> anyhow::Result<PathBuf> {
    let bin = folder.join("bin");
    let nvcc = bin.join("nvcc");
    fs::create_dir_all(&bin).with_context(|| format!("{}", bin.display()))?;
    fs::write(&nvcc, include_str!("nvcc")).with_context(|| format!("{}", nvcc.display()))?;
    fs::set_permissions(&nvcc, fs::Permissions::from_mode(0o755))?;
    Ok(bin)
}

fn cargo(root: &Path, arguments: &[&str], environment: &[(&str, String)]) -> anyhow::Result<()> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .current_dir(root)
        .status()
        .context("cargo did not start")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(())
}
