//! Tensor operations that SimGAN needs and that candle lacks, gets wrong or runs slowly.
//!
//! The principal function is [`conv2d`]: convolution, border, bias and ReLU in one operation;
//! [`conv2d_residual`] also adds a skip connection. [`max_pool2d`] pools with any kernel, stride and padding.
//! Both take and return candle tensors of layout `(N, C, H, W)`, run on every device and in every
//! floating-point type, and take part in candle's autograd: they compute gradients only for the arguments
//! that require one.
//!
//! Whole networks run as single operations: [`refiner`] is the SimGAN refiner, [`sequential`] a chain of
//! convolutions and pools. Each image passes all layers, channels last, while it is in cache. [`graph`] runs
//! any network of convolutions, [`batch_norm`], pools, [`upsample2d`] and skip connections. [`linear_in`] is a fully
//! connected layer. [`Adam`] updates parameters in place.
//!
//! One function, `Backend::of`, decides which kernels serve a tensor:
//! - `f32` on the CPU: vector kernels for AVX-512, AVX2 with FMA, NEON, or portable code, chosen at run time.
//!   The environment variable `SIMGAN_KERNELS_ISA` (`amx`, `avx512`, `avx2`, `neon`, `portable`) forces one. 3×3
//!   convolutions with stride 1 use Winograd's minimal filtering where that is cheaper. Results do not depend
//!   on the number of threads.
//!   On a processor with AVX512-BF16, [`refiner_in`], [`sequential_in`] and [`graph_in`] multiply numbers rounded
//!   to bf16 if [`Precision`] says so, twice as many at a time, and sum in `f32`. Where Linux offers AMX, its
//!   tiles multiply 16 times as many, so that convolutions are direct. `f32` computes alike with `amx` and `avx512`.
//! - `f64` on the CPU: plain kernels for gradient checks.
//! - `f32`, `f64` and bf16 on a GPU, if built with the feature `cudnn`: cuDNN's convolutions and pools, forward
//!   and backward, in the networks too. Products of `f32` are not rounded to TF32; with [`Precision`] they are
//!   rounded to bf16.
//! - Everything else: the compositions of candle operations in [`reference`](mod@reference), which are also
//!   the oracle of the tests.
//!
//! Each operation's folder holds its interface (`mod.rs`), its kernels for `f32` on the CPU (`cpu.rs` and
//! below), what it does on a GPU (`cuda.rs`, if that is its own), and its oracle (`reference.rs`).
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use simgan_kernels::{Border, Conv2d, MaxPool2d, conv2d, max_pool2d};
//!
//! # fn main() -> candle_core::Result<()> {
//! let images = Tensor::zeros((2, 1, 35, 55), candle_core::DType::F32, &Device::Cpu)?;
//! let weight = Var::ones((8, 1, 3, 3), candle_core::DType::F32, &Device::Cpu)?;
//! let options = Conv2d { stride: 2, padding: 1, border: Border::Replicate, relu: true };
//! let features = conv2d(&images, &weight, None, options)?;
//! assert_eq!(features.dims(), [2, 8, 18, 28]);
//!
//! let pooled = max_pool2d(&features, MaxPool2d { kernel: 3, stride: 1, padding: 1 })?;
//! assert_eq!(pooled.dims(), [2, 8, 18, 28]);
//!
//! let gradients = pooled.sum_all()?.backward()?;
//! assert_eq!(gradients.get(&weight).unwrap().dims(), [8, 1, 3, 3]);
//! # Ok(())
//! # }
//! ```

#![expect(unsafe_code, reason = "vector instructions and unchecked loads; each block argues its safety")]

mod adam;
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux")),
    allow(unused, reason = "no value of these types exists there")
)]
mod amx;
mod backend;
mod batch_norm;
mod buffer;
mod conv2d;
#[cfg(feature = "cudnn")]
mod cudnn;
mod geometry;
mod graph;
mod groups;
#[cfg(all(test, target_os = "linux"))]
mod guard;
mod linear;
mod matrix;
mod max_pool2d;
mod pass_on;
mod precision;
mod product;
mod refiner;
mod sequential;
mod simd;
#[cfg(any(feature = "cudnn", test))]
mod sizes;
mod spare;
mod tensors;
mod upsample;
mod winograd;
mod words;

pub use self::adam::Adam;
pub use self::batch_norm::{BatchNorm, batch_norm};
pub use self::conv2d::{conv2d, conv2d_residual};
pub use self::geometry::{Border, Conv2d};
pub use self::graph::{Node, graph, graph_in};
pub use self::linear::linear_in;
pub use self::max_pool2d::{MaxPool2d, max_pool2d};
pub use self::precision::Precision;
pub use self::refiner::{Layer, RefinerLayers, refiner, refiner_in};
pub use self::sequential::{Stage, sequential, sequential_in};
pub use self::upsample::upsample2d;

/// The same operations composed from candle's own: slower, but for any device and type. The kernels are
/// tested against them.
pub mod reference {
    pub use crate::adam::reference::adam;
    pub use crate::batch_norm::reference::batch_norm;
    pub use crate::conv2d::reference::{conv2d, conv2d_residual, relu};
    pub use crate::graph::reference::graph;
    pub use crate::linear::reference::linear;
    pub use crate::max_pool2d::reference::max_pool2d;
    pub use crate::refiner::reference::refiner;
    pub use crate::sequential::reference::sequential;
    pub use crate::upsample::reference::upsample2d;
}
