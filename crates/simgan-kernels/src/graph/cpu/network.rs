//! The nodes with their sizes, checked once.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use crate::batch_norm::check_count;
use crate::geometry::Geometry;
use crate::graph::Node;
use crate::max_pool2d::Windows;
use crate::max_pool2d::cpu::MaxPool;

/// Nodes, and `[channels, rows, columns]` of all values.
pub(super) struct Network {
    pub(super) steps: Vec<Step>,
    pub(super) values: Vec<[usize; 3]>,
    pub(super) images: usize,
    pub(super) results: Vec<usize>,
    /// Whether normalisations take the statistics of the batch.
    pub(super) train: bool,
}

/// A node and the place of its parameters in the flat ones.
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) input: usize,
    pub(super) add: Option<usize>,
    pub(super) parameters: Range<usize>,
}

pub(super) enum Kind {
    Conv(Geometry),
    Norm(Norm),
    Pool(MaxPool),
    Double,
}

pub(super) struct Norm {
    /// Its number among the normalisations.
    pub(super) number: usize,
    pub(super) relu: bool,
    /// Running mean and variance, for use outside training.
    pub(super) running: [Vec<f32>; 2],
}

impl Network {
    pub(super) fn new(images: &Tensor, nodes: &[Node<'_>], results: &[usize], train: bool) -> Result<Self> {
        let (n_images, channels, rows, columns) = images.dims4()?;
        let mut network = Self {
            steps: Vec::with_capacity(nodes.len()),
            values: vec![[channels, rows, columns]],
            images: n_images,
            results: results.to_vec(),
            train,
        };
        let mut n_norms = 0;
        for node in nodes {
            let (kind, input, add, shape) = network.kind(images, node, n_norms)?;
            let count = match (&kind, shape) {
                (Kind::Conv(geometry), _) => geometry.weights() + geometry.channels_out,
                (Kind::Norm(_), [channels, ..]) => 2 * channels,
                (Kind::Pool(_) | Kind::Double, _) => 0,
            };
            n_norms += usize::from(matches!(kind, Kind::Norm(_)));
            let start = network.steps.last().map_or(0, |step| step.parameters.end);
            network.steps.push(Step { kind, input, add, parameters: start..start + count });
            network.values.push(shape);
        }
        Ok(network)
    }

    /// Returns a node's kind, the values it takes and its result's shape.
    fn kind(
        &self,
        images: &Tensor,
        node: &Node<'_>,
        number: usize,
    ) -> Result<(Kind, usize, Option<usize>, [usize; 3])> {
        let dims = |value: usize| {
            let [channels, rows, columns] = self.values[value];
            [self.images, channels, rows, columns]
        };
        let of_dims = |dims: [usize; 4]| [dims[1], dims[2], dims[3]];
        let (kind, input, add, shape) = match *node {
            Node::Conv { input, layer, options, add } => {
                let bias = Some(layer.bias);
                let geometry = Geometry::of_dims(&dims(input), images, layer.weight, bias, None, options)?;
                let [rows, columns] = geometry.size_out;
                (Kind::Conv(geometry), input, add, [geometry.channels_out, rows, columns])
            }
            Node::BatchNorm { input, norm, relu } => {
                let shape = self.values[input];
                norm.check(shape[0], images)?;
                check_count(self.images * shape[1] * shape[2], self.train)?;
                let running = match self.train {
                    true => [Vec::new(), Vec::new()],
                    false => [norm.running_mean.to_vec1()?, norm.running_var.to_vec1()?],
                };
                (Kind::Norm(Norm { number, relu, running }), input, None, shape)
            }
            Node::MaxPool { input, options } => {
                let windows = Windows::new(&dims(input), options)?;
                (Kind::Pool(MaxPool(windows)), input, None, of_dims(windows.dims_out()))
            }
            Node::Upsample { input, add } => {
                let [channels, rows, columns] = self.values[input];
                (Kind::Double, input, add, [channels, 2 * rows, 2 * columns])
            }
        };
        if let Some(add) = add.filter(|&add| self.values[add] != shape) {
            bail!("graph: a result of {shape:?} cannot take up a value of {:?}", self.values[add]);
        }
        Ok((kind, input, add, shape))
    }

    /// Elements of one image's part of a value.
    pub(super) fn image(&self, value: usize) -> usize {
        self.values[value].iter().product()
    }

    /// Elements of a value.
    pub(super) fn size(&self, value: usize) -> usize {
        self.images * self.image(value)
    }

    /// Returns mean and unbiased variance for each normalisation, given mean and biased variance.
    pub(super) fn batch_statistics(&self, biased: &[[Vec<f32>; 2]]) -> Vec<[Vec<f32>; 2]> {
        let norms = self.steps.iter().filter(|step| matches!(step.kind, Kind::Norm(_)));
        let unbiased = norms.zip(biased).map(|(step, [mean, variance])| {
            let [_, rows, columns] = self.values[step.input];
            let count = (self.images * rows * columns) as f32;
            let variance = variance.iter().map(|variance| variance * (count / (count - 1.0)));
            [mean.clone(), variance.collect()]
        });
        unbiased.collect()
    }
}
