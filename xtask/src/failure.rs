//! Formats a failure: what went wrong, then on its own line what to do.

use std::error::Error;

use simgan_data::{DataError, Hint, Hinted, Wording, message_of};
use simgan_eyes::EyesError;

/// Words hints with the options of `preprocess`, the only task whose hints name settings.
struct Typed;

impl Wording for Typed {
    fn setting(&self, key: &str, value: &str) -> Option<String> {
        match key {
            "data.size" => Some(format!("--size {value}")),
            "data.channels" => Some(format!("--channels {value}")),
            _ => None,
        }
    }

    fn skip_unreadable(&self) -> Option<String> {
        Some("leave out all such files with --skip-errors".to_owned())
    }

    fn resume(&self) -> Option<String> {
        Some("run the same command again to continue".to_owned())
    }

    fn other_output(&self) -> Option<String> {
        Some("choose another --output".to_owned())
    }

    fn fetch(&self, dataset: &str) -> Option<String> {
        Some(format!("cargo xtask fetch-data {dataset}"))
    }

    fn pack(&self) -> Option<String> {
        Some("pack it again".to_owned())
    }
}

/// Makes an error of a task, with a hint.
pub(crate) fn hinted(message: impl Into<String>, hint: impl Into<Hint>) -> anyhow::Error {
    Hinted::new(message, hint).into()
}

/// Formats the message and the first hint in the chain of causes.
pub(crate) fn text(error: &anyhow::Error) -> String {
    let message = message_of(&**error);
    match error.chain().find_map(hint_of).and_then(|hint| hint.text(&Typed)) {
        Some(hint) => format!("{message}\nhint: {hint}"),
        None => message,
    }
}

fn hint_of(error: &(dyn Error + 'static)) -> Option<Hint> {
    let hinted = error.downcast_ref::<Hinted>().map(|hinted| hinted.hint.clone());
    let of_data = || error.downcast_ref::<DataError>().and_then(DataError::hint);
    let of_eyes = || error.downcast_ref::<EyesError>().and_then(EyesError::hint);
    let of_io = || error.downcast_ref().and_then(Hint::of_io);
    hinted.or_else(of_data).or_else(of_eyes).or_else(of_io)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn hints_name_the_options_of_preprocess() {
        let error = DataError::Image { path: "a.png".into(), reason: "empty".to_owned() };
        let expected = "b: a.png: not a readable image: empty\n\
                        hint: remove or replace it, or leave out all such files with --skip-errors";
        assert_eq!(text(&Err::<(), _>(error).context("b").unwrap_err()), expected);
        assert_eq!(text(&hinted("no", Hint::Fetch("eyes"))), "no\nhint: cargo xtask fetch-data eyes");
        assert_eq!(text(&anyhow::anyhow!("plain")), "plain");
    }
}
