//! The stages composed from candle's operations, one by one.

use candle_core::{Result, Tensor};

use super::Stage;
use crate::conv2d::reference::conv2d;
use crate::geometry::Conv2d;
use crate::max_pool2d::{MaxPool2d, reference::max_pool2d};
use crate::refiner::Layer;

/// [`sequential`](crate::sequential()) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`sequential`](crate::sequential()).
pub fn sequential(images: &Tensor, stages: &[Stage<'_>]) -> Result<Tensor> {
    one_by_one(images, stages, conv2d, max_pool2d)
}

/// Applies the stages in order, each by one of the two functions.
pub(super) fn one_by_one(
    images: &Tensor,
    stages: &[Stage<'_>],
    conv2d: impl Fn(&Tensor, &Tensor, Option<&Tensor>, Conv2d) -> Result<Tensor>,
    max_pool2d: impl Fn(&Tensor, MaxPool2d) -> Result<Tensor>,
) -> Result<Tensor> {
    stages.iter().try_fold(images.clone(), |maps, stage| match stage {
        Stage::Conv(Layer { weight, bias }, options) => conv2d(&maps, weight, Some(bias), *options),
        Stage::MaxPool(options) => max_pool2d(&maps, *options),
    })
}
