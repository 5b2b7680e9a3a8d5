use std::path::{Path, PathBuf};

use simgan_data::DataError;
use simgan_metrics::MetricsError;
use simgan_models::ModelError;
use simgan_optim::OptimError;
use simgan_refine::RefineError;
use simgan_train::TrainError;

/// What can go wrong in an evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// An image without the label that is to be tested against.
    #[error("`{name}` has no gaze label (hint: labels are .json files beside the images, or one index file)")]
    NoGaze {
        /// The sample.
        name: String,
    },
    /// Images without the labels that they are tested against or learned from.
    #[error(
        "{count} of {of} {what} images have no gaze label, the first is `{first}` \
         (hint: labels are .json files beside the images, or one index file)"
    )]
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
    #[error(
        "{count} of {of} {what} labels look away from the camera (hint: a gaze is a vector with x right, y down and z away \
         from the camera, so that a person looking at the camera has z = -1; `look_vec` has y up)"
    )]
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
    #[error("{}: {reason}; hint: choose a new folder", path.display())]
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
    #[error(
        "{}: begun with `{key}` = {before}, which is {now} now; hint: the same settings go on with it, others need \
         another folder", path.display()
    )]
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
    #[error("{}: {reason}; hint: delete it, then it is made again", path.display())]
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
    /// A network whose output is no direction.
    #[error(
        "the gaze network answers {answer:?}, which is no direction (hint: it did not train; lower its learning rate)"
    )]
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
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
