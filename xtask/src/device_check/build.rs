//! Builds the programs of the package with cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::cuda::Toolkit;
use crate::failure::hinted;

/// The hardware to build for.
pub(super) enum Target {
    /// This machine's CPU, in cargo's usual profile and folder, so that a trial rebuilds little.
    Cpu,
    /// NVIDIA GPUs, in a separate profile and folder.
    Cuda { toolkit: Toolkit, compute_cap: u32, folder: PathBuf },
}

impl Target {
    /// The value for `--device`.
    pub(super) fn device(&self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda { .. } => "cuda",
        }
    }

    fn arguments(&self) -> &'static [&'static str] {
        match self {
            // The whole workspace unifies features as `cargo test --workspace` does, so that its builds are reused.
            Self::Cpu => &["--workspace"],
            Self::Cuda { .. } => &[
                "-p",
                "simgan-cli",
                "-p",
                "simgan-kernels",
                "-p",
                "simgan-tests",
                "--profile",
                "device-check",
                "--features",
                "simgan-cli/cudnn,simgan-kernels/cudnn,simgan-tests/cuda",
            ],
        }
    }

    fn environment(&self, root: &Path) -> anyhow::Result<Vec<(&'static str, OsString)>> {
        let Self::Cuda { toolkit, compute_cap, folder } = self else { return Ok(Vec::new()) };
        let mut environment = toolkit.environment(root, &folder.join("link"))?;
        environment.push(("CUDA_COMPUTE_CAP", compute_cap.to_string().into()));
        environment.push(("CARGO_TARGET_DIR", folder.into()));
        Ok(environment)
    }
}

/// A built program and its name in the package.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// The programs of the package: cargo's target names and the folders of their crates.
const PROGRAMS: [(&str, &str); 3] =
    [("simgan", "crates/simgan-cli"), ("kernels", "crates/simgan-kernels"), ("golden", "tests")];

/// Builds the command and the tests that depend on the device.
pub(super) fn build(root: &Path, target: &Target) -> anyhow::Result<Vec<Program>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--bin", "simgan", "--test", "kernels", "--test", "golden"])
        .arg("--message-format=json-render-diagnostics")
        .args(target.arguments())
        .envs(target.environment(root)?)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo did not start")?;
    if !output.status.success() {
        bail!(hinted("the programs do not build", "read cargo's messages above"));
    }
    let messages = String::from_utf8(output.stdout).context("cargo's messages are not text")?;
    let programs: Vec<Program> = messages.lines().filter_map(|message| program(root, message)).collect();
    for (name, _) in PROGRAMS {
        if !programs.iter().any(|program| program.name == name) {
            bail!("cargo built no program `{name}`");
        }
    }
    Ok(programs)
}

/// Returns the program that a message of cargo announces, if it is one of [`PROGRAMS`].
fn program(root: &Path, message: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(message).ok()?;
    let (name, path) = (message["target"]["name"].as_str()?, message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.strip_prefix(root).ok()?;
    let is_ours = PROGRAMS.iter().any(|(target, of)| *target == name && Path::new(of) == folder);
    is_ours.then(|| Program { name: name.to_owned(), path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_cargos_messages() {
        let of = |name: &str, folder: &str, executable: &str| {
            let manifest = format!("/w/{folder}/Cargo.toml");
            let target = format!(r#"{{"name": "{name}"}}"#);
            program(
                Path::new("/w"),
                &format!(
                    r#"{{"target": {target}, "manifest_path": "{manifest}", "executable": {executable}}}"#
                ),
            )
        };
        assert_eq!(of("golden", "tests", r#""/t/golden-1""#).unwrap().path, Path::new("/t/golden-1"));
        assert!(of("golden", "tests", "null").is_none());
        assert!(of("golden", "crates/simgan-data", r#""/t/golden-2""#).is_none());
        assert!(of("other", "tests", r#""/t/other-1""#).is_none());
        assert!(program(Path::new("/w"), r#"{"reason": "build-finished"}"#).is_none());
    }
}
