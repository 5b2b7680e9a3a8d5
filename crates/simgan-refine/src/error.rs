use std::path::PathBuf;

use simgan_data::{DataError, Hint};
use simgan_models::ModelError;

/// Why a refinement failed. Images written before stay valid, and repeating the call continues the job.
/// [`RefineError::hint`] says how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefineError {
    /// An image or label file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The checkpoint is missing, damaged or of another kind, or the run has no intact checkpoint.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The network failed, for example for want of memory.
    #[error("the refiner failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The refiner turned an image into infinite values or NaN: its weights are useless.
    #[error("{image}: the refined image is not finite; the refiner in {model} cannot be used", model = .model.display())]
    NotFinite {
        /// The image's name in the input.
        image: String,
        /// The checkpoint.
        model: PathBuf,
    },
    /// The refiner's number of channels is one that no image file has.
    #[error("{path}: a refiner for {channels} channels; images have 1 (gray) or 3 (RGB)", path = .path.display())]
    Channels {
        /// The checkpoint.
        path: PathBuf,
        /// The refiner's number of channels.
        channels: usize,
    },
    /// Several refined images for each image, or other ones, are asked of a refiner without noise.
    #[error("{path}: this refiner gives each image one refined image", path = .path.display())]
    NoNoise {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The output folder of variants holds something else.
    #[error("{path}: is none of the variants that the output folder is for", path = .path.display())]
    NotAVariant {
        /// The file or folder in the output folder.
        path: PathBuf,
    },
    /// One of the input and output folders contains the other, so outputs would mix with inputs.
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
    /// The pixels move, and a label file or mask cannot follow them.
    #[error("{path}: cannot follow the images to their new size: {reason}", path = .path.display())]
    LabelStays {
        /// The file in the input folder.
        path: PathBuf,
        /// Why it cannot.
        reason: String,
    },
    /// The output folder is not empty and holds no refinement.
    #[error("{path}: not empty, and holds no refinement to continue", path = .path.display())]
    Occupied {
        /// The output folder.
        path: PathBuf,
    },
    /// The refinement in the output folder was begun with another model or input.
    #[error("{path}: begun with {before}, but this is {now}", path = .path.display())]
    Changed {
        /// The manifest.
        path: PathBuf,
        /// The manifest's model or input.
        before: String,
        /// The model or input of this call.
        now: String,
    },
    /// An input image has changed since it was refined.
    #[error("{path}: {what} since it was refined", path = .path.display())]
    ChangedImage {
        /// The image in the input folder.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// A line of the manifest is damaged or of another format.
    #[error("{path}: line {line} of the manifest: {reason}", path = .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

impl RefineError {
    /// How to fix the error; `None` where the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Data(error) => return error.hint(),
            Self::Model(error) => return error.hint().map(Hint::from),
            Self::Io { source, .. } => return Hint::of_io(source),
            Self::Channels { .. } => return None,
            Self::NoNoise { .. } => "train one with refiner.noise_channels = 4".into(),
            Self::Tensor(_) => "a smaller batch needs less memory".into(),
            Self::NotFinite { .. } => {
                "its training diverged, or the file is damaged; use an earlier checkpoint".into()
            }
            Self::Overlap { .. } => {
                "choose an output folder elsewhere, so that no image is overwritten".into()
            }
            Self::LabelStays { .. } => Hint::any_of([
                Hint::advice("keep the images' own size"),
                Hint::setting("copy label files as they are", "refine.labels", "copy"),
                Hint::advice("move the file elsewhere"),
            ]),
            Self::ChangedImage { .. } => Hint::any_of([Hint::advice("put it back"), Hint::OtherOutput]),
            Self::NotAVariant { .. }
            | Self::Occupied { .. }
            | Self::Changed { .. }
            | Self::Manifest { .. } => Hint::OtherOutput,
        })
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
