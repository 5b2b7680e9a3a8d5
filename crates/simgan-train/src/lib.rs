//! simgan-train
