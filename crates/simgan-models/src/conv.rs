use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};

use simgan_kernels::{Border, Conv2d, Layer, conv2d, conv2d_residual};
use simgan_settings::Range;

use crate::ModelError;

/// A convolution: `weight` `(out, in, k, k)`, `bias` `(out)`, and its geometry.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    weight: Tensor,
    bias: Tensor,
    options: Conv2d,
}

impl Conv {
    /// Weight and bias start uniform in ±1/√fan_in, PyTorch's default for convolutions; the paper does not say.
    /// Every ResNet block then starts as a small correction, so that the refiner becomes the identity quickly: after
    /// 120 steps of Adam with rate 0.001 on eye images, mean |R(x) − x| was 0.015, with He's wider range 0.028; with
    /// SGD of rate 0.1 and momentum 0.9 it was 0.057, while He's diverged.
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

    /// The residual is added before the ReLU, if there is one.
    pub(crate) fn forward_residual(&self, input: &Tensor, residual: &Tensor) -> candle_core::Result<Tensor> {
        conv2d_residual(input, &self.weight, Some(&self.bias), residual, self.options)
    }

    /// Its parameters.
    pub(crate) fn layer(&self) -> Layer<'_> {
        Layer { weight: &self.weight, bias: &self.bias }
    }

    /// Its geometry.
    pub(crate) fn options(&self) -> Conv2d {
        self.options
    }

    /// The same convolution, sharing its memory, without gradients for weight and bias.
    pub(crate) fn frozen(&self) -> Self {
        Self { weight: self.weight.detach(), bias: self.bias.detach(), options: self.options }
    }
}

/// Padding that keeps the size at stride 1.
pub(crate) fn same_conv(kernel: usize, stride: usize, border: Border, relu: bool) -> Conv2d {
    Conv2d { stride, padding: kernel / 2, border, relu }
}

/// How [`Border`] is written in a config. The type itself is simgan-kernels', which knows no serde.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Border", rename_all = "lowercase")]
pub(crate) enum BorderName {
    Zeros,
    Replicate,
}

/// The names of [`BorderName`].
pub(crate) const BORDERS: Range = Range::OneOf(&["zeros", "replicate"]);

/// Images have at least one channel.
pub(crate) fn check_channels(channels: usize) -> Result<(), ModelError> {
    match channels {
        0 => Err(ModelError::Config("images of 0 channels (hint: at least 1)".into())),
        _ => Ok(()),
    }
}
