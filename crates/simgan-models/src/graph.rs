//! Networks of convolutions, batch normalisations, pools and doublings, which run as one kernel.

use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use simgan_kernels::{BatchNorm, MaxPool2d, Node, Precision};

use crate::conv::Conv;

/// Operations in order. Each method appends one and returns the number of its result; 0 is the images.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    operations: Vec<Operation>,
    /// That of the convolutions.
    pub(crate) precision: Precision,
}

#[derive(Clone, Debug)]
enum Operation {
    Conv { input: usize, conv: Conv, add: Option<usize> },
    Norm { input: usize, norm: Norm },
    Halve { input: usize },
    Double { input: usize, add: usize },
}

impl Graph {
    /// Convolves `input` and adds `add`.
    pub(crate) fn conv(&mut self, input: usize, conv: Conv, add: Option<usize>) -> usize {
        self.push(Operation::Conv { input, conv, add })
    }

    /// Batch normalisation of `channels` channels, and a ReLU.
    pub(crate) fn norm_relu(
        &mut self,
        input: usize,
        channels: usize,
        vb: &VarBuilder,
    ) -> candle_core::Result<usize> {
        let norm = Norm::new(channels, vb)?;
        Ok(self.push(Operation::Norm { input, norm }))
    }

    /// Max pooling 2×2 with stride 2.
    pub(crate) fn halve(&mut self, input: usize) -> usize {
        self.push(Operation::Halve { input })
    }

    /// Doubles both sides by repeating pixels and adds `add`.
    pub(crate) fn double(&mut self, input: usize, add: usize) -> usize {
        self.push(Operation::Double { input, add })
    }

    fn push(&mut self, operation: Operation) -> usize {
        self.operations.push(operation);
        self.operations.len()
    }

    /// Returns the results with these numbers, each `(N, C, H, W)`.
    pub(crate) fn forward(
        &self,
        images: &Tensor,
        results: &[usize],
        train: bool,
    ) -> candle_core::Result<Vec<Tensor>> {
        let nodes: Vec<_> = self.operations.iter().map(Operation::node).collect();
        simgan_kernels::graph_in(images, &nodes, results, train, self.precision)
    }
}

impl Operation {
    fn node(&self) -> Node<'_> {
        match *self {
            Self::Conv { input, ref conv, add } => {
                Node::Conv { input, layer: conv.layer(), options: conv.options(), add }
            }
            Self::Norm { input, ref norm } => {
                let Norm { weight, bias, running_mean, running_var } = norm;
                let norm = BatchNorm { weight, bias, running_mean, running_var };
                Node::BatchNorm { input, norm, relu: true }
            }
            Self::Halve { input } => {
                Node::MaxPool { input, options: MaxPool2d { kernel: 2, stride: 2, padding: 0 } }
            }
            Self::Double { input, add } => Node::Upsample { input, add: Some(add) },
        }
    }
}

/// The parameters `weight` and `bias` and the buffers `running_mean` and `running_var` of a batch
/// normalisation, each `(C)`, as in PyTorch.
#[derive(Clone, Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

impl Norm {
    fn new(channels: usize, vb: &VarBuilder) -> candle_core::Result<Self> {
        let constant = |name: &str, value| vb.get_with_hints(channels, name, Init::Const(value));
        Ok(Self {
            weight: constant("weight", 1.0)?,
            bias: constant("bias", 0.0)?,
            running_mean: constant("running_mean", 0.0)?,
            running_var: constant("running_var", 1.0)?,
        })
    }
}
