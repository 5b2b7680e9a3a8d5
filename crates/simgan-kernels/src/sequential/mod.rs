//! Convolutions and pools, one after the other, in one operation.

mod cpu;
pub(crate) mod reference;

use candle_core::{DType, Result, Tensor};

use crate::backend::Backend;
use crate::conv2d::{conv2d, convolve_in_bf16};
use crate::geometry::Conv2d;
use crate::max_pool2d::{MaxPool2d, max_pool2d};
use crate::precision::Precision;
use crate::refiner::Layer;

/// One stage of [`sequential`](crate::sequential()).
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// As [`conv2d`](crate::conv2d()).
    Conv(Layer<'a>, Conv2d),
    /// As [`max_pool2d`](crate::max_pool2d()).
    MaxPool(MaxPool2d),
}

/// Applies the stages in order, as [`conv2d`](crate::conv2d()) and [`max_pool2d`](crate::max_pool2d()) would
/// one by one. On the CPU in `f32`, an image passes all stages while it is in cache, and candle neither
/// stores nor adds up the gradients in between.
///
/// # Shapes
/// `(N, C, H, W)` -> the shape of the last stage's result.
///
/// # Errors
/// If the shapes, types or devices of a stage do not fit.
pub fn sequential(images: &Tensor, stages: &[Stage<'_>]) -> Result<Tensor> {
    sequential_in(images, stages, Precision::F32)
}

/// [`sequential`] in a precision. Convolutions of an odd number of channels, such as gray images, are computed in
/// `f32` on the CPU; those without a ReLU, on a GPU.
///
/// # Errors
/// Those of [`sequential`], and if this machine does not compute in the precision.
pub fn sequential_in(images: &Tensor, stages: &[Stage<'_>], precision: Precision) -> Result<Tensor> {
    match Backend::serving(images, precision)? {
        Backend::Cpu if !stages.is_empty() => cpu::sequential(images, stages, precision),
        Backend::Cudnn if precision == Precision::Bf16 => {
            let conv2d = |maps: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options| {
                convolve_in_bf16(maps, weight, bias, None, options)
            };
            reference::one_by_one(images, stages, conv2d, max_pool2d)?.to_dtype(DType::F32)
        }
        Backend::Cpu | Backend::CpuDouble | Backend::Cudnn | Backend::Composed => {
            reference::one_by_one(images, stages, conv2d, max_pool2d)
        }
    }
}
