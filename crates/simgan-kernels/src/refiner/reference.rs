//! The refiner as a composition of candle's operations.

use candle_core::{Result, Tensor};

use super::{Layer, RefinerLayers};
use crate::conv2d::reference::{conv2d, conv2d_residual};
use crate::conv2d::{Border, Conv2d};

/// [`refiner`](crate::refiner()) composed of candle's operations; its contract is the same.
///
/// # Errors
/// As [`refiner`](crate::refiner()).
pub fn refiner(images: &Tensor, layers: &RefinerLayers<'_>, border: Border) -> Result<Tensor> {
    let options = |layer: &Layer<'_>, relu: bool| -> Result<Conv2d> {
        Ok(Conv2d { stride: 1, padding: layer.weight.dim(2)? / 2, border, relu })
    };
    let Layer { weight, bias } = layers.stem;
    let mut features = conv2d(images, weight, Some(bias), options(&layers.stem, true)?)?;
    for [first, second] in &layers.blocks {
        let inner = conv2d(&features, first.weight, Some(first.bias), options(first, true)?)?;
        let options = options(second, true)?;
        features = conv2d_residual(&inner, second.weight, Some(second.bias), &features, options)?;
    }
    let Layer { weight, bias } = layers.head;
    conv2d(&features, weight, Some(bias), options(&layers.head, false)?)?.tanh()
}
