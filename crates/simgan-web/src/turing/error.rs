use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use simgan_data::{DataError, Hint};
use thiserror::Error;

/// Why a visual Turing test cannot be made, opened or continued. No answer given before is lost.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TuringError {
    /// The file cannot be read as a test.
    #[error("{path}: no Turing test: {reason}", path = .path.display())]
    NotATest {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A newer version of the program made the file.
    #[error("{path}: made by a newer version of simgan (format {version})", path = .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        version: i64,
    },
    /// Something stands where a new test is to be written.
    #[error("{path}: exists already", path = .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("{path}: no room to store the answer", path = .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The database failed.
    #[error("{path}: {source}", path = .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// A file cannot be read or written, or the system gives no random bytes.
    #[error("{what}: {source}")]
    System {
        /// The file, or what was tried.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A source has too few images.
    #[error("{needed} {kind} images are needed ({why}), and the source has {found}")]
    TooFew {
        /// Which images.
        kind: &'static str,
        /// How many the test needs.
        needed: usize,
        /// What for.
        why: String,
        /// How many there are.
        found: usize,
    },
    /// The images would give themselves away, because their kinds differ in size.
    #[error("{first} is {first_size}, {other} is {other_size}; images of different sizes tell their kind")]
    SizesDiffer {
        /// An image.
        first: String,
        /// Its size.
        first_size: String,
        /// Another.
        other: String,
        /// Its size.
        other_size: String,
    },
    /// A number of the design makes no sense.
    #[error("{0}")]
    Design(String),
    /// An image cannot be read or encoded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The refiner failed.
    #[error("the refiner failed: {0}")]
    Tensor(#[from] candle_core::Error),
}

impl TuringError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::NotATest { .. } => "simgan turing new makes tests".into(),
            Self::Newer { .. } => "use that version".into(),
            Self::Exists { .. } => "write to another file; a test's answers are never overwritten".into(),
            Self::Full { .. } => "make room there and answer again; earlier answers are kept".into(),
            Self::TooFew { .. } => "ask for fewer images of each kind, or name a larger source".into(),
            Self::SizesDiffer { .. } => Hint::setting("bring them to one size", "data.size", "55x35"),
            Self::System { source, .. } => return Hint::of_io(source),
            Self::Data(error) => return error.hint(),
            Self::Database { source, .. }
                if source.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) =>
            {
                "the file is damaged: put back a copy".into()
            }
            Self::Database { .. } | Self::Design(_) | Self::Tensor(_) => return None,
        })
    }

    pub(super) fn database(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path: path.clone() },
            Some(ErrorCode::NotADatabase) => {
                Self::NotATest { path: path.clone(), reason: "another kind of file".to_owned() }
            }
            _ => Self::Database { path: path.clone(), source },
        }
    }

    pub(super) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}
