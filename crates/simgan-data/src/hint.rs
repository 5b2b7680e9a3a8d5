use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A remedy for an error, as a value.
///
/// A library does not know how its settings are spelled on a command line. It returns the remedy as a value,
/// and the calling program words it in terms of its own options ([`Wording`]).
///
/// ```
/// use simgan_data::{Folder, Hint, Wording};
///
/// struct Tool;
/// impl Wording for Tool {
///     fn setting(&self, key: &str, value: &str) -> Option<String> {
///         (key == "data.size").then(|| format!("--size {value}"))
///     }
/// }
///
/// let hint = Hint::setting("bring them to one size", "data.size", "55x35");
/// assert_eq!(hint.to_string(), "bring them to one size with data.size = 55x35");
/// assert_eq!(hint.text(&Tool).unwrap(), "bring them to one size with --size 55x35");
/// let error = Folder::open("none".as_ref(), &Default::default()).err().unwrap();
/// assert_eq!(error.hint().unwrap().text(&Tool).unwrap(), "check the path, or make the data first");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// A sentence that names no option.
    Advice(Cow<'static, str>),
    /// The name that the user probably meant.
    DidYouMean(String),
    /// Change a setting.
    Setting {
        /// What the change does, in the imperative: "bring them to one size".
        act: Cow<'static, str>,
        /// The setting, `section.name`.
        key: Cow<'static, str>,
        /// Its new value.
        value: String,
    },
    /// Skip files that cannot be read.
    SkipUnreadable,
    /// Continue the interrupted job.
    Resume,
    /// Write to another folder.
    OtherOutput,
    /// Start a new run from another run's configuration.
    NewRun {
        /// The other run's configuration.
        config: PathBuf,
    },
    /// Start a new run, on new images, from the refiner of this run or checkpoint.
    StartFrom(PathBuf),
    /// Fetch a data set listed in `data/manifest.toml`.
    Fetch(&'static str),
    /// Pack the data set again.
    Pack,
    /// Build the program with a feature of `simgan-cli`.
    BuildWith(&'static str),
    /// Any one of these.
    AnyOf(Vec<Hint>),
}

/// How a program words each [`Hint`]; the defaults fit any program.
///
/// A method returns `None` if the program, or the command being run, cannot do it.
pub trait Wording {
    /// Words a change of a setting: completes "bring them to one size with …".
    fn setting(&self, key: &str, value: &str) -> Option<String> {
        Some(format!("{key} = {value}"))
    }

    /// Words [`Hint::SkipUnreadable`].
    fn skip_unreadable(&self) -> Option<String> {
        Some("skip such files".to_owned())
    }

    /// Words [`Hint::Resume`].
    fn resume(&self) -> Option<String> {
        Some("continue it".to_owned())
    }

    /// Words [`Hint::OtherOutput`].
    fn other_output(&self) -> Option<String> {
        Some("choose another folder".to_owned())
    }

    /// Words [`Hint::NewRun`].
    fn new_run(&self, config: &Path) -> Option<String> {
        Some(format!("start a new run from {} with the new value", config.display()))
    }

    /// Words [`Hint::StartFrom`].
    fn start_from(&self, run: &Path) -> Option<String> {
        Some(format!("start a new run from the refiner of {}", run.display()))
    }

    /// Words [`Hint::Fetch`].
    fn fetch(&self, dataset: &str) -> Option<String> {
        Some(format!("fetch the data set {dataset}"))
    }

    /// Words [`Hint::Pack`].
    fn pack(&self) -> Option<String> {
        Some("pack the data set again".to_owned())
    }

    /// Words [`Hint::BuildWith`].
    fn build_with(&self, feature: &str) -> Option<String> {
        Some(format!("build with the feature {feature}"))
    }
}

/// The default wording.
struct Plain;

impl Wording for Plain {}

impl Hint {
    /// Makes a [`Hint::Advice`].
    #[must_use]
    pub fn advice(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Advice(text.into())
    }

    /// Makes a [`Hint::Setting`].
    #[must_use]
    pub fn setting(
        act: impl Into<Cow<'static, str>>,
        key: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
    ) -> Self {
        Self::Setting { act: act.into(), key: key.into(), value: value.to_string() }
    }

    /// Makes a [`Hint::AnyOf`].
    #[must_use]
    pub fn any_of(hints: impl Into<Vec<Self>>) -> Self {
        Self::AnyOf(hints.into())
    }

    /// The remedy for an I/O error. Only a full disk has one that is always right.
    #[must_use]
    pub fn of_io(error: &io::Error) -> Option<Self> {
        let is_full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        let advice = "make room there; what was written before is whole, and the job can be continued";
        is_full.then(|| Self::advice(advice))
    }

    /// Words the hint for a program; `None` if the program offers no such remedy.
    #[must_use]
    pub fn text(&self, wording: &dyn Wording) -> Option<String> {
        match self {
            Self::Advice(text) => Some(text.to_string()),
            Self::DidYouMean(name) => Some(format!("did you mean `{name}`?")),
            Self::Setting { act, key, value } => {
                wording.setting(key, value).map(|typed| format!("{act} with {typed}"))
            }
            Self::SkipUnreadable => wording.skip_unreadable(),
            Self::Resume => wording.resume(),
            Self::OtherOutput => wording.other_output(),
            Self::NewRun { config } => wording.new_run(config),
            Self::StartFrom(run) => wording.start_from(run),
            Self::Fetch(dataset) => wording.fetch(dataset),
            Self::Pack => wording.pack(),
            Self::BuildWith(feature) => wording.build_with(feature),
            Self::AnyOf(hints) => {
                let texts: Vec<String> = hints.iter().filter_map(|hint| hint.text(wording)).collect();
                (!texts.is_empty()).then(|| texts.join(", or "))
            }
        }
    }
}

/// Formats the hint in the default wording.
impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&Plain).unwrap_or_default())
    }
}

