//! Batch normalisation composed from candle's operations.

use candle_core::{Result, Tensor};

use super::{BatchNorm, EPSILON, check};
use crate::conv2d::reference::relu as activate;

/// [`batch_norm`](crate::batch_norm()) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`batch_norm`](crate::batch_norm()).
pub fn batch_norm(input: &Tensor, norm: BatchNorm<'_>, relu: bool, train: bool) -> Result<Tensor> {
    check(input, norm, train)?;
    normalize(input, norm, relu, train)
}

pub(crate) fn normalize(input: &Tensor, norm: BatchNorm<'_>, relu: bool, train: bool) -> Result<Tensor> {
    let BatchNorm { weight, bias, running_mean, running_var } = norm;
    let channels = |tensor: &Tensor| tensor.reshape((1, tensor.elem_count(), 1, 1));
    let (centred, variance) = if train {
        let mean = input.mean_keepdim((0, 2, 3))?;
        let centred = input.broadcast_sub(&mean)?;
        let variance = centred.sqr()?.mean_keepdim((0, 2, 3))?;
        let values = (input.elem_count() / weight.elem_count()) as f64;
        norm.update(&mean.flatten_all()?, &(variance.flatten_all()? * (values / (values - 1.0)))?)?;
        (centred, variance)
    } else {
        let [mean, variance] = [running_mean, running_var].map(Tensor::detach);
        (input.broadcast_sub(&channels(&mean)?)?, channels(&variance)?)
    };
    let normal = centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
    let out = normal.broadcast_mul(&channels(weight)?)?.broadcast_add(&channels(bias)?)?;
    if relu { activate(&out) } else { Ok(out) }
}
