//! Convolution with its border rule, bias, skip connection and ReLU in one operation.

pub(crate) mod cpu;
pub(crate) mod direct;
pub(crate) mod geometry;
pub(crate) mod layer;
pub(crate) mod reference;
mod single;
mod unfolded;

use candle_core::{DType, Result, Tensor};

use self::geometry::Geometry;

/// What lies outside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Border {
    /// Zeros.
    #[default]
    Zeros,
    /// The nearest pixel of the image.
    Replicate,
}

/// How a convolution walks over its input. The default is stride 1 without padding, border or activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// Step between output pixels, in input pixels, in both directions; at least 1.
    pub stride: usize,
    /// Pixels added on each of the four sides.
    pub padding: usize,
    /// The value of the added pixels.
    pub border: Border,
    /// Whether `max(0, ·)` is applied to the result. Its derivative at 0 is 0, as in PyTorch.
    pub relu: bool,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, border: Border::Zeros, relu: false }
    }
}

/// Cross-correlates images with filters: what every framework calls a convolution.
///
/// Gradients are computed for those of `input`, `weight` and `bias` that depend on a variable, and are not computed for the others.
///
/// # Shapes
/// - `input`: `(N, C, H, W)`
/// - `weight`: `(O, C, h, w)`, rows then columns
/// - `bias`: `(O,)`
/// - result: `(N, O, (H + 2 * padding - h) / stride + 1, (W + 2 * padding - w) / stride + 1)`, divisions rounded down
///
/// # Errors
/// When the shapes, types or devices do not fit together, the stride is 0, or the kernel is larger than the padded image.
pub fn conv2d(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options: Conv2d) -> Result<Tensor> {
    convolve(input, weight, bias, None, options)
}

/// [`conv2d`], to which `residual` is added before the activation: the end of a residual block.
///
/// # Shapes
/// As [`conv2d`]; `residual` has the shape of the result.
///
/// # Errors
/// As [`conv2d`], and when `residual` does not have the shape of the result.
pub fn conv2d_residual(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: &Tensor,
    options: Conv2d,
) -> Result<Tensor> {
    convolve(input, weight, bias, Some(residual), options)
}

fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    options: Conv2d,
) -> Result<Tensor> {
    let geometry = Geometry::new(input, weight, bias, residual, options)?;
    let convolve = match input.dtype() {
        DType::F32 if input.device().is_cpu() => single::convolve,
        DType::F64 if input.device().is_cpu() => cpu::convolve,
        _ => reference::convolve,
    };
    convolve(input, weight, bias, residual, geometry)
}
