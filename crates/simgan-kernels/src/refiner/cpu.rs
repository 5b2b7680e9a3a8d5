//! The refiner on the CPU as an operation of candle's autograd: one thread takes an image through all layers.

mod body;
mod chain;
mod image;
mod network;
mod spread;
mod stem;

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use self::image::{Differentiate, Refine, Sums, Workspace};
use self::network::{Network, Prepared};
use super::RefinerLayers;
use crate::geometry::Border;
use crate::groups::sum_over_groups_of;
use crate::precision::Precision;
use crate::simd::{Isa, padded, run};
use crate::spare::{Kept, Spare};
use crate::tensors::{gradients, slice, with_slice};
use crate::winograd::Direction;

/// Refines images; `None` if the kernels do not support the shapes of the layers.
pub(super) fn refiner(
    images: &Tensor,
    layers: &RefinerLayers<'_>,
    border: Border,
    precision: Precision,
) -> Result<Option<Tensor>> {
    let isa = Isa::of(precision)?;
    let Some(network) = Network::new(images, layers, border, isa).transpose()? else { return Ok(None) };
    let mut parameters = Vec::with_capacity(4 * network.blocks + 4);
    for layer in [layers.stem].iter().chain(layers.blocks.as_flattened()).chain([&layers.head]) {
        parameters.push(layer.weight.flatten_all()?);
        parameters.push(layer.bias.clone());
    }
    let parameters = Tensor::cat(&parameters, 0)?;
    let images = images.contiguous()?;
    let keeps_maps = images.track_op() || parameters.track_op();
    images.apply_op2(&parameters, Refiner { network, isa, keeps_maps, maps: Kept::default() }).map(Some)
}

/// The operation on images and flat parameters.
struct Refiner {
    network: Network,
    isa: Isa,
    /// Whether a backward pass may follow.
    keeps_maps: bool,
    /// The feature maps of the forward pass, kept for the backward pass.
    maps: Kept,
}

impl CustomOp2 for Refiner {
    fn name(&self) -> &'static str {
        "simgan-refiner"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let images = slice::<f32>(images, images_layout)?;
        let parameters = slice::<f32>(parameters, parameters_layout)?;
        let (out, maps) = self.forward(images, parameters, self.keeps_maps);
        self.maps.put(maps);
        let Network { images, outputs, size: [height, width], .. } = self.network;
        Ok((CpuStorage::F32(out), Shape::from((images, outputs, height, width))))
    }

    fn bwd(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let wants = [images.track_op(), parameters.track_op()];
        let maps = self.maps.take();
        let (of_images, of_parameters) = with_slice::<f32, _>(images, |images| {
            with_slice::<f32, _>(parameters, |parameters| {
                // The first backward pass takes the maps; any further one computes them again.
                let maps = maps.or_else(|| self.forward(images, parameters, true).1);
                // A spare buffer may be longer than the maps.
                let length = self.network.images * self.network.all_kept();
                let maps = maps.as_ref().map_or(&[][..], |maps| &maps[..length]);
                with_slice::<f32, _>(out, |out| {
                    with_slice::<f32, _>(gradient, |gradient| {
                        Ok(self.backward(&Batch { images, maps, out, gradient }, parameters, wants))
                    })
                })
            })
        })?;
        gradients([of_images, of_parameters], [images, parameters])
    }
}

impl Refiner {
    fn forward(&self, images: &[f32], parameters: &[f32], keeps_maps: bool) -> (Vec<f32>, Option<Spare>) {
        let network = &self.network;
        let prepared = &Prepared::new(self.isa, network, parameters, Direction::Forward);
        let mut out = vec![0.0; network.images * network.refined()];
        // Too few images to occupy every thread: each image is spread over all threads instead.
        if !keeps_maps && network.images < rayon::current_num_threads() {
            let images = images.chunks_exact(network.image()).zip(out.chunks_exact_mut(network.refined()));
            images.for_each(|(image, out)| spread::refine(self.isa, network, prepared, image, out));
            return (out, None);
        }
        let mut maps = keeps_maps.then(|| Spare::take(network.images * network.all_kept()));
        let mut kept: Vec<Option<&mut [f32]>> = match &mut maps {
            Some(maps) => maps.chunks_exact_mut(network.all_kept()).map(Some).collect(),
            None => Vec::new(),
        };
        kept.resize_with(network.images, || None);
        let work = images.par_chunks_exact(network.image()).zip(out.par_chunks_exact_mut(network.refined()));
        work.zip(kept).with_max_len(1).for_each(|((image, out), maps)| {
            Workspace::with(|workspace| {
                run(self.isa, Refine { network, prepared, image, maps, out, workspace });
            });
        });
        (out, maps)
    }

