//! simgan-models
