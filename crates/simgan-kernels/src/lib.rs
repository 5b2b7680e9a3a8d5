//! simgan-kernels
