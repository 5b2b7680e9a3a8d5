//! Checks that every crate inherits its dependencies and lints from the workspace.

use std::path::Path;

use serde_json::Value;

use super::{packages, read};

/// Finds manifests that declare a version, path or lint of their own.
pub(super) fn check(root: &Path, metadata: &Value) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in packages(metadata) {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let path = manifest.strip_prefix(root).unwrap_or(manifest).display().to_string();
        findings.extend(
            check_manifest(&read(root, &path)?).into_iter().map(|finding| format!("{path}: {finding}")),
        );
    }
    Ok(findings)
}

fn check_manifest(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.contains("[lints]\nworkspace = true") {
        findings.push("does not inherit the workspace's lints".to_owned());
    }
    let mut section = "";
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && !inherits(line) {
            findings.push(format!("`{line}` does not inherit from the workspace"));
        }
    }
    findings
}

fn inherits(line: &str) -> bool {
    line.contains(".workspace = true")
        || line.contains("workspace = true,")
        || line.contains("workspace = true }")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_its_own_is_found() {
        let good = "[lints]\nworkspace = true\n[dependencies]\nrayon.workspace = true\n";
        assert_eq!(check_manifest(good), Vec::<String>::new());
        assert_eq!(check_manifest(&format!("{good}serde = \"1\"\n")).len(), 1);
        assert_eq!(check_manifest("[dependencies]\n").len(), 1);
    }
}