    fn backward(
        &self,
        batch: &Batch<'_>,
        parameters: &[f32],
        [wants_images, wants_parameters]: [bool; 2],
    ) -> (Option<Vec<f32>>, Option<Vec<f32>>) {
        let prepared = Prepared::new(self.isa, &self.network, parameters, Direction::Backward);
        let mut of_images = vec![0.0; if wants_images { batch.images.len() } else { 0 }];
        let of_share = |images: Range<usize>, of_images: &mut [f32]| {
            let sums = self.of_share(batch, images, &prepared, of_images, wants_parameters);
            sums.map_or_else(Vec::new, |sums| sums.flatten(&self.network, self.isa))
        };
        // Depends on the batch size alone, so that the order of summation, and with it the result, does
        // not depend on the number of threads.
        let share = (self.network.images / 16).clamp(1, 8);
        let (n_images, image) = (self.network.images, self.network.image());
        let of_parameters =
            sum_over_groups_of(share, n_images, &mut of_images, image, of_share, |sum, other| {
                sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
            });
        (wants_images.then_some(of_images), of_parameters.filter(|_| wants_parameters))
    }

    /// Writes the gradients of some images unless `of_images` is empty; returns the sums of those of the parameters, if
    /// wanted.
    fn of_share(
        &self,
        batch: &Batch<'_>,
        images: Range<usize>,
        prepared: &Prepared,
        of_images: &mut [f32],
        wants_parameters: bool,
    ) -> Option<Sums> {
        let network = &self.network;
        let mut of_images = of_images.chunks_exact_mut(network.image());
        let mut sums = wants_parameters.then(|| Sums::zeros(network));
        let place = |at: usize, size: usize| at * size..(at + 1) * size;
        for at in images {
            let refined = place(at, network.refined());
            Workspace::with(|workspace| {
                let task = Differentiate {
                    network,
                    prepared,
                    image: &batch.images[place(at, network.image())],
                    maps: &batch.maps[place(at, network.all_kept())],
                    out: &batch.out[refined.clone()],
                    gradient: &batch.gradient[refined],
                    sums: sums.as_mut(),
                    of_image: of_images.next(),
                    workspace,
                };
                run(self.isa, task);
            });
        }
        sums
    }
}

/// All images, their feature maps, results and the results' gradients.
struct Batch<'a> {
    images: &'a [f32],
    maps: &'a [f32],
    out: &'a [f32],
    gradient: &'a [f32],
}

impl Sums {
    /// Returns the gradients in the order of the flat parameters.
    fn flatten(&self, network: &Network, isa: Isa) -> Vec<f32> {
        let Network { features, body, .. } = network;
        let places = network.places();
        let mut flat = vec![0.0; network.parameters()];
        let stride = padded(*features);
        let taps = network.stem_taps();
        for (at, of_weight) in flat[places[0][0].clone()].iter_mut().enumerate() {
            *of_weight = self.stem[at % taps * stride + at / taps];
        }
        flat[places[0][1].clone()].copy_from_slice(&self.stem_bias[..*features]);
        for (sums, [weights, biases]) in self.body.iter().zip(&places[1..]) {
            body.flatten(isa, sums, &mut flat[weights.clone()], *features);
            flat[biases.clone()].copy_from_slice(&sums.bias[..*features]);
        }
        let [weights, biases] = &places[2 * network.blocks + 1];
        for (to, from) in
            flat[weights.clone()].chunks_exact_mut(*features).zip(self.head.chunks_exact(stride))
        {
            to.copy_from_slice(&from[..*features]);
        }
        flat[biases.clone()].copy_from_slice(&self.head_bias);
        flat
    }
}
