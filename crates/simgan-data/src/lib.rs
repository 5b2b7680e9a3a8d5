//! simgan-data
