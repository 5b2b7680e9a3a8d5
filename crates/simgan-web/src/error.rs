//! Why a server cannot start.

use std::io;
use std::path::PathBuf;

use simgan_data::Hint;
use thiserror::Error;

use crate::turing::TuringError;

/// Why the server cannot start, or had to end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebError {
    /// The address is no address.
    #[error("{bind}: no address of this machine: {source}")]
    Address {
        /// The address.
        bind: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program listens there.
    #[error("{bind}: another program already listens on this port")]
    PortInUse {
        /// The address.
        bind: String,
    },
    /// A path is neither a run, nor a folder of runs, nor a report.
    #[error("{path}: {reason}", path = .path.display())]
    NotServed {
        /// The path.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// The system failed.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A Turing test cannot be opened.
    #[error(transparent)]
    Turing(#[from] TuringError),
}

impl WebError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Address { .. } => {
                Some(Hint::setting("give it as host and port", "serve.bind", "127.0.0.1:7878"))
            }
            Self::PortInUse { .. } => {
                Some(Hint::setting("let the system choose a free port", "serve.bind", "127.0.0.1:0"))
            }
            Self::NotServed { .. } => Some("name the folder of a run, or a folder that holds runs".into()),
            Self::System { source, .. } => Hint::of_io(source),
            Self::Turing(error) => error.hint(),
        }
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
