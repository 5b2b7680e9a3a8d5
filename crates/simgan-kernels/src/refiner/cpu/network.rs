//! The sizes of a refiner, the layout of its parameters, and the parameters prepared for the kernels.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::body::Body;
use crate::buffer::Buffer;
use crate::geometry::Border;
use crate::refiner::{Layer, RefinerLayers};
use crate::simd::{Isa, padded};
use crate::spare::Spare;
use crate::winograd::Direction;

/// The sizes of a refiner with 3×3 blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) images: usize,
    /// Planes of an input image, noise included.
    pub(super) inputs: usize,
    /// Planes of a refined image.
    pub(super) outputs: usize,
    /// Rows and columns.
    pub(super) size: [usize; 2],
    pub(super) features: usize,
    pub(super) stem_kernel: usize,
    pub(super) blocks: usize,
    pub(super) border: Border,
    /// The convolutions in the blocks.
    pub(super) body: Body,
}

impl Network {
    /// Returns the sizes of a network; `None` if the kernels do not support it.
    ///
    /// # Errors
    /// If the shapes, types or devices of a supported network do not fit together.
    pub(super) fn new(
        images: &Tensor,
        layers: &RefinerLayers<'_>,
        border: Border,
        isa: Isa,
    ) -> Option<Result<Self>> {
        let (&[n, inputs, height, width], &[features, _, stem_kernel, _], &[outputs, ..]) =
            (images.dims(), layers.stem.weight.dims(), layers.head.weight.dims())
        else {
            return None;
        };
        let is_square = |layer: &Layer<'_>, size: usize| layer.weight.dims().get(2..) == Some(&[size, size]);
        let blocks = layers.blocks.as_flattened();
        let fits = is_square(&layers.stem, stem_kernel)
            && stem_kernel % 2 == 1
            && stem_kernel <= 7
            && blocks.iter().all(|layer| is_square(layer, 3))
            && is_square(&layers.head, 1)
            && n * inputs * outputs * height * width * features > 0;
        fits.then(|| {
            let size = [height, width];
            let body = Body::new(size, features, border, isa);
            let blocks = layers.blocks.len();
            let network =
                Self { images: n, inputs, outputs, size, features, stem_kernel, blocks, border, body };
            network.check(images, layers)?;
            Ok(network)
        })
    }

    fn check(&self, images: &Tensor, layers: &RefinerLayers<'_>) -> Result<()> {
        let Self { inputs, outputs, features, stem_kernel: k, .. } = *self;
        check("stem", &layers.stem, [features, inputs, k, k], images)?;
        for layer in layers.blocks.as_flattened() {
            check("block", layer, [features, features, 3, 3], images)?;
        }
        check("head", &layers.head, [outputs, features, 1, 1], images)
    }

    /// Returns where the weights and the bias of each layer lie in the flat parameters: stem, blocks, head.
    pub(super) fn places(&self) -> Vec<[Range<usize>; 2]> {
        let Self { inputs, outputs, features, stem_kernel, blocks, .. } = *self;
        let stem = (features * inputs * stem_kernel * stem_kernel, features);
        let body = (features * features * 9, features);
        let mut end = 0;
        let sizes = std::iter::once(stem).chain(std::iter::repeat_n(body, 2 * blocks));
        sizes
            .chain(std::iter::once((outputs * features, outputs)))
            .map(|(weights, biases)| {
                let start = end;
                end += weights + biases;
                [start..start + weights, start + weights..end]
            })
            .collect()
    }

    pub(super) fn parameters(&self) -> usize {
        self.places().last().map_or(0, |[_, biases]| biases.end)
    }

    pub(super) fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Elements of one input image.
    pub(super) fn image(&self) -> usize {
        self.inputs * self.pixels()
    }

    /// Elements of one refined image.
    pub(super) fn refined(&self) -> usize {
        self.outputs * self.pixels()
    }

    /// Elements of one layer's feature maps.
    pub(super) fn maps(&self) -> usize {
        self.pixels() * padded(self.features)
    }

    /// Elements of the feature maps of one layer, as they are kept for the backward pass.
    pub(super) fn kept(&self) -> usize {
        self.body.kept(self.maps())
    }

    /// Elements of the kept feature maps of all layers.
    pub(super) fn all_kept(&self) -> usize {
        (2 * self.blocks + 1) * self.kept()
    }

    /// Products summed into one element of the stem's result.
    pub(super) fn stem_taps(&self) -> usize {
        self.inputs * self.stem_kernel * self.stem_kernel
    }
}

fn check(name: &str, layer: &Layer<'_>, weight: [usize; 4], images: &Tensor) -> Result<()> {
    if layer.weight.dims() != weight || layer.bias.dims() != [weight[0]] {
        bail!(
            "refiner: the {name}'s weights and biases should have the shapes {weight:?} and [{}], not {:?} and {:?}",
            weight[0],
            layer.weight.dims(),
            layer.bias.dims()
        );
    }
    for tensor in [layer.weight, layer.bias] {
        if tensor.dtype() != images.dtype() || !tensor.device().same_device(images.device()) {
            bail!(
                "refiner: the images are {:?} on {:?}, the {name}'s parameters {:?} on {:?}",
                images.dtype(),
                images.device(),
                tensor.dtype(),
                tensor.device()
            );
        }
    }
    Ok(())
}

/// The parameters in the layouts of the kernels; features are padded to whole vectors.
pub(super) struct Prepared {
    /// `[tap][feature]`.
    pub(super) stem: Buffer,
    /// Filters of the blocks' convolutions, one after another, prepared for a direction.
    filters: Spare,
    /// Elements of the filters of one convolution.
    filters_each: usize,
    /// Of the stem and of the convolutions in the blocks.
    pub(super) biases: Vec<Buffer>,
    /// `[channel][feature]`.
    pub(super) head: Buffer,
    pub(super) head_bias: Vec<f32>,
}

impl Prepared {
    pub(super) fn new(isa: Isa, network: &Network, parameters: &[f32], direction: Direction) -> Self {
        let Network { outputs, features, body, .. } = network;
        let places = network.places();
        let weight = |layer: usize| &parameters[places[layer][0].clone()];
        let bias = |layer: usize| &parameters[places[layer][1].clone()];
        let n_body = 2 * network.blocks;
        let mut filters = Spare::take((n_body * body.filters()).max(1));
        filters[..n_body * body.filters()]
            .par_chunks_exact_mut(body.filters())
            .enumerate()
            .for_each(|(at, out)| body.prepare(isa, weight(at + 1), *features, direction, out));
        let stride = padded(*features);
        let mut stem = Buffer::zeros(network.stem_taps() * stride);
        for (feature, taps) in weight(0).chunks_exact(network.stem_taps()).enumerate() {
            for (tap, &weight) in taps.iter().enumerate() {
                stem[tap * stride + feature] = weight;
            }
        }
        let mut head = Buffer::zeros(outputs * stride);
        for (to, from) in head.chunks_exact_mut(stride).zip(weight(n_body + 1).chunks_exact(*features)) {
            to[..*features].copy_from_slice(from);
        }
        Self {
            stem,
            filters,
            filters_each: body.filters(),
            biases: (0..=n_body).map(|layer| Buffer::padded(bias(layer))).collect(),
            head,
            head_bias: bias(n_body + 1).to_vec(),
        }
    }

    /// The transformed filters of the blocks' convolution `layer`.
    pub(super) fn filters(&self, layer: usize) -> &[f32] {
        &self.filters[layer * self.filters_each..][..self.filters_each]
    }
}
