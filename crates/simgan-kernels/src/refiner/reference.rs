//! The refiner composed from candle's operations.

use candle_core::{D, Result, Tensor};

use super::{Layer, RefinerLayers};
use crate::conv2d::reference;
use crate::geometry::{Border, Conv2d, Geometry};

/// [`refiner`](crate::refiner()) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`refiner`](crate::refiner()).
pub fn refiner(images: &Tensor, layers: &RefinerLayers<'_>, border: Border) -> Result<Tensor> {
    composed(images, layers, border, |input, weight, bias, residual, options| {
        let geometry = Geometry::new(input, weight, bias, residual, options)?;
        reference::convolve(input, weight, bias, residual, geometry)
    })
}

/// Composes the refiner from `convolve`, which takes input, weight, bias, residual and options.
pub(super) fn composed(
    images: &Tensor,
    layers: &RefinerLayers<'_>,
    border: Border,
    convolve: impl Fn(&Tensor, &Tensor, Option<&Tensor>, Option<&Tensor>, Conv2d) -> Result<Tensor>,
) -> Result<Tensor> {
    let apply = |input: &Tensor, layer: &Layer<'_>, residual: Option<&Tensor>, relu: bool| {
        let padding = layer.weight.dim(D::Minus1)? / 2;
        convolve(input, layer.weight, Some(layer.bias), residual, Conv2d { stride: 1, padding, border, relu })
    };
    let mut features = apply(images, &layers.stem, None, true)?;
    for [first, second] in &layers.blocks {
        let inner = apply(&features, first, None, true)?;
        features = apply(&inner, second, Some(&features), true)?;
    }
    apply(&features, &layers.head, None, false)?.tanh()
}
