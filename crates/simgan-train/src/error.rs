use std::io;
use std::path::{Path, PathBuf};

use simgan_data::{DataError, Hint};
use simgan_metrics::MetricsError;
use simgan_models::ModelError;

use crate::ConfigError;
use simgan_optim::OptimError;

/// What can go wrong with a run. Each message says where; [`TrainError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A value of the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images that checkpoints are judged by.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A network or its file, a checkpoint, or what names the best one.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An optimizer or its saved state.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// An operation on tensors failed.
    #[error("a tensor operation failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
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
    /// The synthetic and the real images do not go together.
    #[error("synthetic images are {synthetic}, real ones {real}")]
    SizesDiffer {
        /// Size of the synthetic images, `WIDTHxHEIGHT`.
        synthetic: String,
        /// Size of the real images.
        real: String,
    },
    /// A source was opened with another number of channels than the configuration says.
    #[error("the images have {found} channels, but the networks expect {expected}")]
    Channels {
        /// The source's.
        found: usize,
        /// `data.channels`.
        expected: usize,
    },
    /// The refiner of `loss.psi_model` takes other images.
    #[error("{}: a refiner of {found} channels, but the run has data.channels={expected}", path.display())]
    PsiChannels {
        /// `loss.psi_model`.
        path: PathBuf,
        /// Its channels.
        found: usize,
        /// `data.channels`.
        expected: usize,
    },
    /// A new run would overwrite an existing one.
    #[error("{}: there is a run here already", path.display())]
    RunExists {
        /// The run's folder.
        path: PathBuf,
    },
    /// The folder is not empty and not a run.
    #[error("{}: {reason}", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What it lacks or has.
        reason: String,
    },
    /// A loss or a gradient is infinite or not a number. The weights are those from before the step.
    #[error("step {step}: {what}: the training has diverged")]
    NotFinite {
        /// The step that failed, counted from 1 over all phases.
        step: u64,
        /// Which number it was, and what it is.
        what: String,
        /// The section of its optimizer.
        network: &'static str,
    },
}

impl TrainError {
    /// What to do about it; `None` where the message says all there is to say.
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
            Self::Judge { .. } => Hint::setting("train without a selection", "selection.every", 0),
            Self::SizesDiffer { synthetic, .. } => {
                Hint::setting("bring them to one size", "data.size", synthetic)
            }
            Self::Channels { found, .. } => Hint::setting("build such networks", "data.channels", found),
            Self::PsiChannels { .. } => "choose another loss.psi_model".into(),
            Self::RunExists { .. } => Hint::any_of([Hint::Resume, Hint::OtherOutput]),
            Self::NotARun { .. } => Hint::OtherOutput,
            Self::NotFinite { network, .. } => Hint::advice(format!(
                "try a lower optim.{network}.lr or optim.{network}.clip_norm=1, and continue from the last checkpoint or \
                 start again"
            )),
        })
    }

    /// For `map_err`: an error of the system about `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
