/// What can go wrong in an update. The weights are then those from before it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A gradient that is infinite or NaN.
    #[error("the gradient of `{name}` is not finite (hint: a smaller learning rate, or clip_norm)")]
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
    #[error("saved optimizer state: {0} (hint: it belongs to another optimizer or network)")]
    State(String),
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
