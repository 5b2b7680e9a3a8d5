//! Packs programs, golden values for the tests, the script, and a description.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde_json::json;

use super::build::{Program, Target};
use crate::failure::hinted;

/// Maximum size of a package in MB: it must be easy to transfer.
const MOST_MEGABYTES: f64 = 60.0;
/// Describes the package; its presence marks a folder as a package.
const ABOUT: &str = "about.json";
/// Folders whose `.safetensors` files the tests read, directly or one level down.
const GOLDEN: [&str; 2] = ["crates/simgan-kernels/tests/golden", "tests/golden"];

/// Writes the package and returns its size in megabytes.
pub(super) fn pack(root: &Path, target: &Target, programs: &[Program], output: &Path) -> anyhow::Result<f64> {
    make_room(output)?;
    for Program { name, path } in programs {
        copy(path, &output.join("bin").join(name))?;
    }
    if let Target::Cuda { toolkit, .. } = target {
        let runtime = toolkit.runtime()?;
        copy(&runtime, &output.join("lib").join(runtime.file_name().unwrap_or_default()))?;
    }
    for file in golden_files(root)? {
        copy(&root.join(&file), &output.join("repository").join(&file))?;
    }
    write(&output.join("device"), target.device())?;
    write(&output.join(ABOUT), &about(root, target))?;
    write(&output.join("README.md"), &read_me(target))?;
    let script = output.join("run.sh");
    write(&script, include_str!("run.sh"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let megabytes = size(output)? as f64 / 1e6;
    // A CPU package keeps its debug information; it is a trial that stays on this machine.
    if let Target::Cuda { .. } = target {
        ensure!(
            megabytes <= MOST_MEGABYTES,
            "the package has {megabytes:.1} MB, more than {MOST_MEGABYTES} MB"
        );
    }
    Ok(megabytes)
}

/// Makes an empty folder; replaces nothing but an earlier package.
fn make_room(output: &Path) -> anyhow::Result<()> {
    let is_empty = fs::read_dir(output).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && !output.join(ABOUT).exists() {
        bail!(hinted(
            format!("{} is neither empty nor an earlier package", output.display()),
            "give a new folder"
        ));
    }
    if output.exists() {
        fs::remove_dir_all(output).with_context(|| output.display().to_string())?;
    }
    fs::create_dir_all(output).with_context(|| output.display().to_string())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Returns the golden files, relative to the root.
fn golden_files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in GOLDEN {
        let inner = entries(&root.join(folder))?.into_iter().filter(|path| path.is_dir());
        for folder in inner.chain([root.join(folder)]) {
            let all = entries(&folder)?.into_iter();
            files.extend(
                all.filter(|path| path.extension().is_some_and(|extension| extension == "safetensors")),
            );
        }
    }
    files.into_iter().map(|file| Ok(file.strip_prefix(root)?.to_owned())).collect()
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Returns the bytes of all files in a folder.
fn size(folder: &Path) -> anyhow::Result<u64> {
    entries(folder)?
        .into_iter()
        .map(|path| if path.is_dir() { size(&path) } else { Ok(path.metadata()?.len()) })
        .sum()
}

fn about(root: &Path, target: &Target) -> String {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(root).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cuda = match target {
        Target::Cpu => json!(null),
        Target::Cuda { toolkit, compute_cap, .. } => json!({
            "version": toolkit.version,
            "compute_capability": format!("{}.{}", compute_cap / 10, compute_cap % 10),
            "libraries_needed": toolkit.libraries().map(|(_, _, soname)| soname),
        }),
    };
    let about = json!({
        "commit": told("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        "rustc": told("rustc", &["--version"]),
        "built_with_libc": told("getconf", &["GNU_LIBC_VERSION"]),
        "cuda": cuda,
    });
    format!("{about:#}")
}

fn read_me(target: &Target) -> String {
    let needs = match target {
        Target::Cpu => "It was built for the CPU and needs nothing but Linux.".to_owned(),
        Target::Cuda { toolkit, compute_cap, .. } => format!(
            "The machine must have an NVIDIA GPU of compute capability {}.{}, a driver for CUDA {} or newer,\n\
             and these libraries: {}.\n\
             A CUDA toolkit with cuDNN or a PyTorch built for that CUDA provides them: `run.sh` searches\n\
             /usr/local/cuda and the packages of `python3`; LD_LIBRARY_PATH may add other folders.",
            compute_cap / 10,
            compute_cap % 10,
            toolkit.version,
            toolkit.libraries().map(|(_, _, soname)| soname).join(", "),
        ),
    };
    format!(
        "# simgan on this machine\n\n\
         `./run.sh [LOGS]` tests, trains, resumes, refines and measures in under six minutes, and prints\n\
         one JSON object. Its exit status is 0 if every step passed. It needs no network.\n\n{needs}\n\n\
         `about.json` gives the commit and the tools of the build; the machine's libc must be at\n\
         least as new as `built_with_libc`.\n"
    )
}
