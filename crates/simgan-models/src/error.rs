use std::path::{Path, PathBuf};

use candle_core::{DType, Shape};
use simgan_settings::OutOfRange;

/// An error of a network or of its files. A message about a parameter names it and ends with the path of the
/// file; [`ModelError::hint`] suggests a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A network that cannot be built.
    #[error("{0}")]
    Config(String),
    /// A value of a network's config that is out of its range.
    #[error(transparent)]
    Range(#[from] OutOfRange),
    /// Reading or writing failed.
    #[error("{source}: {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is damaged, or not of the expected kind.
    #[error("damaged or not a model file ({reason}): {}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The network has a parameter that the file lacks.
    #[error("parameter `{name}` is missing: {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
    },
    /// The file has a parameter that the network lacks.
    #[error("unknown parameter `{name}`: {}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
    },
    /// A parameter of the wrong shape.
    #[error("parameter `{name}` has shape {found:?}, but the network expects {expected:?}: {}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
        /// The network's shape.
        expected: Shape,
        /// The file's shape.
        found: Shape,
    },
    /// A parameter of the wrong type.
    #[error("parameter `{name}` is {found}, but the network expects {expected:?}: {}", path.display())]
    DType {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
        /// The network's type.
        expected: DType,
        /// The file's type.
        found: String,
    },
    /// A parameter with an infinite value or NaN.
    #[error("parameter `{name}` is not finite: {}", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
    },
    /// A checkpoint that cannot be used.
    #[error("{}: this checkpoint cannot be used: {reason}", path.display())]
    Checkpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The path holds no checkpoint.
    #[error("{}: {reason}", path.display())]
    NoCheckpoint {
        /// The path given as the model.
        path: PathBuf,
        /// What is missing.
        reason: &'static str,
    },
    /// The file that names a run's best checkpoint cannot be used.
    #[error("{}: {reason}", path.display())]
    Best {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl ModelError {
    /// Suggests a remedy; `None` where the message says it all.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Damaged { .. } => Some("use another checkpoint"),
            Self::Missing { .. } | Self::Unknown { .. } => Some("the file belongs to another network"),
            Self::NotFinite { .. } => Some("the run diverged; use an earlier checkpoint"),
            Self::Checkpoint { .. } => Some("use another checkpoint of the run, or copy this one again"),
            Self::NoCheckpoint { .. } => {
                Some("give a run's folder, or one of the folders in its checkpoints/")
            }
            Self::Best { .. } => Some("remove this file to use the newest checkpoint"),
            Self::Config(_) | Self::Range(_) | Self::Io { .. } => None,
            Self::Shape { .. } | Self::DType { .. } | Self::Tensor(_) => None,
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: &impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
