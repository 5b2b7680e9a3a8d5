use candle_core::{Tensor, bail};
use candle_nn::{Init, VarBuilder};
use simgan_kernels::{Precision, linear_in};

/// A fully connected layer: `weight` `(out, in)`, `bias` `(out)`, initialised like the convolutions.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
}

impl Linear {
    pub(crate) fn new(input: usize, output: usize, vb: &VarBuilder) -> candle_core::Result<Self> {
        let bound = 1.0 / (input as f64).sqrt();
        let init = Init::Uniform { lo: -bound, up: bound };
        let weight = vb.get_with_hints((output, input), "weight", init)?;
        Ok(Self { weight, bias: vb.get_with_hints(output, "bias", init)? })
    }

    /// Returns the outputs, through a ReLU if `relu`; they are multiplied in `precision`.
    pub(crate) fn forward(
        &self,
        input: &Tensor,
        relu: bool,
        precision: Precision,
    ) -> candle_core::Result<Tensor> {
        linear_in(input, &self.weight, &self.bias, relu, precision)
    }
}

/// Appends the numbers of a second input, `(N, n_extra)`, to features `(N, d)`.
///
/// # Errors
///
/// If there is no second input although `n_extra` is not 0, or the other way round, or its shape is wrong.
pub(crate) fn with_extra(
    features: Tensor,
    extra: Option<&Tensor>,
    n_extra: usize,
) -> candle_core::Result<Tensor> {
    match extra {
        None if n_extra == 0 => Ok(features),
        Some(extra) if extra.dims() == [features.dim(0)?, n_extra] && n_extra > 0 => {
            Tensor::cat(&[&features, extra], 1)
        }
        None => bail!("the network takes {n_extra} numbers beside each image, but got none"),
        Some(extra) => {
            let expected = [features.dim(0)?, n_extra];
            bail!("the network takes numbers {expected:?} beside the images, not {:?}", extra.dims())
        }
    }
}
