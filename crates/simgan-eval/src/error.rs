use std::path::{Path, PathBuf};

use simgan_data::{DataError, Hint, ImageSpec};
use simgan_metrics::MetricsError;
use simgan_models::ModelError;
use simgan_optim::OptimError;
use simgan_refine::RefineError;
use simgan_train::TrainError;

use crate::task::classes::told;

/// An error of an evaluation; [`EvalError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// An image has no label for a task, or an unsuitable one.
    #[error("`{name}`: no `{task}` to use: {reason}")]
    Label {
        /// The sample's name.
        name: String,
        /// The task's annotation.
        task: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An image is of a class that is not among those that are learned.
    #[error("`{name}` is of class \"{class}\", which is none of those that are learned: {}", told(.known))]
    OtherClass {
        /// The sample's name.
        name: String,
        /// The class.
        class: String,
        /// The classes that are learned.
        known: Vec<String>,
    },
    /// Some of a set of images have no label for a task.
    #[error("{count} of {of} {what} images have no `{task}`, the first is `{first}`; there: {found}")]
    Unlabelled {
        /// Which set.
        what: &'static str,
        /// The task's annotation.
        task: String,
        /// Number of images without a label.
        count: usize,
        /// Number of images.
        of: usize,
        /// Name of the first image without a label.
        first: String,
        /// The annotations that the set has.
        found: String,
    },
    /// No annotation is common to all images.
    #[error("no label that every image has and that an estimator can predict; {}", by_set(.found))]
    NoTask {
        /// The annotations of each set of images.
        found: Vec<(&'static str, String)>,
    },
    /// There is no annotation of the requested name.
    #[error("no image has `{name}`; {}", by_set(.found))]
    UnknownTask {
        /// The requested name.
        name: String,
        /// The annotations of each set of images.
        found: Vec<(&'static str, String)>,
    },
    /// Several annotations could be the task.
    #[error("the images have several labels that an estimator can predict: {}", .found.join(", "))]
    ManyTasks {
        /// Their names.
        found: Vec<String>,
    },
    /// All training images are of one class.
    #[error("all images to learn from have `{task}` {class}: one class cannot be told from others")]
    OneClass {
        /// The task's annotation.
        task: String,
        /// The class.
        class: u32,
    },
    /// A second input is missing.
    #[error("`{name}` has no `{input}` that is numbers, all of them finite")]
    NoInput {
        /// The sample's name.
        name: String,
        /// The annotation.
        input: String,
    },
    /// A label is of another kind than the task.
    #[error("a label is not {0}")]
    OtherKind(&'static str),
    /// Most gaze labels look away from the camera: they follow another coordinate system.
    #[error("{count} of {of} {what} labels look away from the camera")]
    Convention {
        /// Which set of images.
        what: &'static str,
        /// Number of labels that look away.
        count: usize,
        /// Number of labels.
        of: usize,
    },
    /// The caller asked to stop.
    #[error("stopped before the end")]
    Stopped,
    /// A folder cannot hold the report or experiment.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        reason: &'static str,
    },
    /// A folder holds no estimator.
    #[error("{}: {reason}", path.display())]
    NoEstimator {
        /// The folder.
        path: PathBuf,
        /// What it lacks.
        reason: &'static str,
    },
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The folder holds another experiment.
    #[error("{}: begun with `{key}` = {before}, which is {now} now", path.display())]
    OtherExperiment {
        /// The experiment's configuration file.
        path: PathBuf,
        /// The setting that differs; the least nested one if there are several.
        key: String,
        /// Its value in the file.
        before: String,
        /// Its value now.
        now: String,
    },
    /// A file of an experiment cannot be read.
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
    /// There are too few images for a meaningful figure.
    #[error("{what}: {found} images, at least {needed} are needed")]
    TooFew {
        /// The figure or step that needs them.
        what: &'static str,
        /// Number available.
        found: usize,
        /// Minimum number.
        needed: usize,
    },
    /// Two inputs do not fit together, or a number is out of range.
    #[error("{0}")]
    Mismatch(String),
    /// Synthetic and other images differ in size or channels.
    #[error("synthetic images are {}, {what} images {}", kind(.synthetic), kind(.found))]
    SizesDiffer {
        /// Which other images.
        what: &'static str,
        /// Size and channels of the synthetic images.
        synthetic: ImageSpec,
        /// Size and channels of the others.
        found: ImageSpec,
    },
    /// The request cannot be met with the given data or settings.
    #[error("{reason}")]
    Impossible {
        /// The reason.
        reason: String,
        /// How to make it possible.
        hint: &'static str,
    },
    /// A network's output means nothing.
    #[error("the estimator's output {answer:?} is no label")]
    NoAnswer {
        /// The output.
        answer: Vec<f32>,
    },
    /// The refiner turned images into infinite values or NaN.
    #[error("the refined images are not finite; the refiner cannot be used")]
    NotFinite,
    /// Reading images failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Training a refiner failed.
    #[error(transparent)]
    // Boxed, like the next two, to keep `EvalError` small.
    Train(Box<TrainError>),
    /// A trained refiner cannot be read.
    #[error(transparent)]
    Refine(Box<RefineError>),
    /// A measure of images failed.
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
    /// Returns what to do about the error; `None` where the message says enough.
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
                let same = Hint::advice("give the same settings to continue it");
                return Some(Hint::any_of([same, Hint::OtherOutput]));
            }
            Self::Impossible { hint, .. } => *hint,
            Self::Label { .. } | Self::Unlabelled { .. } | Self::NoTask { .. } => {
                "labels are .json files beside the images, or one index file"
            }
            Self::ManyTasks { found } => {
                let first = found.first().map_or("", String::as_str);
                return Some(Hint::setting("say which one is meant", "evaluation.task", first));
            }
            Self::Convention { .. } => {
                "a gaze is a vector with x right, y down and z away from the camera, so that a person looking at the camera \
                 has z = -1; `look_vec` has y up"
            }
            Self::Damaged { .. } => "delete it to have it computed again",
            Self::NotFinite => "its training diverged, or its file is damaged; use an earlier checkpoint",
            Self::NoAnswer { .. } => "it did not train; lower its learning rate",
            Self::NoEstimator { .. } => {
                "an evaluation keeps one per row, in a folder of its own below the one it was given"
            }
            Self::OtherClass { .. } => "leave its images out, or learn from images of this class too",
            Self::OneClass { .. } => "take images of at least two classes",
            Self::NoInput { .. } => "leave out the second input, or write it beside each image",
            Self::UnknownTask { .. }
            | Self::OtherKind(_)
            | Self::Stopped
            | Self::Picture(_)
            | Self::TooFew { .. }
            | Self::Mismatch(_)
            | Self::Tensor(_) => return None,
        };
        Some(advice.into())
    }

    pub(crate) fn damaged(path: &Path, reason: &impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

fn by_set(found: &[(&'static str, String)]) -> String {
    let told = found.iter().map(|(what, found)| format!("{what} images have {found}"));
    told.collect::<Vec<_>>().join("; ")
}

fn kind(spec: &ImageSpec) -> String {
    format!("{} with {} channel(s)", spec.size(), spec.channels)
}
