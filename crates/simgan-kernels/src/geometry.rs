//! A convolution's options, and the sizes of one convolution, validated once.

use candle_core::{Result, Tensor, bail};

/// What a convolution reads outside the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Border {
    /// Zeros.
    #[default]
    Zeros,
    /// The nearest pixel of the image.
    Replicate,
}

impl Border {
    /// Draws the border before and after the units that lie in the middle of `line`: `margin` units of `unit` numbers on
    /// either side.
    pub(crate) fn draw(self, line: &mut [f32], unit: usize, margin: usize) {
        let end = line.len() - margin * unit;
        let (before, rest) = line.split_at_mut(margin * unit);
        let (inside, after) = rest.split_at_mut(end - margin * unit);
        match self {
            Self::Zeros => {
                before.fill(0.0);
                after.fill(0.0);
            }
            Self::Replicate => {
                let [first, last] = [0, inside.len() - unit].map(|at| &inside[at..at + unit]);
                before.chunks_exact_mut(unit).for_each(|to| to.copy_from_slice(first));
                after.chunks_exact_mut(unit).for_each(|to| to.copy_from_slice(last));
            }
        }
    }
}

/// Stride, padding, border and activation of a convolution. The default is stride 1 without padding or
/// activation.
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

/// The sizes of one convolution; `[rows, columns]` where there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) images: usize,
    pub(crate) channels_in: usize,
    pub(crate) channels_out: usize,
    pub(crate) size_in: [usize; 2],
    pub(crate) size_out: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) options: Conv2d,
}

impl Geometry {
    /// Derives the sizes from the arguments of a convolution.
    ///
    /// # Errors
    /// If the arguments do not fit together.
    pub(crate) fn new(
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        residual: Option<&Tensor>,
        options: Conv2d,
    ) -> Result<Self> {
        Self::of_dims(input.dims(), input, weight, bias, residual, options)
    }

    /// Like [`Self::new`], for images of shape `dims` that do not exist yet; only the type and device of
    /// `input` are used.
    ///
    /// # Errors
    /// If the arguments do not fit together.
    pub(crate) fn of_dims(
        dims: &[usize],
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        residual: Option<&Tensor>,
        options: Conv2d,
    ) -> Result<Self> {
        let (&[images, channels_in, rows, columns], &[channels_out, channels, kernel_rows, kernel_columns]) =
            (dims, weight.dims())
        else {
            bail!(
                "conv2d takes images (N, C, H, W) and weights (O, C, h, w), not {dims:?} and {:?}",
                weight.dims()
            );
        };
        let (size, kernel) = ([rows, columns], [kernel_rows, kernel_columns]);
        if channels != channels_in {
            bail!("conv2d: the images have {channels_in} channels, the weights are for {channels}");
        }
        if channels_in * channels_out * rows * columns * kernel_rows * kernel_columns == 0 {
            bail!("conv2d: an axis is empty in images {dims:?} or weights {:?}", weight.dims());
        }
        let size_out =
            [output_size(rows, kernel_rows, &options)?, output_size(columns, kernel_columns, &options)?];
        check_companion("bias", bias, &[channels_out], input)?;
        check_companion("weights", Some(weight), weight.dims(), input)?;
        check_companion("residual", residual, &[images, channels_out, size_out[0], size_out[1]], input)?;
        Ok(Self { images, channels_in, channels_out, size_in: size, size_out, kernel, options })
    }

    /// Pixels of one channel of an output image.
    pub(crate) fn pixels_out(&self) -> usize {
        self.size_out[0] * self.size_out[1]
    }

    /// Elements of one input image.
    pub(crate) fn image_in(&self) -> usize {
        self.channels_in * self.size_in[0] * self.size_in[1]
    }

    /// Elements of one output image.
    pub(crate) fn image_out(&self) -> usize {
        self.channels_out * self.pixels_out()
    }

    /// Products summed into one output element.
    pub(crate) fn taps(&self) -> usize {
        self.channels_in * self.kernel[0] * self.kernel[1]
    }

    /// The input row (axis 0) or column (axis 1) that tap `tap` of output `out` reads; `None` for a zero of
    /// the border.
    pub(crate) fn source(&self, axis: usize, out: usize, tap: usize) -> Option<usize> {
        let padded = out * self.options.stride + tap;
        let last = self.size_in[axis] - 1;
        match self.options.border {
            Border::Zeros => padded.checked_sub(self.options.padding).filter(|&source| source <= last),
            Border::Replicate => Some(padded.saturating_sub(self.options.padding).min(last)),
        }
    }

    /// The outputs `first..end` along an axis for which tap `tap` reads a pixel of the image, not of the
    /// border.
    pub(crate) fn interior(&self, axis: usize, tap: usize) -> std::ops::Range<usize> {
        let Conv2d { stride, padding, .. } = self.options;
        let out = self.size_out[axis];
        let first = padding.saturating_sub(tap).div_ceil(stride).min(out);
        let end = (self.size_in[axis] + padding).saturating_sub(tap).div_ceil(stride).min(out);
        first..end.max(first)
    }
}

fn output_size(size: usize, kernel: usize, options: &Conv2d) -> Result<usize> {
    let Conv2d { stride, padding, .. } = *options;
    if stride == 0 {
        bail!("conv2d: the stride is 0, but must be at least 1");
    }
    match padding.checked_mul(2).and_then(|added| added.checked_add(size)) {
        Some(padded) if padded >= kernel => Ok((padded - kernel) / stride + 1),
        _ => {
            bail!("conv2d: a kernel of {kernel} does not fit {size} pixels with {padding} added on each side")
        }
    }
}

fn check_companion(name: &str, tensor: Option<&Tensor>, dims: &[usize], input: &Tensor) -> Result<()> {
    let Some(tensor) = tensor else { return Ok(()) };
    if tensor.dims() != dims {
        bail!("conv2d: the {name} should have the shape {dims:?}, not {:?}", tensor.dims());
    }
    if tensor.dtype() != input.dtype() || !tensor.device().same_device(input.device()) {
        bail!(
            "conv2d: the images are {:?} on {:?}, the {name} {:?} on {:?}",
            input.dtype(),
            input.device(),
            tensor.dtype(),
            tensor.device()
        );
    }
    Ok(())
}
