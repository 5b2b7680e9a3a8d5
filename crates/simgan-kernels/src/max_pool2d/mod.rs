//! Max pooling: the largest value under a sliding window.

pub(crate) mod cpu;
#[cfg(feature = "cudnn")]
mod cuda;
pub(crate) mod reference;

use candle_core::{Result, Tensor, bail};

use crate::backend::Backend;

/// Window, stride and padding of a max pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool2d {
    /// Height and width of the window, in pixels; at least 1.
    pub kernel: usize,
    /// Step between windows, in pixels, in both directions; at least 1.
    pub stride: usize,
    /// Pixels added on each of the four sides, which are never the maximum. At most half of `kernel`.
    pub padding: usize,
}

/// Takes the maximum of each window.
///
/// The gradient goes to the first of the largest values in row-major order, as in PyTorch. A NaN in the
/// window is its maximum.
///
/// # Shapes
/// `(N, C, H, W)` ->
/// `(N, C, (H + 2 * padding - kernel) / stride + 1, (W + 2 * padding - kernel) / stride + 1)`, divisions
/// rounded down.
///
/// # Errors
/// If `input` does not have four axes, kernel or stride is 0, the padding exceeds half of the kernel, or the
/// kernel exceeds the padded image.
pub fn max_pool2d(input: &Tensor, options: MaxPool2d) -> Result<Tensor> {
    let windows = Windows::new(input.dims(), options)?;
    match Backend::of(input) {
        Backend::Cpu | Backend::CpuDouble => cpu::max_pool2d(input, windows),
        #[cfg(feature = "cudnn")]
        Backend::Cudnn => cuda::max_pool2d(input, windows),
        #[cfg(not(feature = "cudnn"))]
        Backend::Cudnn => reference::pool(input, windows),
        Backend::Composed => reference::pool(input, windows),
    }
}

/// The sizes of one pooling, checked once; `[rows, columns]` where there are two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    planes: [usize; 2],
    size_in: [usize; 2],
    size_out: [usize; 2],
    options: MaxPool2d,
}

impl Windows {
    /// Checks the options against images of the shape `dims`, `(N, C, H, W)`.
    pub(crate) fn new(dims: &[usize], options: MaxPool2d) -> Result<Self> {
        let &[images, channels, rows, columns] = dims else {
            bail!("max_pool2d takes images (N, C, H, W), not {dims:?}");
        };
        let MaxPool2d { kernel, stride, padding } = options;
        if kernel == 0 || stride == 0 {
            bail!("max_pool2d: kernel {kernel} and stride {stride} should be at least 1");
        }
        // Padding of up to half the kernel leaves a pixel of the image in every window, so every maximum
        // exists.
        if padding > kernel / 2 {
            bail!("max_pool2d: the padding {padding} should be at most half of the kernel {kernel}");
        }
        let size = |pixels: usize| match (pixels + 2 * padding).checked_sub(kernel) {
            Some(room) if pixels * channels > 0 => Ok(room / stride + 1),
            _ => bail!(
                "max_pool2d: a kernel of {kernel} does not fit {pixels} pixels with {padding} added on each side"
            ),
        };
        let size_out = [size(rows)?, size(columns)?];
        Ok(Self { planes: [images, channels], size_in: [rows, columns], size_out, options })
    }

    /// Elements of one input image.
    pub(crate) fn image_in(&self) -> usize {
        self.size_in[0] * self.size_in[1] * self.planes[1]
    }

    /// Elements of one output image.
    pub(crate) fn image_out(&self) -> usize {
        self.size_out[0] * self.size_out[1] * self.planes[1]
    }

    /// The result's shape, `(N, C, H, W)`.
    pub(crate) fn dims_out(&self) -> [usize; 4] {
        [self.planes[0], self.planes[1], self.size_out[0], self.size_out[1]]
    }

    /// The pixels of an axis that window `out` covers.
    fn range(&self, axis: usize, out: usize) -> std::ops::Range<usize> {
        let MaxPool2d { kernel, stride, padding } = self.options;
        let start = out * stride;
        start.saturating_sub(padding)..(start + kernel - padding).min(self.size_in[axis])
    }
}
