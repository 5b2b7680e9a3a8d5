//! Fully connected layers composed from candle's operations.

use candle_core::{Result, Tensor};

use super::check;
use crate::conv2d::reference::relu;

/// [`linear_in`](crate::linear_in()) composed from candle's operations, in the precision of the tensors.
///
/// # Errors
/// If the shapes do not fit together.
pub fn linear(input: &Tensor, weight: &Tensor, bias: &Tensor, with_relu: bool) -> Result<Tensor> {
    check(input, weight, bias)?;
    composed(input, weight, bias, with_relu)
}

pub(crate) fn composed(input: &Tensor, weight: &Tensor, bias: &Tensor, with_relu: bool) -> Result<Tensor> {
    // `(W xᵀ)ᵀ` instead of `x Wᵀ`: the gradient of the weight then lies in memory like the weight, so that the
    // optimizer need not copy it.
    let out = weight.matmul(&input.t()?)?.t()?.broadcast_add(bias)?;
    if with_relu { relu(&out) } else { Ok(out) }
}
