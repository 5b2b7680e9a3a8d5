use simgan_data::{DataError, Hint};
use simgan_models::ModelError;
use simgan_optim::OptimError;

/// Why a figure could not be computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// Too few images for a meaningful figure.
    #[error("{what}: {found} images, at least {needed} are needed")]
    TooFew {
        /// The figure to be computed.
        what: &'static str,
        /// Number of images given.
        found: usize,
        /// Minimum number of images.
        needed: usize,
    },
    /// Inputs do not fit together, or an argument is out of range.
    #[error("{0}")]
    Mismatch(String),
    /// The refiner turned images into infinite values or NaN.
    #[error("the refined images are not finite")]
    NotFinite,
    /// Reading images failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network could not be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An optimizer's update failed.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl MetricsError {
    /// Returns a suggested remedy; `None` if the message suffices.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Model(error) => error.hint().map(Hint::from),
            Self::Optim(error) => error.hint().map(Hint::from),
            Self::TooFew { .. } | Self::Mismatch(_) | Self::NotFinite | Self::Tensor(_) => None,
        }
    }
}
