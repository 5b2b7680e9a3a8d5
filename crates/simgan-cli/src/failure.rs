//! Reports a failure: `error: …` with its causes, a `hint: …`, and the exit status.

use std::error::Error as StdError;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Error;
use simgan_data::{DataError, Hint, Hinted, message_of, printable, printable_line};
use simgan_eval::EvalError;
use simgan_eyes::EyesError;
use simgan_metrics::MetricsError;
use simgan_models::ModelError;
use simgan_refine::RefineError;
use simgan_train::{ConfigError, TrainError};
use simgan_web::WebError;
use simgan_web::turing::TuringError;

use crate::wording::Typed;

const JOB_FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// A command line that makes no sense: exit status 2.
#[derive(Debug)]
pub(crate) struct Usage {
    message: String,
    hint: Option<Hint>,
}

impl Usage {
    /// Adds a hint: what to type instead.
    pub(crate) fn hint(self, hint: impl Into<Hint>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    #[cfg(test)]
    pub(crate) fn hint_text(&self) -> String {
        self.hint.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Usage {}

/// Makes an error that ends with exit status 2.
pub(crate) fn usage(message: impl Into<String>) -> Usage {
    Usage { message: message.into(), hint: None }
}

/// Turns a library's error about an argument into one that ends with exit status 2.
pub(crate) fn usage_of(error: &(dyn StdError + 'static)) -> Error {
    Usage { message: error.to_string(), hint: hint_of(error) }.into()
}

/// Prints `error` to standard error and returns the exit status. Its hint names the options in `typed`.
///
/// A closed pipe (`simgan inspect … | head`) is success and prints nothing: the reader has seen enough.
pub(crate) fn report(error: &Error, typed: &Typed) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A closed standard error leaves nobody to report to.
    let _ = io::stderr().write_all(text(error, typed, colour).as_bytes());
    ExitCode::from(if is_usage(error) { WRONG_USAGE } else { JOB_FAILED })
}

/// Whether the command line is at fault rather than files or the system.
fn is_usage(error: &Error) -> bool {
    // Settings that contradict a run or experiment to continue were typed as well.
    let resumed = matches!(error.downcast_ref(), Some(TrainError::Config(ConfigError::Resumed { .. })));
    let other = matches!(error.downcast_ref(), Some(EvalError::OtherExperiment { .. }));
    let address = matches!(error.downcast_ref(), Some(WebError::Address { .. }));
    error.is::<Usage>() || error.is::<ConfigError>() || resumed || other || address
}

fn is_closed_pipe(error: &Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Formats the message, then on its own line the first hint in the chain of causes.
fn text(error: &Error, typed: &Typed, colour: bool) -> String {
    let (red, blue, plain) = if colour { ("\x1b[1;31m", "\x1b[1;36m", "\x1b[0m") } else { ("", "", "") };
    let mut text = format!("{red}error:{plain} {}\n", message(error));
    if let Some(hint) = error.chain().find_map(hint_of).and_then(|hint| hint.text(typed)) {
        text.push_str(&format!("{blue}hint:{plain} {}\n", printable_line(&hint)));
    }
    text
}

/// The message with its causes, on one line but for what shows a place in a TOML file.
fn message(error: &Error) -> String {
    let message = message_of(&**error);
    let message = message.trim_end();
    let shown = error.chain().find_map(|cause| cause.downcast_ref::<toml::de::Error>());
    let shown = shown.map(|shown| shown.to_string().trim_end().to_owned());
    match shown.as_deref().and_then(|shown| Some((message.split_once(shown)?, shown))) {
        Some(((before, after), shown)) => {
            format!("{}{}{}", printable_line(before), printable(shown), printable_line(after))
        }
        None => printable_line(message).into_owned(),
    }
}

/// Returns the hint of an error of any of our crates.
fn hint_of(error: &(dyn StdError + 'static)) -> Option<Hint> {
    macro_rules! of {
        ($($kind:ty => $hint:expr),+ $(,)?) => {
            $(if let Some(error) = error.downcast_ref::<$kind>() {
                return $hint(error);
            })+
        };
    }
    of! {
        Usage => |usage: &Usage| usage.hint.clone(),
        Hinted => |hinted: &Hinted| Some(hinted.hint.clone()),
        DataError => DataError::hint,
        EyesError => EyesError::hint,
        ModelError => |error: &ModelError| error.hint().map(Hint::from),
        MetricsError => MetricsError::hint,
        ConfigError => ConfigError::hint,
        TrainError => TrainError::hint,
        RefineError => RefineError::hint,
        EvalError => EvalError::hint,
        TuringError => TuringError::hint,
        WebError => WebError::hint,
        io::Error => Hint::of_io,
    }
    None
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_hint_stands_on_its_own_line() {
        let told = |error: Error| text(&error, &Typed::TRAIN, false);
        let differ =
            |size: &str| TrainError::SizesDiffer { synthetic: size.to_owned(), real: "9x7".to_owned() };
        let expected = "error: synthetic images are 5x4, real ones 9x7\n\
                        hint: bring them to one size with --set data.size=5x4\n";
        assert_eq!(told(differ("5x4").into()), expected);
        let missing = Error::from(DataError::MissingFolder { path: "none".into() }).context("reading");
        assert!(told(missing).starts_with("error: reading: none: no such folder\nhint: check the path"));
        assert_eq!(told(usage("no").hint("f(x)").into()), "error: no\nhint: f(x)\n");
        assert_eq!(told(Error::msg("plain")), "error: plain\n");
        let steering = usage("a\x1b[31m.png").hint("\x1b]0;x\x07");
        let broken = DataError::MissingFolder { path: "a\nerror: b".into() };
        assert!(told(broken.into()).starts_with("error: a\\u000aerror: b: no such folder\nhint: "));
        let toml = "a = 1\nb = \n".parse::<toml::Table>().unwrap_err();
        let text = toml.to_string();
        let told_toml = told(Error::from(ConfigError::from(toml)).context("x\ny"));
        assert!(told_toml.contains(text.trim_end()) && told_toml.contains("x\\u000ay"), "{told_toml}");
        assert_eq!(told(steering.into()), "error: a\\u001b[31m.png\nhint: \\u001b]0;x\\u0007\n");
    }

    #[test]
    fn a_cause_is_told_once_and_gives_its_hint() {
        let inner = io::Error::other("disk full");
        let error = Err::<(), _>(inner).context("a.png: disk full").context("refining").unwrap_err();
        assert_eq!(text(&error, &Typed::TRAIN, false), "error: refining: a.png: disk full\n");
        let full = Error::from(io::Error::from(io::ErrorKind::StorageFull)).context("a.png");
        assert!(text(&full, &Typed::TRAIN, false).contains("\nhint: make room"));
    }
}
