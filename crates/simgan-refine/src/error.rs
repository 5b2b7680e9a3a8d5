use std::path::PathBuf;

use simgan_data::{DataError, Hint};
use simgan_models::ModelError;

/// Why a refinement did not come to its end. What was written before stays whole, and the same call continues it.
/// [`RefineError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefineError {
    /// An image or label file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The checkpoint is missing, damaged or of another kind, or no checkpoint of the run is whole.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The network failed, for example for want of memory.
    #[error("the refiner failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The path holds no checkpoint.
    #[error("{path}: {reason}", path = .path.display())]
    NoCheckpoint {
        /// What was given as the model.
        path: PathBuf,
        /// What is missing.
        reason: &'static str,
    },
    /// The refiner is for images that files cannot hold.
    #[error("{path}: a refiner for {channels} channels; images have 1 (gray) or 3 (RGB)", path = .path.display())]
    Channels {
        /// The checkpoint.
        path: PathBuf,
        /// Its refiner's channels.
        channels: usize,
    },
    /// Reading and writing would mix.
    #[error(
        "{output}: the output folder and the input folder {input} overlap",
        output = .output.display(), input = .input.display()
    )]
    Overlap {
        /// The input folder.
        input: PathBuf,
        /// The output folder.
        output: PathBuf,
    },
    /// Something that is not a refinement stands in the output folder.
    #[error("{path}: not empty, and holds no refinement to continue", path = .path.display())]
    Occupied {
        /// The output folder.
        path: PathBuf,
    },
    /// The refinement in the output folder was begun with something else.
    #[error("{path}: begun with {before}, but this is {now}", path = .path.display())]
    Changed {
        /// The manifest.
        path: PathBuf,
        /// What the manifest says.
        before: String,
        /// What was asked for.
        now: String,
    },
    /// An image that is already refined is not what it was.
    #[error("{path}: {what} since it was refined", path = .path.display())]
    ChangedImage {
        /// The image in the input folder.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// The manifest is not one of this program's.
    #[error("{path}: line {line} of the manifest: {reason}", path = .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl RefineError {
    /// What to do about it; `None` where the message says all there is to say.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Data(error) => return error.hint(),
            Self::Model(error) => return error.hint().map(Hint::from),
            Self::Io { source, .. } => return Hint::of_io(source),
            Self::Channels { .. } => return None,
            Self::Tensor(_) => "a smaller batch needs less memory".into(),
            Self::NoCheckpoint { .. } => {
                "give a run's folder, or one of the folders in its checkpoints/".into()
            }
            Self::Overlap { .. } => {
                "choose an output folder elsewhere, so that no image is overwritten".into()
            }
            Self::ChangedImage { .. } => Hint::any_of([Hint::advice("put it back"), Hint::OtherOutput]),
            Self::Occupied { .. } | Self::Changed { .. } | Self::Manifest { .. } => Hint::OtherOutput,
        })
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
