//! The nodes composed from candle's operations, one by one.

use candle_core::{DType, Result, Tensor};

use super::{Node, shapes};
use crate::batch_norm::{self, BatchNorm};
use crate::geometry::Conv2d;
use crate::max_pool2d::{self, MaxPool2d};
use crate::{conv2d as conv, upsample};

/// [`graph`](crate::graph()) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`graph`](crate::graph()).
pub fn graph(images: &Tensor, nodes: &[Node<'_>], results: &[usize], train: bool) -> Result<Vec<Tensor>> {
    each(images, nodes, results, train, &COMPOSED)
}

/// The operations of the nodes.
pub(super) struct Operations {
    conv2d: fn(&Tensor, &Tensor, Option<&Tensor>, Conv2d) -> Result<Tensor>,
    conv2d_residual: fn(&Tensor, &Tensor, Option<&Tensor>, &Tensor, Conv2d) -> Result<Tensor>,
    batch_norm: fn(&Tensor, BatchNorm<'_>, bool, bool) -> Result<Tensor>,
    max_pool2d: fn(&Tensor, MaxPool2d) -> Result<Tensor>,
    upsample2d: fn(&Tensor) -> Result<Tensor>,
}

const COMPOSED: Operations = Operations {
    conv2d: conv::reference::conv2d,
    conv2d_residual: conv::reference::conv2d_residual,
    batch_norm: batch_norm::reference::batch_norm,
    max_pool2d: max_pool2d::reference::max_pool2d,
    upsample2d: upsample::reference::upsample2d,
};

/// The operations that choose their kernels themselves.
pub(super) const KERNELS: Operations = Operations {
    conv2d: conv::conv2d,
    conv2d_residual: conv::conv2d_residual,
    batch_norm: batch_norm::batch_norm,
    max_pool2d: max_pool2d::max_pool2d,
    upsample2d: upsample::upsample2d,
};

/// [`KERNELS`], but convolutions multiply numbers rounded to bf16.
pub(super) const IN_BF16: Operations = Operations {
    conv2d: |input, weight, bias, options| {
        conv::convolve_as(DType::BF16, input, weight, bias, None, options)?.to_dtype(DType::F32)
    },
    conv2d_residual: |input, weight, bias, residual, options| {
        conv::convolve_as(DType::BF16, input, weight, bias, Some(residual), options)?.to_dtype(DType::F32)
    },
    ..KERNELS
};

pub(super) fn each(
    images: &Tensor,
    nodes: &[Node<'_>],
    results: &[usize],
    train: bool,
    operations: &Operations,
) -> Result<Vec<Tensor>> {
    shapes::check(images.dims(), nodes, results)?;
    let mut values = vec![images.clone()];
    for node in nodes {
        values.push(match *node {
            Node::Conv { input, layer, options, add: None } => {
                (operations.conv2d)(&values[input], layer.weight, Some(layer.bias), options)?
            }
            Node::Conv { input, layer, options, add: Some(add) } => {
                let (image, residual) = (&values[input], &values[add]);
                (operations.conv2d_residual)(image, layer.weight, Some(layer.bias), residual, options)?
            }
            Node::BatchNorm { input, norm, relu } => {
                (operations.batch_norm)(&values[input], norm, relu, train)?
            }
            Node::MaxPool { input, options } => (operations.max_pool2d)(&values[input], options)?,
            Node::Upsample { input, add } => {
                let doubled = (operations.upsample2d)(&values[input])?;
                match add {
                    Some(add) => (doubled + &values[add])?,
                    None => doubled,
                }
            }
        });
    }
    Ok(results.iter().map(|&result| values[result].clone()).collect())
}
