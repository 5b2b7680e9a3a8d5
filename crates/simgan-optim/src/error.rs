/// An error in an update, which leaves the weights as they were. [`OptimError::hint`] suggests a remedy.
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
    /// Suggests a remedy; `None` where the message says it all.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFinite { .. } => {
                Some("use a smaller learning rate, or limit the gradients with clip_norm")
            }
            Self::State(_) => Some("the state belongs to another optimizer or network"),
            Self::NoGradient { .. } | Self::Tensor(_) => None,
        }
    }
}
