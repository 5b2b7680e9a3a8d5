//! simgan-train

pub mod optim;
pub mod refine;
pub mod tensorboard;
