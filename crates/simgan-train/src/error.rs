use std::io;
use std::path::{Path, PathBuf};

use simgan_data::DataError;
use simgan_eyes::EyesError;
use simgan_metrics::MetricsError;
use simgan_models::ModelError;

use crate::ConfigError;
use simgan_optim::OptimError;

/// What can go wrong with a run. Each message says where, and what to do.
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
    /// The built-in simulator.
    #[error(transparent)]
    Eyes(#[from] EyesError),
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
    #[error("{} cannot be judged: {source}; hint: selection.every=0 trains without", path.display())]
    Judge {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        source: Box<MetricsError>,
    },
    /// What was given as a source of images is none.
    #[error("`{spec}` is not a source of images; hint: {hint}")]
    UnknownSource {
        /// As it was given.
        spec: String,
        /// What can be given.
        hint: String,
    },
    /// The synthetic and the real images do not go together.
    #[error(
        "synthetic images are {synthetic}, real ones {real}; hint: bring them to one size with --set data.size={synthetic}"
    )]
    SizesDiffer {
        /// Size of the synthetic images, `WIDTHxHEIGHT`.
        synthetic: String,
        /// Size of the real images.
        real: String,
    },
    /// A source was opened with another number of channels than the configuration says.
    #[error("the images have {found} channels, the networks {expected}; hint: set data.channels={found}")]
    Channels {
        /// The source's.
        found: usize,
        /// `data.channels`.
        expected: usize,
    },
    /// The refiner of `loss.psi_model` takes other images.
    #[error("{}: a refiner of {found} channels, but the run has data.channels={expected}; hint: choose another loss.psi_model", path.display())]
    PsiChannels {
        /// `loss.psi_model`.
        path: PathBuf,
        /// Its channels.
        found: usize,
        /// `data.channels`.
        expected: usize,
    },
    /// A new run would overwrite an existing one.
    #[error("{}: there is a run here already; hint: continue it with --resume, or choose another --run", path.display())]
    RunExists {
        /// The run's folder.
        path: PathBuf,
    },
    /// The folder is not empty and not a run.
    #[error("{}: {reason}; hint: choose another --run", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What it lacks or has.
        reason: String,
    },
    /// Another process works on the run.
    #[error("{}: another process is using this run; hint: wait until it is done, or choose another --run", path.display())]
    RunInUse {
        /// The run's folder.
        path: PathBuf,
    },
    /// A loss or a gradient is infinite or not a number. The weights are those from before the step.
    #[error(
        "step {step}: {what}: the training has diverged; hint: try a lower optim.{network}.lr or \
         optim.{network}.clip_norm=1, and continue from the last checkpoint or start again"
    )]
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
    /// For `map_err`: an error of the system about `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
