//! Convolution, border, bias, skip connection and ReLU in one operation.

pub(crate) mod cpu;
#[cfg(feature = "cudnn")]
mod cuda;
pub(crate) mod reference;

use candle_core::{DType, Result, Tensor};

use crate::backend::Backend;
use crate::geometry::{Conv2d, Geometry};

/// Cross-correlates images with filters: what every framework calls a convolution.
///
/// Gradients are computed only for those of `input`, `weight` and `bias` that depend on a variable.
///
/// # Shapes
/// - `input`: `(N, C, H, W)`
/// - `weight`: `(O, C, h, w)`, rows then columns
/// - `bias`: `(O,)`
/// - result: `(N, O, (H + 2 * padding - h) / stride + 1, (W + 2 * padding - w) / stride + 1)`, divisions
///   rounded down
///
/// # Errors
/// If the shapes, types or devices do not fit together, the stride is 0, or the kernel is larger than the
/// padded image.
pub fn conv2d(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options: Conv2d) -> Result<Tensor> {
    convolve(input, weight, bias, None, options)
}

/// Like [`conv2d`], but adds `residual` before the activation, as at the end of a residual block.
///
/// # Shapes
/// Those of [`conv2d`]; `residual` has the shape of the result.
///
/// # Errors
/// Those of [`conv2d`], and if `residual` does not have the shape, type or device of the result.
pub fn conv2d_residual(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: &Tensor,
    options: Conv2d,
) -> Result<Tensor> {
    convolve(input, weight, bias, Some(residual), options)
}

/// [`conv2d`], or [`conv2d_residual`] if there is a residual.
pub(crate) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    options: Conv2d,
) -> Result<Tensor> {
    let geometry = Geometry::new(input, weight, bias, residual, options)?;
    let convolve = match Backend::of(input) {
        Backend::Cpu => cpu::convolve,
        Backend::CpuDouble => reference::double::convolve,
        #[cfg(feature = "cudnn")]
        Backend::Cudnn => cuda::convolve,
        #[cfg(not(feature = "cudnn"))]
        Backend::Cudnn => reference::convolve,
        Backend::Composed => reference::convolve,
    };
    convolve(input, weight, bias, residual, geometry)
}

/// [`convolve`] with arguments and result rounded to `dtype`.
pub(crate) fn convolve_as(
    dtype: DType,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    options: Conv2d,
) -> Result<Tensor> {
    let rounded = |tensor: Option<&Tensor>| tensor.map(|tensor| tensor.to_dtype(dtype)).transpose();
    let (bias, residual) = (rounded(bias)?, rounded(residual)?);
    convolve(&input.to_dtype(dtype)?, &weight.to_dtype(dtype)?, bias.as_ref(), residual.as_ref(), options)
}

/// [`convolve`] as a layer of a network computed in bf16: the result of a ReLU stays in bf16 for the next layer.
/// A convolution without one gives the network's own result, for which 8 bits of precision are too few.
pub(crate) fn convolve_in_bf16(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    options: Conv2d,
) -> Result<Tensor> {
    let dtype = if options.relu { DType::BF16 } else { DType::F32 };
    convolve_as(dtype, input, weight, bias, residual, options)
}
