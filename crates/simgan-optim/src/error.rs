/// What can go wrong in an update. The weights are then those from before it. [`OptimError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A gradient that is infinite or NaN.
    #[error("the gradient of `{name}` is not finite")]
    NotFinite {
        /// The parameter.
        name: String,
    },
    /// The loss does not depend on a parameter, or an operation lost its gradient.
    #[error("no gradient reached `{name}`")]
    NoGradient {
        /// The parameter.
        name: String,
    },
    /// A saved state that belongs to another optimizer or network.
    #[error("saved optimizer state: {0}")]
    State(String),
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl OptimError {
    /// What to do about it; `None` where the message says all there is to say.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFinite { .. } => {
                Some("take a smaller learning rate, or limit the gradients by clip_norm")
            }
            Self::State(_) => Some("the state belongs to another optimizer or network"),
            Self::NoGradient { .. } | Self::Tensor(_) => None,
        }
    }
}
