//! Libraries must not name options: their errors carry hints as values, which the programs put into words.

use std::path::Path;

use super::read;

/// Programs, which may name options.
const PROGRAMS: &[&str] = &["crates/simgan-cli/"];

/// Finds error texts of libraries that hold a hint or an option.
pub(super) fn check(root: &Path, tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked.iter().filter(|path| is_library(path)) {
        findings.extend(check_source(path, &read(root, path)?));
    }
    Ok(findings)
}

fn is_library(path: &str) -> bool {
    let is_source = path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs");
    is_source && !PROGRAMS.iter().any(|program| path.starts_with(program))
}

fn check_source(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (start, _) in text.match_indices("#[error(") {
        let line = text[..start].matches('\n').count() + 1;
        let attribute = &text[start..];
        let attribute = &attribute[..attribute.find(")]").unwrap_or(attribute.len())];
        if let Some(word) = option(attribute) {
            findings.push(format!("{path}:{line}: an error text names the option {word}"));
        }
        if attribute.contains("hint:") {
            findings.push(format!("{path}:{line}: an error text has a hint; give it as a value"));
        }
    }
    // Texts built outside `#[error]` attributes.
    for (idx, _) in
        text.lines().enumerate().filter(|(_, line)| line.contains("; hint: ") || line.contains("(hint: "))
    {
        findings.push(format!("{path}:{}: a text has a hint; give it as a value", idx + 1));
    }
    findings
}

/// Returns the first command-line option in a text.
fn option(text: &str) -> Option<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "\"'`(),".contains(c));
    words.into_iter().find(|word| {
        word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_and_options_in_error_texts_are_found() {
        let found =
            |attribute: &str| check_source("a.rs", &format!("enum E {{\n    {attribute}\n    A,\n}}"));
        assert_eq!(found("#[error(\"{path}: -- no folder -\", path = .0.display())]"), Vec::<String>::new());
        assert_eq!(found("/// Typed as --set.\n#[error(transparent)]"), Vec::<String>::new());
        let option = found("#[error(\n\"{}: choose another\n --run\", path.display())]");
        assert_eq!(option, ["a.rs:2: an error text names the option --run"]);
        assert_eq!(found("#[error(\"no key\\nhint: {hint}\")]").len(), 1);
        assert_eq!(check_source("a.rs", "bail!(\"it is 0 (hint: at least 1)\")").len(), 1);
    }

    #[test]
    fn only_libraries_are_held_to_it() {
        assert!(is_library("crates/simgan-data/src/error.rs"));
        let others =
            ["crates/simgan-cli/src/failure.rs", "xtask/src/main.rs", "crates/simgan-data/tests/a.rs"];
        assert!(!others.into_iter().any(is_library));
    }
}
