//! simgan-train

pub mod refine;
pub mod tensorboard;
