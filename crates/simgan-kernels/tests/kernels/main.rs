//! The kernels against their oracles, finite differences and PyTorch, on every available device.
#![expect(clippy::unwrap_used, reason = "a failure in a helper fails the test that called it")]

mod adam;
mod common;
mod conv2d;
mod graph;
mod instruction_sets;
mod linear;
mod max_pool2d;
mod on_gpu;
mod refiner;
mod sequential;
