//! simgan-eyes
