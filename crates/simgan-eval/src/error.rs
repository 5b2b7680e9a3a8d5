use simgan_data::DataError;
use simgan_models::ModelError;
use simgan_train::optim::OptimError;

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
