use std::io;
use std::path::{Path, PathBuf};

use simgan_data::{DataError, Hint};
use simgan_metrics::MetricsError;
use simgan_models::ModelError;

use crate::memory::gigabytes;
use crate::{ConfigError, Need, Phase, RanksError, ToneKind};
use simgan_optim::OptimError;

/// An error of a run. The message names the place; [`TrainError::hint`] suggests a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Invalid configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A source could not be opened or an image could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images that checkpoints are judged on are unsuitable or unreadable.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A network, its weights file, a checkpoint or `best.toml` is invalid.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An optimizer failed, or its saved state does not fit.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// An operation on tensors failed.
    #[error("a tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The device does not compute in `compute.precision`.
    #[error("compute.precision: {0}")]
    Precision(candle_core::Error),
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A checkpoint could not be judged.
    #[error("{} cannot be judged: {source}", path.display())]
    Judge {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        source: Box<MetricsError>,
    },
    /// Synthetic and real images differ in size.
    #[error("synthetic images are {synthetic}, real ones {real}")]
    SizesDiffer {
        /// Size of the synthetic images, `WIDTHxHEIGHT`.
        synthetic: String,
        /// Size of the real images.
        real: String,
    },
    /// A source has a different number of channels from `data.channels`.
    #[error("the images have {found} channels, but the networks expect {expected}")]
    Channels {
        /// The source's channels.
        found: usize,
        /// `data.channels`.
        expected: usize,
    },
    /// `data.range` is "auto", but no range was chosen for images of more than 8 bits.
    #[error("the range of the images' values has not been chosen")]
    NoRange,
    /// The synthetic images have another tone than `data.tone` says.
    #[error("the synthetic images have the tone \"{found}\", but the run has data.tone = \"{expected}\"")]
    OtherTone {
        /// Their tone.
        found: ToneKind,
        /// `data.tone`.
        expected: ToneKind,
    },
    /// The refiner at `loss.psi_model` takes a different number of channels from `data.channels`.
    #[error("{}: a refiner of {found} channels, but the run has data.channels={expected}", path.display())]
    PsiChannels {
        /// `loss.psi_model`.
        path: PathBuf,
        /// Its channels.
        found: usize,
        /// `data.channels`.
        expected: usize,
    },
    /// `loss.landmark_weight` is set, but a synthetic image has no labelled points.
    #[error("{image}: the synthetic image has no labelled points, which loss.landmark_weight needs")]
    NoLandmarks {
        /// The image.
        image: String,
    },
    /// The estimator at `loss.consistency_model` does not take the run's images.
    #[error("{}: this estimator cannot judge the run's images: {reason}", path.display())]
    Estimator {
        /// `loss.consistency_model`.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The estimator at `loss.consistency_model` is not the one that the checkpoint was trained with.
    #[error("{}: another estimator than that of {}", path.display(), checkpoint.display())]
    OtherEstimator {
        /// `loss.consistency_model`.
        path: PathBuf,
        /// The checkpoint.
        checkpoint: PathBuf,
    },
    /// The run would need more memory than the machine has.
    #[error("the run needs {need}, but the machine has {} of memory", gigabytes(*.memory))]
    Memory {
        /// What is needed.
        need: Need,
        /// Bytes of memory of the machine.
        memory: u64,
        /// The setting to lower, and a value with which the part that needs most would fit.
        setting: (&'static str, String),
    },
    /// The images are not those that the run was trained on.
    #[error("the {domain} images are not those that the run was trained on: {reason}")]
    OtherImages {
        /// `synthetic` or `real`.
        domain: &'static str,
        /// What differs.
        reason: String,
        /// Whether it is their number.
        is_number: bool,
        /// The run or checkpoint.
        run: PathBuf,
    },
    /// A run was to be continued to fewer steps than it has done.
    #[error("the run has done {done} steps in all phases, {total} are asked for; nothing has been changed")]
    StepsDone {
        /// Steps done.
        done: u64,
        /// Steps of all phases asked for.
        total: u64,
    },
    /// A checkpoint and the run's `config.toml` do not belong together.
    #[error("{}: this checkpoint was written with another configuration than the run's config.toml", path.display())]
    OtherConfig {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The refiner to start from is not the one that the configuration names.
    #[error("{}: another refiner than start.crc32c says: {found} instead of {expected}", path.display())]
    OtherStart {
        /// The checkpoint, `start.from`.
        path: PathBuf,
        /// `start.crc32c`.
        expected: String,
        /// The checkpoint's checksum.
        found: String,
    },
    /// A new run was to be created in the folder of an existing one.
    #[error("{}: there is a run here already", path.display())]
    RunExists {
        /// The run's folder.
        path: PathBuf,
    },
    /// The folder holds no run, and for a new run it is not empty.
    #[error("{}: {reason}", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing or in the way.
        reason: String,
    },
    /// Several processes cannot train the run together.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// A loss, gradient or weight is infinite or NaN. A failed update leaves the weights unchanged.
    #[error("step {step}: {what} in {phase}: the training has diverged")]
    NotFinite {
        /// The failed step, counted from 1 over all phases.
        step: u64,
        /// The phase of the step.
        phase: Phase,
        /// The quantity and its value.
        what: String,
        /// `refiner` or `discriminator`, the section under `[optim]`.
        network: &'static str,
    },
}

impl TrainError {
    /// Returns a suggested remedy; `None` if the message suffices.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Config(error) => return error.hint(),
            Self::Data(error) => return error.hint(),
            Self::Metrics(error) => return error.hint(),
            Self::Model(error) => return error.hint().map(Hint::from),
            Self::Optim(error) => return error.hint().map(Hint::from),
            Self::Io { source, .. } => return Hint::of_io(source),
            Self::Tensor(_) => return None,
            Self::Precision(_) => Hint::setting("multiply numbers of 32 bits", "compute.precision", "f32"),
            Self::Judge { .. } => Hint::setting("turn selection off", "selection.every", 0),
            Self::SizesDiffer { synthetic, .. } => {
                Hint::setting("bring them to one size", "data.size", synthetic)
            }
            Self::Channels { found, .. } => Hint::setting("build matching networks", "data.channels", found),
            Self::NoRange => Hint::setting("take the whole scale", "data.range", "full"),
            Self::OtherTone { found, .. } => Hint::setting("keep this tone", "data.tone", found),
            Self::PsiChannels { .. } => "choose another loss.psi_model".into(),
            Self::NoLandmarks { .. } => Hint::setting("turn the weights off", "loss.landmark_weight", 1),
            Self::Estimator { .. } => {
                "train an estimator with the run's data.size, data.channels and data.range, from images alone"
                    .into()
            }
            Self::OtherEstimator { .. } => "put the estimator back that the run began with".into(),
            Self::RunExists { .. } => Hint::any_of([Hint::Resume, Hint::OtherOutput]),
            Self::NotARun { .. } => Hint::OtherOutput,
            Self::Memory { setting: (key, value), .. } => Hint::setting("need less", *key, value),
            Self::OtherImages { run, .. } => Hint::any_of([
                Hint::advice("give the images that the run began with"),
                Hint::StartFrom(run.clone()),
            ]),
            Self::StepsDone { .. } => {
                "schedule.steps counts from the run's beginning; ask for more to go on".into()
            }
            Self::OtherConfig { .. } => "undo the changes to config.toml".into(),
            Self::OtherStart { .. } => "empty start.crc32c to accept it".into(),
            Self::Ranks(error) => error.advice().into(),
            Self::NotFinite { network, .. } => Hint::advice(format!(
                "try a lower optim.{network}.lr or optim.{network}.clip_norm=1, and continue from the last checkpoint or \
                 start again"
            )),
        })
    }

    /// Returns a closure for `map_err` that attaches `path` to a system error.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
