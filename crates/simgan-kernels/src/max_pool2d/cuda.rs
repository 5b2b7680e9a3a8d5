//! Max pooling on a GPU by cuDNN, as an operation of candle's autograd.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp3, DType, Layout, Result, Shape, Tensor, bail,
};

use super::{MaxPool2d, Windows, reference};
use crate::cudnn::memory::{aligned, shape};
use crate::cudnn::pooling::{self, Windows as Sizes};
use crate::sizes::{dims, int};

pub(super) fn max_pool2d(input: &Tensor, windows: Windows) -> Result<Tensor> {
    if input.elem_count() == 0 {
        return reference::pool(input, windows);
    }
    if input.dtype() == DType::BF16 {
        // Exact, and gradients of overlapping windows are summed in f32.
        return max_pool2d(&input.to_dtype(DType::F32)?, windows)?.to_dtype(DType::BF16);
    }
    let Windows { planes: [images, channels], size_in: [rows, columns], .. } = windows;
    let MaxPool2d { kernel, stride, padding } = windows.options;
    let sizes = Sizes {
        input: dims([images, channels, rows, columns])?,
        out: dims(windows.dims_out())?,
        kernel: int(kernel)?,
        padding: int(padding)?,
        stride: int(stride)?,
    };
    aligned(input)?.apply_op1(MaxPool(sizes))
}

/// The operation on images.
struct MaxPool(Sizes);

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "simgan-cudnn-max-pool2d"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("cuDNN computes on a GPU alone")
    }

    fn cuda_fwd(&self, images: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        Ok((pooling::forward(&self.0, (images, layout))?, shape(self.0.out)))
    }

    fn bwd(&self, images: &Tensor, maxima: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        images.apply_op3_no_bwd(maxima, &aligned(gradient)?, &Gradient(self.0)).map(Some)
    }
}

/// The gradient of the images, from images, maxima and the gradient of the maxima.
struct Gradient(Sizes);

impl CustomOp3 for Gradient {
    fn name(&self) -> &'static str {
        "simgan-cudnn-max-pool2d-gradient"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        bail!("cuDNN computes on a GPU alone")
    }

    fn cuda_fwd(
        &self,
        images: &CudaStorage,
        of_images: &Layout,
        maxima: &CudaStorage,
        of_maxima: &Layout,
        gradient: &CudaStorage,
        of_gradient: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let given = [(images, of_images), (maxima, of_maxima), (gradient, of_gradient)];
        Ok((pooling::backward(&self.0, given)?, shape(self.0.input)))
    }
}
