//! A whole residual network of 3×3 convolutions, image by image, in one operation.

mod cpu;
mod image;
mod network;
pub(crate) mod reference;
mod spread;
mod stem;

use candle_core::{DType, Result, Tensor};

use self::network::Network;
use crate::conv2d::{Border, Conv2d, conv2d, conv2d_residual};

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
    /// From images to feature maps; an odd kernel.
    pub stem: Layer<'a>,
    /// The two convolutions of each residual block; odd kernels.
    pub blocks: Vec<[Layer<'a>; 2]>,
    /// 1×1, from feature maps to images.
    pub head: Layer<'a>,
}

/// The SimGAN refiner: `tanh(head(block(… block(relu(stem(images))))))` with `block(x) = relu(x + conv2(relu(conv1(x))))`, where every
/// convolution keeps the size of its input.
///
/// On the CPU, networks of `f32` with 3×3 blocks go through all layers image by image, with the feature maps in the cache; others are
/// composed of [`conv2d`](crate::conv2d()). Gradients are computed for the arguments that want one.
///
/// # Shapes
/// `(N, C, H, W)` -> the same, in [−1, 1]. With F feature maps: stem `(F, C, k, k)`, blocks `(F, F, l, l)`, head `(C, F, 1, 1)`.
///
/// # Errors
/// When shapes, types or devices do not fit together.
pub fn refiner(images: &Tensor, layers: &RefinerLayers<'_>, border: Border) -> Result<Tensor> {
    let has_kernels = images.device().is_cpu() && images.dtype() == DType::F32;
    match Network::new(images, layers, border) {
        Some(network) if has_kernels => cpu::refiner(images, layers, network?),
        _ => composed(images, layers, border),
    }
}

/// The refiner composed of this crate's convolutions.
fn composed(images: &Tensor, layers: &RefinerLayers<'_>, border: Border) -> Result<Tensor> {
    let options = |layer: &Layer<'_>, relu: bool| -> Result<Conv2d> {
        Ok(Conv2d { stride: 1, padding: layer.weight.dim(layer.weight.rank() - 1)? / 2, border, relu })
    };
    let apply = |input: &Tensor, layer: &Layer<'_>, relu: bool| {
        conv2d(input, layer.weight, Some(layer.bias), options(layer, relu)?)
    };
    let mut features = apply(images, &layers.stem, true)?;
    for [first, second] in &layers.blocks {
        let inner = apply(&features, first, true)?;
        features =
            conv2d_residual(&inner, second.weight, Some(second.bias), &features, options(second, true)?)?;
    }
    apply(&features, &layers.head, false)?.tanh()
}
