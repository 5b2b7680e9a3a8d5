use std::path::{Path, PathBuf};

use simgan_data::{DataError, Hint, ImageSpec};
use simgan_metrics::MetricsError;
use simgan_models::ModelError;
use simgan_optim::OptimError;
use simgan_refine::RefineError;
use simgan_train::TrainError;

/// What can go wrong in an evaluation; [`EvalError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// An image without the label that is to be tested against.
    #[error("`{name}` has no gaze label")]
    NoGaze {
        /// The sample.
        name: String,
    },
    /// Images without the labels that they are tested against or learned from.
    #[error("{count} of {of} {what} images have no gaze label, the first is `{first}`")]
    Unlabelled {
        /// Which images.
        what: &'static str,
        /// How many have none.
        count: usize,
        /// Of how many.
        of: usize,
        /// The first's name.
        first: String,
    },
    /// Gaze labels of another coordinate system.
    #[error("{count} of {of} {what} labels look away from the camera")]
    Convention {
        /// Which images.
        what: &'static str,
        /// How many look away.
        count: usize,
        /// Of how many.
        of: usize,
    },
    /// It was asked to stop.
    #[error("stopped before the end")]
    Stopped,
    /// A folder that a report cannot be written to.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder that holds another experiment.
    #[error("{}: begun with `{key}` = {before}, which is {now} now", path.display())]
    OtherExperiment {
        /// Where the folder says what it was begun with.
        path: PathBuf,
        /// The first setting that differs.
        key: String,
        /// What it was.
        before: String,
        /// What it is now.
        now: String,
    },
    /// A file of an experiment that cannot be read.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture of a report could not be drawn.
    #[error("a picture cannot be drawn: {0}")]
    Picture(String),
    /// Not enough images for a figure that means something.
    #[error("{what}: {found} images, at least {needed} are needed")]
    TooFew {
        /// What was to be computed.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// Two things that must fit together do not.
    #[error("{0}")]
    Mismatch(String),
    /// The synthetic images and others differ in size or channels.
    #[error("synthetic images are {}, {what} images {}", kind(.synthetic), kind(.found))]
    SizesDiffer {
        /// Which others.
        what: &'static str,
        /// What the synthetic images are.
        synthetic: ImageSpec,
        /// What the others are.
        found: ImageSpec,
    },
    /// Something that was asked for cannot be done as things are.
    #[error("{reason}")]
    Impossible {
        /// Why not.
        reason: String,
        /// What would make it possible.
        hint: &'static str,
    },
    /// A network whose output is not a direction.
    #[error("the gaze network's output {answer:?} is not a direction")]
    NoDirection {
        /// The output.
        answer: [f32; 3],
    },
    /// Reading images failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Training a refiner failed.
    #[error(transparent)]
    Train(Box<TrainError>),
    /// A trained refiner cannot be read.
    #[error(transparent)]
    Refine(Box<RefineError>),
    /// A figure of images could not be had.
    #[error(transparent)]
    Metrics(Box<MetricsError>),
    /// A network could not be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An update failed.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl From<TrainError> for EvalError {
    fn from(error: TrainError) -> Self {
        Self::Train(Box::new(error))
    }
}

impl From<MetricsError> for EvalError {
    fn from(error: MetricsError) -> Self {
        Self::Metrics(Box::new(error))
    }
}

impl From<RefineError> for EvalError {
    fn from(error: RefineError) -> Self {
        Self::Refine(Box::new(error))
    }
}

impl EvalError {
    /// What to do about it; `None` where the message says all there is to say.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        let advice = match self {
            Self::Data(error) => return error.hint(),
            Self::Train(error) => return error.hint(),
            Self::Refine(error) => return error.hint(),
            Self::Metrics(error) => return error.hint(),
            Self::Model(error) => return error.hint().map(Hint::from),
            Self::Optim(error) => return error.hint().map(Hint::from),
            Self::Io { source, .. } => return Hint::of_io(source),
            Self::Folder { .. } => return Some(Hint::OtherOutput),
            Self::SizesDiffer { synthetic, .. } => {
                return Some(Hint::setting("bring them to one size", "data.size", synthetic.size()));
            }
            Self::OtherExperiment { .. } => {
                let same = Hint::advice("give the same settings to go on with it");
                return Some(Hint::any_of([same, Hint::OtherOutput]));
            }
            Self::Impossible { hint, .. } => *hint,
            Self::NoGaze { .. } | Self::Unlabelled { .. } => {
                "labels are .json files beside the images, or one index file"
            }
            Self::Convention { .. } => {
                "a gaze is a vector with x right, y down and z away from the camera, so that a person looking at the camera \
                 has z = -1; `look_vec` has y up"
            }
            Self::Damaged { .. } => "delete it, then it is made again",
            Self::NoDirection { .. } => "it did not train; lower its learning rate",
            Self::Stopped | Self::Picture(_) | Self::TooFew { .. } | Self::Mismatch(_) | Self::Tensor(_) => {
                return None;
            }
        };
        Some(advice.into())
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

fn kind(spec: &ImageSpec) -> String {
    format!("{} with {} channel(s)", spec.size(), spec.channels)
}
