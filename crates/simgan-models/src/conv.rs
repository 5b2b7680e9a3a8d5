use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};

use simgan_kernels::{Border, Conv2d, Layer, conv2d, conv2d_residual};
use simgan_settings::Range;

use crate::ModelError;

/// A convolution: `weight` `(out, in, k, k)`, `bias` `(out)`, and its options.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    weight: Tensor,
    bias: Tensor,
    options: Conv2d,
}

impl Conv {
    /// Creates weight and bias, uniform in ±1/√fan_in: PyTorch's default for convolutions, since the paper
    /// does not say. Every ResNet block then starts as a small correction, so that the refiner quickly
    /// becomes the identity. After 120 steps on eye images, mean |R(x) − x| was 0.015 with Adam at rate 0.001
    /// (0.028 with He's wider range) and 0.057 with SGD at rate 0.1 and momentum 0.9 (He's diverged).
    pub(crate) fn new(
        input: usize,
        output: usize,
        kernel: usize,
        options: Conv2d,
        vb: &VarBuilder,
    ) -> candle_core::Result<Self> {
        let bound = 1.0 / ((input * kernel * kernel) as f64).sqrt();
        let init = Init::Uniform { lo: -bound, up: bound };
        let weight = vb.get_with_hints((output, input, kernel, kernel), "weight", init)?;
        let bias = vb.get_with_hints(output, "bias", init)?;
        Ok(Self { weight, bias, options })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> candle_core::Result<Tensor> {
        conv2d(input, &self.weight, Some(&self.bias), self.options)
    }

    /// Adds the residual before the ReLU, if the convolution has one.
    pub(crate) fn forward_residual(&self, input: &Tensor, residual: &Tensor) -> candle_core::Result<Tensor> {
        conv2d_residual(input, &self.weight, Some(&self.bias), residual, self.options)
    }

    /// The parameters.
    pub(crate) fn layer(&self) -> Layer<'_> {
        Layer { weight: &self.weight, bias: &self.bias }
    }

    /// Stride, padding, border and ReLU.
    pub(crate) fn options(&self) -> Conv2d {
        self.options
    }

    /// The weights, `(out, in, k, k)`.
    pub(crate) fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// Returns the same convolution with other weights of the same shape.
    pub(crate) fn with_weight(&self, weight: Tensor) -> Self {
        Self { weight, bias: self.bias.clone(), options: self.options }
    }

    /// Returns the same convolution, on the same memory, without gradients for weight and bias.
    pub(crate) fn frozen(&self) -> Self {
        Self { weight: self.weight.detach(), bias: self.bias.detach(), options: self.options }
    }
}

/// Options with the padding that keeps the size at stride 1.
pub(crate) fn same_conv(kernel: usize, stride: usize, border: Border, relu: bool) -> Conv2d {
    Conv2d { stride, padding: kernel / 2, border, relu }
}

/// How a config spells [`Border`], whose crate, simgan-kernels, does not depend on serde.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Border", rename_all = "lowercase")]
pub(crate) enum BorderName {
    Zeros,
    Replicate,
}

/// The spellings of [`BorderName`].
pub(crate) const BORDERS: Range = Range::OneOf(&["zeros", "replicate"]);

/// More channels than any image has; a damaged file may claim any number, whose weights would not fit in
/// memory.
const MAX_CHANNELS: usize = 64;

/// Checks that images have 1 to [`MAX_CHANNELS`] channels.
pub(crate) fn check_channels(channels: usize) -> Result<(), ModelError> {
    match channels {
        1..=MAX_CHANNELS => Ok(()),
        _ => Err(ModelError::Config(format!("images have 1 to {MAX_CHANNELS} channels, not {channels}"))),
    }
}
