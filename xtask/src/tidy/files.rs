//! Checks files: their length, `unsafe`, pictures, reference values.

use std::path::Path;

use super::read;

const MAX_LINES: usize = 350;

/// Where files may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[("crates/simgan-kernels/src/", "a kernel's passes are read side by side")];

const PICTURES: &[&str] = &["bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff"];

/// Folders that may hold pictures: our own renders for the documentation.
const PICTURE_FOLDERS: &[&str] = &["data/pictures/"];

/// Checks all tracked files.
pub(super) fn check(root: &Path, tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked {
        findings.extend(picture(path));
        findings.extend(reference(path, tracked));
        if path.ends_with(".rs") {
            findings.extend(source(path, &read(root, path)?));
        }
    }
    Ok(findings)
}

/// Finds pictures outside the allowed folders, so that no third-party image is committed.
fn picture(path: &str) -> Option<String> {
    let extension = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let allowed = PICTURE_FOLDERS.iter().any(|folder| path.starts_with(folder));
    (PICTURES.contains(&extension.as_str()) && !allowed)
        .then(|| format!("{path}: pictures belong in {} and must be our own", PICTURE_FOLDERS.join(", ")))
}

/// Finds reference values without the script that made them beside them.
fn reference(path: &str, tracked: &[String]) -> Option<String> {
    let folder = path.strip_suffix(".safetensors").and_then(|stem| stem.rsplit_once('/'))?.0;
    let has_script = tracked.iter().any(|other| *other == format!("{folder}/export.py"));
    (!has_script).then(|| format!("{path}: no export.py beside it"))
}

fn source(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let n_lines = text.lines().count();
    if n_lines > MAX_LINES && !LONGER.iter().any(|(longer, _)| path.starts_with(longer)) {
        findings.push(format!("{path}: {n_lines} lines, more than {MAX_LINES}"));
    }
    let lifted = text.lines().any(|line| line.contains("unsafe_code") && line.contains("expect("));
    // Tidy's own tests contain the text they look for.
    if lifted && !path.starts_with("crates/simgan-kernels/") && !path.starts_with("xtask/src/tidy/") {
        findings.push(format!("{path}: lifts unsafe_code; `unsafe` belongs in simgan-kernels"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_references_are_found() {
        assert!(picture("crates/simgan-data/tests/eye.PNG").is_some());
        assert!(picture("data/pictures/eyes.png").is_none());
        let tracked =
            ["tests/golden/conv/case.safetensors", "tests/golden/conv/export.py"].map(str::to_owned);
        assert!(reference(&tracked[0], &tracked).is_none());
        assert!(reference(&tracked[0], &tracked[..1]).is_some());
    }

    #[test]
    fn long_files_and_lifted_lints_are_found() {
        assert_eq!(source("crates/a/src/lib.rs", &"\n".repeat(MAX_LINES)), Vec::<String>::new());
        assert_eq!(source("crates/a/src/lib.rs", &"\n".repeat(MAX_LINES + 1)).len(), 1);
        let kernel = source("crates/simgan-kernels/src/a.rs", &"\n".repeat(MAX_LINES + 1));
        assert_eq!(kernel, Vec::<String>::new());
        let lift = "#![expect(unsafe_code, reason = \"fast\")]";
        assert_eq!(source("crates/simgan-data/src/lib.rs", lift).len(), 1);
        assert_eq!(source("crates/simgan-kernels/src/lib.rs", lift), Vec::<String>::new());
    }
}
