//! Max pooling and its gradient.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::CudaStorage;
use candle_core::cuda_backend::cudarc::cudnn::sys;
use candle_core::{DType, Error, Result};

use super::descriptors::{Images, Pooling};
use super::memory::{Given, shape, source, target, uninitialised};
use super::{Handle, Told, factor};

/// The sizes of a pooling in cuDNN's terms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// `(N, C, H, W)`.
    pub(crate) input: [i32; 4],
    /// `(N, C, H', W')`.
    pub(crate) out: [i32; 4],
    pub(crate) kernel: i32,
    pub(crate) padding: i32,
    pub(crate) stride: i32,
}

impl Windows {
    fn descriptors(&self, dtype: DType) -> Told<(Pooling, Images, Images)> {
        let pooling = Pooling::new([self.kernel, self.padding, self.stride])?;
        Ok((pooling, Images::new(dtype, self.input)?, Images::new(dtype, self.out)?))
    }

    fn failed(&self, what: &str, dtype: DType, why: impl std::fmt::Display) -> Error {
        let Self { input, kernel, padding, stride, .. } = self;
        Error::msg(format!(
            "cuDNN does not compute {what} in {dtype:?}, images {input:?}, kernel {kernel}, stride {stride}, \
             padding {padding}: {why}"
        ))
    }
}

/// Returns the maxima.
///
/// # Errors
/// If the images are not contiguous, or cuDNN refuses.
pub(crate) fn forward(windows: &Windows, images: Given<'_>) -> Result<CudaStorage> {
    let (device, dtype) = (images.0.device(), images.0.dtype());
    let failed = |why| windows.failed("max_pool2d", dtype, why);
    let (pooling, of_input, of_out) = windows.descriptors(dtype).map_err(failed)?;
    let (handle, stream) = (Handle::of(device)?, device.cuda_stream());
    // SAFETY: cuDNN writes every element.
    let mut maxima = unsafe { uninitialised(device, dtype, windows.out)? };
    {
        let (x, y) =
            (source(images, shape(windows.input).elem_count(), &stream)?, target(&mut maxima, &stream)?);
        let [zero, one] = [false, true].map(|one| factor(dtype, one));
        // SAFETY: the handle is this thread's; both tensors have the elements that their descriptors say, and live
        // until the call is queued.
        unsafe {
            sys::cudnnPoolingForward(handle.raw, pooling.0, one, of_input.0, x.of, zero, of_out.0, y.of)
        }
        .result()
        .map_err(failed)?;
    }
    Ok(maxima)
}

/// Returns the gradient of the images from images, maxima and the gradient of the maxima.
///
/// # Errors
/// If a tensor is not contiguous, or cuDNN refuses.
pub(crate) fn backward(windows: &Windows, [images, maxima, gradient]: [Given<'_>; 3]) -> Result<CudaStorage> {
    let (device, dtype) = (images.0.device(), images.0.dtype());
    let failed = |why| windows.failed("max_pool2d's gradient", dtype, why);
    let (pooling, of_input, of_out) = windows.descriptors(dtype).map_err(failed)?;
    let (handle, stream) = (Handle::of(device)?, device.cuda_stream());
    // SAFETY: cuDNN writes every element.
    let mut of_images = unsafe { uninitialised(device, dtype, windows.input)? };
    {
        let count = shape(windows.out).elem_count();
        let (y, dy) = (source(maxima, count, &stream)?, source(gradient, count, &stream)?);
        let x = source(images, shape(windows.input).elem_count(), &stream)?;
        let dx = target(&mut of_images, &stream)?;
        let [zero, one] = [false, true].map(|one| factor(dtype, one));
        // SAFETY: as in `forward`.
        unsafe {
            sys::cudnnPoolingBackward(
                handle.raw, pooling.0, one, of_out.0, y.of, of_out.0, dy.of, of_input.0, x.of, zero,
                of_input.0, dx.of,
            )
        }
        .result()
        .map_err(failed)?;
    }
    Ok(of_images)
}
