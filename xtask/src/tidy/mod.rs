//! `cargo xtask tidy`: the invariants of `crates/README.md` that a program can check.

mod errors;
mod examples;
mod files;
mod functions;
mod layers;
mod manifests;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// Runs all checks and fails with the list of findings.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let metadata = metadata(root)?;
    let tracked = tracked_files(root)?;
    let mut findings = layers::check(&metadata);
    findings.extend(manifests::check(root, &metadata)?);
    findings.extend(code_map(root, &metadata)?);
    findings.extend(examples::check(root, &tracked)?);
    findings.extend(files::check(root, &tracked)?);
    findings.extend(functions::check(root, &tracked)?);
    findings.extend(errors::check(root, &tracked)?);
    if !findings.is_empty() {
        bail!("tidy found:\n  {}", findings.join("\n  "));
    }
    Ok(())
}

/// Finds crates without a paragraph in the code map.
fn code_map(root: &Path, metadata: &Value) -> anyhow::Result<Vec<String>> {
    let map = read(root, "crates/README.md")?;
    let missing = package_names(metadata).filter(|name| !map.contains(&format!("**`{name}`**")));
    Ok(missing
        .map(|name| format!("crates/README.md has no paragraph that begins with **`{name}`**"))
        .collect())
}

fn package_names(metadata: &Value) -> impl Iterator<Item = &str> {
    packages(metadata).filter_map(|package| package["name"].as_str())
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn read(root: &Path, path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("reading {path}"))
}

fn metadata(root: &Path) -> anyhow::Result<Value> {
    let text = output(root, "cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
    serde_json::from_str(&text).context("cargo metadata is not JSON")
}

/// Lists tracked files and new files that git does not ignore, relative to the root.
fn tracked_files(root: &Path) -> anyhow::Result<Vec<String>> {
    let listing = output(root, "git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    Ok(listing.lines().filter(|path| root.join(path).is_file()).map(str::to_owned).collect())
}

fn output(root: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let call = format!("{program} {}", arguments.join(" "));
    let output =
        Command::new(program).args(arguments).current_dir(root).output().with_context(|| call.clone())?;
    if !output.status.success() {
        bail!("{call}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