impl From<&'static str> for Hint {
    fn from(text: &'static str) -> Self {
        Self::advice(text)
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::advice(text)
    }
}

/// A message with a hint, for errors in programs that do not deserve a type of their own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Hinted {
    message: String,
    /// The remedy.
    pub hint: Hint,
}

impl Hinted {
    /// An error with this message and hint.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// Joins the messages of an error and its causes in one line, leaving out a cause that the message already
/// contains.
#[must_use]
pub fn message_of(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program without settings that can skip unreadable files.
    struct Skipping;

    impl Wording for Skipping {
        fn setting(&self, _: &str, _: &str) -> Option<String> {
            None
        }

        fn skip_unreadable(&self) -> Option<String> {
            Some("use --skip".to_owned())
        }
    }

    #[test]
    fn what_a_program_cannot_do_is_left_out() {
        let size = Hint::setting("bring them to one size", "data.size", "9x7");
        assert_eq!(size.text(&Skipping), None);
        let hint = Hint::any_of([size.clone(), Hint::advice("remove it"), Hint::SkipUnreadable]);
        assert_eq!(hint.text(&Skipping).unwrap(), "remove it, or use --skip");
        assert_eq!(Hint::any_of([size]).text(&Skipping), None);
        let plain = "bring them to one size with data.size = 9x7, or remove it, or skip such files";
        assert_eq!(hint.to_string(), plain);
    }

    #[test]
    fn a_full_disk_has_a_remedy() {
        let hint = Hint::of_io(&io::Error::from(io::ErrorKind::StorageFull)).unwrap();
        assert!(hint.to_string().starts_with("make room"));
        assert_eq!(Hint::of_io(&io::Error::other("tired")), None);
    }

    #[test]
    fn causes_are_told_once() {
        let inner = io::Error::other("disk full");
        let path = PathBuf::from("a.png");
        let outer = crate::DataError::Io { path, source: inner };
        assert_eq!(message_of(&outer), "a.png: disk full");
        assert_eq!(message_of(&Hinted::new("no", "yes")), "no");
    }
}
