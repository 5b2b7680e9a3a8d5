//! simgan-train

pub mod tensorboard;
