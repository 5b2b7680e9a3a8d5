//! A network of convolutions, normalisations, pools and doublings, with skip connections, in one operation.

pub(crate) mod cpu;
pub(crate) mod reference;
mod shapes;
mod slots;

use candle_core::{Result, Tensor};

use crate::backend::Backend;
use crate::batch_norm::BatchNorm;
use crate::geometry::Conv2d;
use crate::max_pool2d::MaxPool2d;
use crate::precision::Precision;
use crate::refiner::Layer;

/// One operation of a [`graph`](crate::graph()). Values have numbers: 0 is the images, `i + 1` the result of
/// node `i`. A node takes only earlier values.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// [`conv2d`](crate::conv2d()), or [`conv2d_residual`](crate::conv2d_residual) with the value `add`.
    Conv {
        /// The value to convolve.
        input: usize,
        /// Weights and bias.
        layer: Layer<'a>,
        /// Stride, padding, border and ReLU.
        options: Conv2d,
        /// The value to add, of the result's shape.
        add: Option<usize>,
    },
    /// [`batch_norm`](crate::batch_norm()).
    BatchNorm {
        /// The value to normalise.
        input: usize,
        /// Parameters and running statistics.
        norm: BatchNorm<'a>,
        /// Whether `max(0, ·)` follows.
        relu: bool,
    },
    /// [`max_pool2d`](crate::max_pool2d()).
    MaxPool {
        /// The value to pool.
        input: usize,
        /// Window, stride and padding.
        options: MaxPool2d,
    },
    /// [`upsample2d`](crate::upsample2d()).
    Upsample {
        /// The value to double.
        input: usize,
        /// The value to add, of the result's shape.
        add: Option<usize>,
    },
}

/// Runs the nodes in order and returns the values numbered in `results`.
///
/// On the CPU in `f32`, all intermediate results lie channels last in one block of memory, which the next
/// call takes over, and candle neither stores nor adds up the gradients in between. In training,
/// normalisations take the statistics of the batch and update the running ones.
///
/// # Shapes
/// `(N, C, H, W)` -> for each result, the shape of its node's.
///
/// # Errors
/// If the shapes, types or devices of a node do not fit, or it takes a value that does not exist yet.
pub fn graph(images: &Tensor, nodes: &[Node<'_>], results: &[usize], train: bool) -> Result<Vec<Tensor>> {
    graph_in(images, nodes, results, train, Precision::F32)
}

/// [`graph`] in a precision, which is that of its convolutions of an even number of channels.
///
/// # Errors
/// Those of [`graph`], and if this machine does not compute in the precision.
pub fn graph_in(
    images: &Tensor,
    nodes: &[Node<'_>],
    results: &[usize],
    train: bool,
    precision: Precision,
) -> Result<Vec<Tensor>> {
    match Backend::serving(images, precision)? {
        Backend::Cpu if images.elem_count() > 0 => cpu::graph(images, nodes, results, train, precision),
        Backend::Cudnn if precision == Precision::Bf16 => {
            reference::each(images, nodes, results, train, &reference::IN_BF16)
        }
        Backend::Cpu | Backend::CpuDouble | Backend::Cudnn | Backend::Composed => {
            reference::each(images, nodes, results, train, &reference::KERNELS)
        }
    }
}
