//! How a failure is told: `error: …`, its causes, a `hint: …`, and the exit status.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Error;
use simgan_eval::EvalError;
use simgan_train::{ConfigError, TrainError};

const JOB_FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// What was typed cannot be meant: exit status 2.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An error that ends with exit status 2.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Usage(message.into()).into()
}

/// Tells `error` on standard error and gives the exit status.
///
/// A reader that closed the pipe (`simgan inspect … | head`) has seen what it wanted: no message, success.
pub(crate) fn report(error: &Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A closed standard error leaves nobody to tell.
    let _ = io::stderr().write_all(render(&message_of(error), colour).as_bytes());
    ExitCode::from(if is_usage(error) { WRONG_USAGE } else { JOB_FAILED })
}

/// Whether what was typed is wrong, and not the world.
fn is_usage(error: &Error) -> bool {
    let resumed = matches!(error.downcast_ref(), Some(TrainError::Config(ConfigError::Resumed { .. })));
    let other = matches!(error.downcast_ref(), Some(EvalError::OtherExperiment { .. }));
    error.is::<Usage>() || error.is::<ConfigError>() || resumed || other
}

fn is_closed_pipe(error: &Error) -> bool {
    is_caused_by(error, &[io::ErrorKind::BrokenPipe])
}

fn is_caused_by(error: &Error, kinds: &[io::ErrorKind]) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| kinds.contains(&cause.kind()))
}

/// What to do when there is no room for what has to be written.
const NO_ROOM: &str = "; hint: make room there; files written before are whole, and the job can be continued";

/// The messages of the chain; a cause that the message before it already tells is not repeated.
fn message_of(error: &Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    let no_room = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
    if is_caused_by(error, &no_room) {
        message.push_str(NO_ROOM);
    }
    message
}

/// Hints go to lines of their own, below what went wrong.
fn render(message: &str, colour: bool) -> String {
    let (red, blue, plain) = if colour { ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") } else { ("", "", "") };
    let mut parts = message.split("hint: ");
    let wrong = parts.next().unwrap_or_default().trim_end();
    let (wrong, in_brackets) = wrong.strip_suffix('(').map_or((wrong, false), |wrong| (wrong, true));
    let mut text = format!("{red}error:{plain} {}\n", wrong.trim_end_matches([' ', '\n', ';', ':']));
    for hint in parts.map(str::trim_end) {
        let hint = if in_brackets { hint.trim_end_matches(')') } else { hint };
        text.push_str(&format!("{blue}hint:{plain} {hint}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_hint_stands_on_its_own_line() {
        assert_eq!(
            render("no such key; hint: loss.lambda", false),
            "error: no such key\nhint: loss.lambda\n"
        );
        assert_eq!(render("damaged: a (hint: take b)", false), "error: damaged: a\nhint: take b\n");
        assert_eq!(render("line\nhint: f(x)", false), "error: line\nhint: f(x)\n");
        assert_eq!(render("plain", false), "error: plain\n");
    }

    #[test]
    fn causes_are_told_once() {
        let inner = io::Error::other("disk full");
        let error = Err::<(), _>(inner).context("a.png: disk full").context("refining").unwrap_err();
        assert_eq!(message_of(&error), "refining: a.png: disk full");
        let full = Error::from(io::Error::from(io::ErrorKind::StorageFull)).context("a.png");
        assert!(message_of(&full).ends_with(NO_ROOM));
    }
}
