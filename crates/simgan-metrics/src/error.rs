use simgan_data::{DataError, Hint};
use simgan_models::ModelError;
use simgan_optim::OptimError;

/// Why a figure could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
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
    /// Reading images failed.
    #[error(transparent)]
    Data(#[from] DataError),
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

impl MetricsError {
    /// What to do about it; `None` where the message says all there is to say.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Model(error) => error.hint().map(Hint::from),
            Self::Optim(error) => error.hint().map(Hint::from),
            Self::TooFew { .. } | Self::Mismatch(_) | Self::Tensor(_) => None,
        }
    }
}
