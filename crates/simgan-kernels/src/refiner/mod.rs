//! A whole residual network of 3×3 convolutions in one operation, image by image.

mod cpu;
pub(crate) mod reference;

use candle_core::{Result, Tensor};

use crate::backend::Backend;
use crate::conv2d::{convolve, convolve_in_bf16};
use crate::geometry::Border;
use crate::precision::Precision;

/// The parameters of one convolution.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// `(O, C, h, w)`.
    pub weight: &'a Tensor,
    /// `(O,)`.
    pub bias: &'a Tensor,
}

/// The refiner's layers, in order.
#[derive(Clone, Debug)]
pub struct RefinerLayers<'a> {
    /// From images, and further planes if there are any, to feature maps; an odd kernel.
    pub stem: Layer<'a>,
    /// The two convolutions of each residual block; odd kernels.
    pub blocks: Vec<[Layer<'a>; 2]>,
    /// 1×1, from feature maps to images.
    pub head: Layer<'a>,
}

/// The SimGAN refiner (§3.1): `tanh(head(block(… block(relu(stem(images))))))` with
/// `block(x) = relu(x + conv2(relu(conv1(x))))`, where every convolution keeps the size of its input.
///
/// On the CPU, `f32` networks with 3×3 blocks take one image at a time through all layers, with its feature
/// maps in cache; other networks are composed from [`conv2d`](crate::conv2d()). Gradients are computed only
/// for the arguments that require one.
///
/// # Shapes
/// `(N, I, H, W)` -> `(N, C, H, W)` in [−1, 1]; I is C, or more where noise follows the images. With F feature
/// maps: stem `(F, I, k, k)`, blocks `(F, F, l, l)`, head `(C, F, 1, 1)`.
///
/// # Errors
/// If shapes, types or devices do not fit together.
pub fn refiner(images: &Tensor, layers: &RefinerLayers<'_>, border: Border) -> Result<Tensor> {
    refiner_in(images, layers, border, Precision::F32)
}

/// [`refiner`] in a precision. On the CPU, networks with blocks other than 3×3, which are composed, are always
/// computed in `f32`; on a GPU, the head is.
///
/// # Errors
/// Those of [`refiner`], and if this machine does not compute in the precision.
pub fn refiner_in(
    images: &Tensor,
    layers: &RefinerLayers<'_>,
    border: Border,
    precision: Precision,
) -> Result<Tensor> {
    let fused = match Backend::serving(images, precision)? {
        Backend::Cpu => cpu::refiner(images, layers, border, precision)?,
        Backend::Cudnn if precision == Precision::Bf16 => {
            Some(reference::composed(images, layers, border, convolve_in_bf16)?)
        }
        Backend::CpuDouble | Backend::Cudnn | Backend::Composed => None,
    };
    fused.map_or_else(|| reference::composed(images, layers, border, convolve), Ok)
}
