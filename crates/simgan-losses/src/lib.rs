//! simgan-losses
