//! Convolution composed from candle's operations, with correct gradients; [`double`] is the `f64` version for
//! gradient checks.

pub(super) mod double;
mod unfolded;

use candle_core::{Result, Tensor};

use crate::geometry::{Border, Conv2d, Geometry};

/// [`conv2d`](crate::conv2d) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`conv2d`](crate::conv2d).
pub fn conv2d(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options: Conv2d) -> Result<Tensor> {
    convolve(input, weight, bias, None, Geometry::new(input, weight, bias, None, options)?)
}

/// [`conv2d_residual`](crate::conv2d_residual) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`conv2d_residual`](crate::conv2d_residual).
pub fn conv2d_residual(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: &Tensor,
    options: Conv2d,
) -> Result<Tensor> {
    let geometry = Geometry::new(input, weight, bias, Some(residual), options)?;
    convolve(input, weight, bias, Some(residual), geometry)
}

/// `max(0, x)` with derivative 0 at 0, as in PyTorch; candle's has 1 there. NaN stays NaN.
///
/// # Errors
/// If an operation of candle fails.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    x.le(0.0)?.where_cond(&x.zeros_like()?, x)
}

pub(crate) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    geometry: Geometry,
) -> Result<Tensor> {
    let Geometry { images, channels_out, size_out: [rows, columns], .. } = geometry;
    if images == 0 {
        return Tensor::zeros((0, channels_out, rows, columns), input.dtype(), input.device());
    }
    let product = weight.reshape((channels_out, geometry.taps()))?.matmul(&unfold(input, &geometry)?)?;
    let mut out = product.reshape((channels_out, images, rows, columns))?.transpose(0, 1)?.contiguous()?;
    if let Some(bias) = bias {
        out = out.broadcast_add(&bias.reshape((1, channels_out, 1, 1))?)?;
    }
    if let Some(residual) = residual {
        out = (out + residual)?;
    }
    if geometry.options.relu { relu(&out) } else { Ok(out) }
}

/// Gathers the pixels under the kernel: `(C * h * w, N * rows * columns)`.
fn unfold(input: &Tensor, geometry: &Geometry) -> Result<Tensor> {
    let padded = pad(&pad(input, 2, geometry)?, 3, geometry)?;
    let mut taps = Vec::with_capacity(geometry.kernel[0] * geometry.kernel[1]);
    for row in 0..geometry.kernel[0] {
        let rows = every(&padded, 2, row, geometry.size_out[0], geometry.options.stride)?;
        for column in 0..geometry.kernel[1] {
            taps.push(every(&rows, 3, column, geometry.size_out[1], geometry.options.stride)?);
        }
    }
    // (N, C, taps, rows, columns) -> (C, taps, N, rows, columns)
    let columns = geometry.images * geometry.pixels_out();
    Tensor::stack(&taps, 2)?.permute((1, 2, 0, 3, 4))?.contiguous()?.reshape((geometry.taps(), columns))
}

/// Adds the border along an axis, and `stride - 1` zeros behind it so that [`every`] can cut whole steps.
fn pad(input: &Tensor, dim: usize, geometry: &Geometry) -> Result<Tensor> {
    with_border(input, dim, geometry)?.pad_with_zeros(dim, 0, geometry.options.stride - 1)
}

/// Adds the border along an axis.
pub(super) fn with_border(input: &Tensor, dim: usize, geometry: &Geometry) -> Result<Tensor> {
    let Conv2d { padding, border, .. } = geometry.options;
    match border {
        Border::Zeros => input.pad_with_zeros(dim, padding, padding),
        Border::Replicate => input.pad_with_same(dim, padding, padding),
    }
}

/// Returns `count` elements of an axis from `start` on, `stride` apart. The axis holds `count * stride` of
/// them.
pub(crate) fn every(input: &Tensor, dim: usize, start: usize, count: usize, stride: usize) -> Result<Tensor> {
    let steps = input.narrow(dim, start, count * stride)?;
    if stride == 1 {
        return Ok(steps);
    }
    let mut dims = input.dims().to_vec();
    dims.splice(dim..=dim, [count, stride]);
    steps.contiguous()?.reshape(dims)?.narrow(dim + 1, 0, 1)?.squeeze(dim + 1)
}
