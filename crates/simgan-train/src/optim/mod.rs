//! How weights follow their gradients: [`Optimizer`] (SGD with momentum, Adam, clipping by the global norm) and
//! [`Ema`], the running average of weights. Both compute what PyTorch's do, and give and take their whole state as
//! named tensors, so that a run resumes exactly.

mod ema;
mod error;
mod optimizer;
mod rule;
mod state;
#[cfg(test)]
mod tests;

pub use self::ema::Ema;
pub use self::error::OptimError;
pub use self::optimizer::Optimizer;
pub use self::rule::Rule;
