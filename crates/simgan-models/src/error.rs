use std::path::{Path, PathBuf};

use candle_core::{DType, Shape};
use simgan_settings::OutOfRange;

/// What can go wrong with a network or its file. Messages about files end with the path and name the parameter.
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
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a whole file of its kind.
    #[error("damaged or not a model file ({reason}): {} (hint: take another checkpoint)", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The network has a parameter that the file lacks.
    #[error("parameter `{name}` is missing: {} (hint: the file belongs to another network)", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
    },
    /// The file has a parameter that the network lacks.
    #[error("unknown parameter `{name}`: {} (hint: the file belongs to another network)", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
    },
    /// A parameter of the wrong shape.
    #[error("parameter `{name}` has shape {found:?}, the network wants {expected:?}: {}", path.display())]
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
    #[error("parameter `{name}` is {found:?}, the network wants {expected:?}: {}", path.display())]
    DType {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
        /// The network's type.
        expected: DType,
        /// The file's type.
        found: DType,
    },
    /// A parameter with an infinite value or NaN.
    #[error("parameter `{name}` is not finite: {} (hint: the run diverged; take an earlier checkpoint)", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
    },
    /// A checkpoint that cannot be used.
    #[error("{}: this checkpoint cannot be used: {reason}; hint: delete this folder to continue from the one before it", path.display())]
    Checkpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file that names a run's best checkpoint cannot be used.
    #[error("{}: {reason}; hint: without this file the newest checkpoint is taken", path.display())]
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
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: &impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
