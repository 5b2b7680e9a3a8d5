//! Convolutions and pools, one after the other, in one operation.

mod cpu;

use candle_core::{DType, Result, Tensor};

use crate::conv2d::{Conv2d, conv2d};
use crate::max_pool2d::{MaxPool2d, max_pool2d};
use crate::refiner::Layer;

/// One stage of [`sequential`](crate::sequential()).
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// As [`conv2d`](crate::conv2d()).
    Conv(Layer<'a>, Conv2d),
    /// As [`max_pool2d`](crate::max_pool2d()).
    MaxPool(MaxPool2d),
}

/// The stages applied in order: the same as calling [`conv2d`](crate::conv2d()) and [`max_pool2d`](crate::max_pool2d()), but on the CPU
/// in `f32` an image goes through all of them in the cache, and candle neither holds nor adds the gradients in between.
///
/// # Shapes
/// `(N, C, H, W)` -> as the last stage says.
///
/// # Errors
/// When the shapes, types or devices of a stage do not fit.
pub fn sequential(images: &Tensor, stages: &[Stage<'_>]) -> Result<Tensor> {
    if images.device().is_cpu() && images.dtype() == DType::F32 && !stages.is_empty() {
        return cpu::sequential(images, stages);
    }
    let mut maps = images.clone();
    for stage in stages {
        maps = match stage {
            Stage::Conv(Layer { weight, bias }, options) => conv2d(&maps, weight, Some(bias), *options)?,
            Stage::MaxPool(options) => max_pool2d(&maps, *options)?,
        };
    }
    Ok(maps)
}
