//! Optimizers: [`Optimizer`] (SGD with momentum, Adam, clipping by the global norm) and [`Ema`], the running
//! average of weights. Both compute what PyTorch's do, and save and restore their whole state as named
//! tensors, so that a run resumes exactly. [`OptimizerConfig`] holds the settings of an optimizer, including
//! its schedule of learning rates. [`fit_adam`] is a complete training loop for networks that need no
//! checkpoints.
//!
//! ```
//! use candle_core::{Device, Var};
//! use simgan_optim::{Optimizer, Rule};
//!
//! let weight = Var::new(&[4f32, -2.0], &Device::Cpu)?;
//! let parameters = vec![("weight".to_owned(), weight.clone())];
//! let mut optimizer = Optimizer::new(parameters, Rule::Sgd { momentum: 0.0 }, None)?;
//! let loss = weight.sqr()?.sum_all()?; // its gradient is 2 · weight
//! let gradient_norm = optimizer.step(&loss.backward()?, 0.25)?;
//! assert_eq!(weight.to_vec1::<f32>()?, [2.0, -1.0]);
//! assert!((gradient_norm - 80f64.sqrt()).abs() < 1e-6);
//! # Ok::<(), simgan_optim::OptimError>(())
//! ```

mod config;
mod ema;
mod error;
mod fit;
mod optimizer;
mod rule;
mod state;
#[cfg(test)]
mod tests;

pub use self::config::{OptimizerConfig, OptimizerKind};
pub use self::ema::Ema;
pub use self::error::OptimError;
pub use self::fit::{fit_adam, half_cosine};
pub use self::optimizer::Optimizer;
pub use self::rule::Rule;
