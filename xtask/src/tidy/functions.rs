//! Checks the length of functions.

use std::path::Path;

use super::read;

const MAX_LINES: usize = 60;

const QUALIFIERS: &[&str] = &["default", "const", "async", "unsafe", "extern", "\"C\""];

/// Checks the functions of all tracked Rust files.
pub(super) fn check(root: &Path, tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in tracked.iter().filter(|path| path.ends_with(".rs")) {
        findings.extend(check_source(path, &read(root, path)?));
    }
    Ok(findings)
}

/// Relies on rustfmt, which puts a function's closing brace on a line of its own, indented like its `fn`.
fn check_source(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let too_long = lines.iter().enumerate().filter_map(|(idx, line)| {
        let (indentation, name) = function(line)?;
        let n_lines = length(&lines[idx..], indentation);
        (n_lines > MAX_LINES)
            .then(|| format!("{path}:{}: `{name}` has {n_lines} lines, more than {MAX_LINES}", idx + 1))
    });
    too_long.collect()
}

/// Returns the indentation and name of the function that begins on this line, if any.
fn function(line: &str) -> Option<(&str, &str)> {
    let (indentation, code) = line.split_at(line.len() - line.trim_start().len());
    let (before, after) = code.split_once("fn ")?;
    let is_visibility = |word: &str| word.starts_with("pub") || word.ends_with(')');
    let is_item = before.split_whitespace().all(|word| is_visibility(word) || QUALIFIERS.contains(&word));
    is_item.then(|| (indentation, after.split(['(', '<']).next().unwrap_or(after)))
}

/// Counts the lines to the closing brace, or to the semicolon of a function without a body.
fn length(lines: &[&str], indentation: &str) -> usize {
    if lines[0].ends_with(['}', ';']) {
        return 1;
    }
    let ends = |line: &&str| {
        let code = line.strip_prefix(indentation);
        code.is_some_and(|code| code == "}" || (code.starts_with(')') && code.ends_with(';')))
    };
    lines.iter().position(ends).map_or(lines.len(), |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(n_lines: usize) -> String {
        "        step();\n".repeat(n_lines)
    }

    #[test]
    fn long_functions_are_found() {
        let source = |n_lines| {
            format!("impl A {{\n    pub(crate) const fn a<T>(\n    ) {{\n{}    }}\n}}\n", body(n_lines))
        };
        assert_eq!(check_source("a.rs", &source(MAX_LINES - 3)), Vec::<String>::new());
        assert_eq!(check_source("a.rs", &source(MAX_LINES - 2)), ["a.rs:2: `a` has 61 lines, more than 60"]);
    }

    #[test]
    fn blocks_inside_do_not_end_a_function() {
        let source = format!("fn a() {{\n    if b {{\n{}    }}\n\n    c();\n}}\n", body(MAX_LINES));
        assert_eq!(check_source("a.rs", &source).len(), 1);
    }

    #[test]
    fn functions_without_a_body_or_on_one_line_are_short() {
        let declared = "trait A {\n    fn a();\n    fn b(\n        c: C,\n    ) -> D;\n    fn e() {}\n";
        let source = format!("{declared}    const F: &str = \"\n{}\";\n}}\n", body(MAX_LINES));
        assert_eq!(check_source("a.rs", &source), Vec::<String>::new());
    }

    #[test]
    fn only_items_are_functions() {
        assert_eq!(function("    pub(in crate::a) unsafe fn b<T>("), Some(("    ", "b")));
        for other in ["/// fn a()", "let f = my_fn (1);", "    observe: fn(u8),", "// the fn below"] {
            assert_eq!(function(other), None, "{other}");
        }
    }
}
