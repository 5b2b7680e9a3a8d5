//! Log lines held back while something else has the terminal.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Maximum number of lines held; older ones are only counted.
const MOST: usize = 500;

/// The lines held; `None` while they are printed at once.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

#[derive(Debug, Default)]
struct Held {
    lines: VecDeque<String>,
    n_dropped: u64,
}

impl Held {
    fn push(&mut self, line: &str) {
        if self.lines.len() == MOST {
            self.lines.pop_front();
            self.n_dropped += 1;
        }
        self.lines.push_back(line.to_owned());
    }

    fn text(&self) -> String {
        let dropped = match self.n_dropped {
            0 => String::new(),
            n => format!("({n} earlier log lines are not shown)\n"),
        };
        self.lines.iter().fold(dropped, |text, line| text + line)
    }
}

/// Holds back log lines from now on.
pub(crate) fn hold() {
    held().get_or_insert_default();
}

/// Prints the lines held, and prints further ones at once.
pub(crate) fn release() {
    if let Some(held) = held().take() {
        // A closed standard error leaves nobody to report to.
        let _ = io::stderr().write_all(held.text().as_bytes());
    }
}

/// Returns the last `n` lines held, oldest first.
pub(crate) fn last(n: usize) -> Vec<String> {
    let held = held();
    let Some(Held { lines, .. }) = &*held else { return Vec::new() };
    lines.iter().skip(lines.len().saturating_sub(n)).map(|line| line.trim_end().to_owned()).collect()
}

/// Keeps a line if lines are held.
pub(super) fn keep(line: &str) -> bool {
    held().as_mut().map(|held| held.push(line)).is_some()
}

fn held() -> MutexGuard<'static, Option<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_the_others_counted() {
        let mut held = Held::default();
        (0..MOST + 3).for_each(|n| held.push(&format!("line {n}\n")));
        let text = held.text();
        assert!(text.starts_with("(3 earlier log lines are not shown)\nline 3\nline 4\n"), "{text}");
        assert!(text.ends_with(&format!("line {}\n", MOST + 2)));
    }
}
