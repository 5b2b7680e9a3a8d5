//! The graph on the CPU as one operation of candle's autograd, channels last. Nodes run one after the other,
//! each over the whole batch, because a normalisation needs all images of it.

mod backward;
mod forward;
mod network;

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Tensor};

use self::forward::Trace;
use self::network::Network;
use super::{Node, shapes};
use crate::precision::Precision;
use crate::simd::Isa;
use crate::spare::Kept;
use crate::tensors::{channels_first, channels_last, gradients, slice, with_slice};

/// See [`graph`](crate::graph()); there is at least one image and one pixel.
pub(crate) fn graph(
    images: &Tensor,
    nodes: &[Node<'_>],
    results: &[usize],
    train: bool,
    precision: Precision,
) -> Result<Vec<Tensor>> {
    let isa = Isa::of(precision)?;
    shapes::check(images.dims(), nodes, results)?;
    let network = Network::new(images, nodes, results, train)?;
    let parameters = flat_parameters(nodes)?;
    let images = channels_last(images)?;
    // Outside training a backward pass is rare, and computes the values again.
    let keeps_values = train && (images.track_op() || parameters.track_op());
    let shared: Arc<Shared> = Arc::default();
    let shapes: Vec<_> = results.iter().map(|&result| network.values[result]).collect();
    let images_in = network.images;
    let operation = Operation { network, isa, keeps_values, shared: Arc::clone(&shared) };
    let flat = images.apply_op2(&parameters, operation)?;
    if train {
        update_running(nodes, &shared.statistics.take().unwrap_or_default())?;
    }
    let mut start = 0;
    let split = shapes.iter().map(|&[channels, rows, columns]| {
        let length = images_in * rows * columns * channels;
        let result = flat.narrow(0, start, length)?.reshape((images_in, rows, columns, channels))?;
        start += length;
        channels_first(&result)
    });
    split.collect()
}

/// Concatenates the parameters of all nodes in order: candle's custom operations take at most three tensors.
fn flat_parameters(nodes: &[Node<'_>]) -> Result<Tensor> {
    let mut parameters = Vec::new();
    for node in nodes {
        match node {
            Node::Conv { layer, .. } => {
                parameters.push(layer.weight.flatten_all()?);
                parameters.push(layer.bias.clone());
            }
            Node::BatchNorm { norm, .. } => {
                parameters.extend([norm.weight, norm.bias].map(Clone::clone));
            }
            Node::MaxPool { .. } | Node::Upsample { .. } => {}
        }
    }
    match parameters.is_empty() {
        // candle cannot concatenate an empty list; nothing reads this.
        true => Tensor::zeros(1, DType::F32, &Device::Cpu),
        false => Tensor::cat(&parameters, 0),
    }
}

/// Moves the running statistics of each normalisation towards those of the batch.
fn update_running(nodes: &[Node<'_>], statistics: &[[Vec<f32>; 2]]) -> Result<()> {
    let norms = nodes.iter().filter_map(|node| match node {
        Node::BatchNorm { norm, .. } => Some(norm),
        _ => None,
    });
    for (norm, [mean, var]) in norms.zip(statistics) {
        let tensor = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu);
        norm.update(&tensor(mean)?, &tensor(var)?)?;
    }
    Ok(())
}

/// What a forward pass leaves behind.
#[derive(Default)]
struct Shared {
    /// Mean and unbiased variance of the batch, for each normalisation.
    statistics: Kept<Vec<[Vec<f32>; 2]>>,
    /// All values, if a backward pass may follow.
    trace: Kept<Trace>,
}

/// The operation on images, channels last, and flat parameters; its results are flat, one after the other.
///
/// Both passes run on a thread of the pool (`rayon::scope`): from any other thread, each of the hundreds of
/// parallel loops would wake a thread and wait for it.
struct Operation {
    network: Network,
    isa: Isa,
    keeps_values: bool,
    shared: Arc<Shared>,
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "simgan-graph"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (images, parameters) = (slice(images, images_layout)?, slice(parameters, parameters_layout)?);
        let (out, trace) = rayon::scope(|_| self.forward(images, parameters, self.keeps_values));
        self.shared.statistics.put(Some(self.network.batch_statistics(&trace.statistics)));
        self.shared.trace.put(self.keeps_values.then_some(trace));
        let length = out.len();
        Ok((CpuStorage::F32(out), Shape::from(length)))
    }

    fn bwd(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let wants = [images.track_op(), parameters.track_op()];
        let trace = self.shared.trace.take();
        let (of_images, of_parameters) = with_slice(images, |images| {
            with_slice(parameters, |parameters| {
                // The first backward pass takes the values; any further one computes them again.
                with_slice(gradient, |gradient| {
                    Ok(rayon::scope(|_| {
                        let trace = trace.unwrap_or_else(|| self.forward(images, parameters, true).1);
                        self.backward(images, parameters, &trace, gradient, wants)
                    }))
                })
            })
        })?;
        gradients([wants[0].then_some(of_images), wants[1].then_some(of_parameters)], [images, parameters])
    }
}
