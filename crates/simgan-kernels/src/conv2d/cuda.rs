//! Convolution on a GPU by cuDNN, as an operation of candle's autograd.

use candle_core::backend::{BackendDevice, BackendStorage};
use candle_core::op::CmpOp;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Tensor, bail,
};

use super::reference;
use crate::cudnn::convolution::{Pass, add_bias, run};
use crate::cudnn::memory::{aligned, shape};
use crate::geometry::Geometry;
use crate::sizes::{Sizes, is_padded_before, padded};

pub(super) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    geometry: Geometry,
) -> Result<Tensor> {
    if geometry.images == 0 {
        return reference::convolve(input, weight, bias, residual, geometry);
    }
    let (input, geometry) = match is_padded_before(&geometry) {
        true => {
            let rows = reference::with_border(input, 2, &geometry)?;
            (reference::with_border(&rows, 3, &geometry)?, padded(&geometry))
        }
        false => (input.clone(), geometry),
    };
    let bias = match bias {
        Some(bias) => aligned(bias)?,
        None => Tensor::zeros(geometry.channels_out, input.dtype(), input.device())?,
    };
    // The residual comes between bias and ReLU.
    let relu = geometry.options.relu && residual.is_none();
    let convolution = Convolution { sizes: Sizes::new(&geometry)?, relu };
    let out = aligned(&input)?.apply_op3(&aligned(weight)?, &bias, convolution)?;
    match residual {
        Some(residual) if geometry.options.relu => reference::relu(&(out + residual)?),
        Some(residual) => out + residual,
        None => Ok(out),
    }
}

/// The operation on `(input, weight, bias)`.
struct Convolution {
    sizes: Sizes,
    relu: bool,
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "simgan-cudnn-conv2d"
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
        input: &CudaStorage,
        of_input: &Layout,
        weight: &CudaStorage,
        of_weight: &Layout,
        bias: &CudaStorage,
        of_bias: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let dims = self.sizes.out;
        let out = run(Pass::Forward, &self.sizes, (input, of_input), (weight, of_weight))?;
        let out = add_bias(out, dims, (bias, of_bias))?;
        let out = if self.relu { rectify(&out, &Layout::contiguous(shape(dims)))? } else { out };
        Ok((out, shape(dims)))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = if self.relu { before_relu(out, gradient)? } else { gradient.clone() };
        let gradient = aligned(&gradient)?;
        let pass = |pass, first: &Tensor, second: &Tensor| {
            first.apply_op2_no_bwd(second, &Gradient { pass, sizes: self.sizes })
        };
        let of_input = input.track_op().then(|| pass(Pass::Data, weight, &gradient)).transpose()?;
        let of_weight = weight.track_op().then(|| pass(Pass::Filter, input, &gradient)).transpose()?;
        let of_bias = bias.track_op().then(|| channel_sums(&gradient)).transpose()?;
        Ok((of_input, of_weight, of_bias))
    }
}

/// One of a convolution's backward passes.
struct Gradient {
    pass: Pass,
    sizes: Sizes,
}

impl CustomOp2 for Gradient {
    fn name(&self) -> &'static str {
        "simgan-cudnn-conv2d-gradient"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("cuDNN computes on a GPU alone")
    }

    fn cuda_fwd(
        &self,
        first: &CudaStorage,
        of_first: &Layout,
        second: &CudaStorage,
        of_second: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let [_, _, dims] = self.pass.dims(&self.sizes);
        Ok((run(self.pass, &self.sizes, (first, of_first), (second, of_second))?, shape(dims)))
    }
}

/// [`reference::relu`] of a storage. candle's own ReLU turns NaN into 0 on a GPU.
fn rectify(storage: &CudaStorage, layout: &Layout) -> Result<CudaStorage> {
    let zeros = storage.device().zeros_impl(layout.shape(), storage.dtype())?;
    let is_cut = storage.cmp(CmpOp::Le, &zeros, layout, layout)?;
    is_cut.where_cond(layout, &zeros, layout, storage, layout)
}

/// Returns the gradient before the ReLU, given the one after it.
fn before_relu(out: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    // A tensor of zeros, not a number: candle's kernels read contiguous tensors much faster than repeated ones.
    let zeros = out.zeros_like()?;
    out.le(&zeros)?.where_cond(&zeros, gradient)
}

/// Sums `(N, C, H, W)`, contiguous, over all but the channels. Products with ones read the pixels at full
/// speed, which candle's reduction, one block per channel, does not.
fn channel_sums(gradient: &Tensor) -> Result<Tensor> {
    let (images, channels, rows, columns) = gradient.dims4()?;
    let ones = Tensor::ones((rows * columns, 1), gradient.dtype(), gradient.device())?;
    let of_images = gradient.reshape((images * channels, rows * columns))?.matmul(&ones)?;
    let of_images = of_images.reshape((images, channels))?;
    match gradient.dtype() {
        DType::BF16 => of_images.to_dtype(DType::F32)?.sum(0)?.to_dtype(DType::BF16),
        _ => of_images.sum(0),
    }
}
