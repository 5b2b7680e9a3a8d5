//! Tests networks, losses and updates against PyTorch, and gradients against finite differences, on every
//! available device.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../crates/simgan-kernels/tests/kernels/common/devices.rs"]
mod devices;
mod estimators;
mod finite_differences;
mod losses;
mod mistakes;
mod networks;
mod noise;
mod spectral_norm;
mod support;
mod updates;
