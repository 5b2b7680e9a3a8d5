//! Checks that each crate's documentation has an example.

use std::path::Path;

use super::read;

/// Checks the root of each library.
pub(super) fn check(root: &Path, tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked.iter().filter(|path| is_library_root(path)) {
        if !has_example(&read(root, path)?) {
            findings.push(format!("{path}: the crate's documentation has no example that runs"));
        }
    }
    Ok(findings)
}

/// Whether a file is the root of a library for users; the package `tests` has none.
fn is_library_root(path: &str) -> bool {
    path.starts_with("crates/") && path.ends_with("/src/lib.rs")
}

/// Whether the documentation has a code block that rustdoc runs: one marked `rust` or not marked at all.
fn has_example(text: &str) -> bool {
    let fences = text.lines().filter_map(|line| line.strip_prefix("//! ```"));
    fences.step_by(2).any(|language| matches!(language.trim(), "" | "rust"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_a_block_that_rustdoc_runs() {
        assert!(has_example("//! A crate.\n//!\n//! ```\n//! assert!(true);\n//! ```\n"));
        assert!(has_example("//! ```text\n//! a\n//! ```\n//!\n//! ```\n//! run();\n//! ```\n"));
        assert!(!has_example("//! ```text\n//! a\n//! ```\n"));
        assert!(!has_example("//! A crate.\n\n/// ```\n/// run();\n/// ```\nfn run() {}\n"));
    }

    #[test]
    fn only_libraries_are_held_to_it() {
        assert!(is_library_root("crates/simgan-data/src/lib.rs"));
        assert!(!is_library_root("crates/simgan-cli/src/main.rs") && !is_library_root("tests/src/lib.rs"));
    }
}
