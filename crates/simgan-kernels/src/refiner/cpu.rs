//! The refiner on the CPU as an operation of candle's autograd: one thread takes an image through all layers.

mod body;
mod chain;
mod image;
mod network;
mod spread;
mod stem;

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use self::image::{Differentiate, Refine, Sums, Workspace};
use self::network::{Network, Prepared};
use super::RefinerLayers;
use crate::geometry::Border;
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
        let descent = Descent {
            refiner: self,
            prepared: &prepared,
            // Depends on the batch size alone, so that the order of summation, and with it the result, does
            // not depend on the number of threads.
            share: (self.network.images / 16).clamp(1, 8),
            wants_parameters,
        };
        let of_parameters = descent.of_batch(batch, &mut of_images);
        (wants_images.then_some(of_images), wants_parameters.then_some(of_parameters))
    }
}

/// Some images, their feature maps, results and the results' gradients.
struct Batch<'a> {
    images: &'a [f32],
    maps: &'a [f32],
    out: &'a [f32],
    gradient: &'a [f32],
}

impl Batch<'_> {
    fn split(&self, network: &Network, at: usize) -> [Self; 2] {
        let images = self.images.split_at(at * network.image());
        let maps = self.maps.split_at(at * network.all_kept());
        let refined = at * network.refined();
        let (out, gradient) = (self.out.split_at(refined), self.gradient.split_at(refined));
        [
            Self { images: images.0, maps: maps.0, out: out.0, gradient: gradient.0 },
            Self { images: images.1, maps: maps.1, out: out.1, gradient: gradient.1 },
        ]
    }
}

/// The backward pass: halves the batch until a share is left, and adds the sums of gradients on the way back.
struct Descent<'a> {
    refiner: &'a Refiner,
    prepared: &'a Prepared,
    share: usize,
    wants_parameters: bool,
}

impl Descent<'_> {
    /// Writes the gradients of the images unless `of_images` is empty; returns those of the parameters, empty
    /// if unwanted.
    fn of_batch(&self, batch: &Batch<'_>, of_images: &mut [f32]) -> Vec<f32> {
        let network = &self.refiner.network;
        let n = batch.images.len() / network.image();
        if n <= self.share {
            return self.of_share(batch, of_images);
        }
        // The first half is a whole number of shares, so that only the last share can be smaller.
        let at = n.div_ceil(self.share).div_ceil(2) * self.share;
        let [first, second] = batch.split(network, at);
        let (of_first, of_second) = of_images.split_at_mut((at * network.image()).min(of_images.len()));
        let (mut sum, other) =
            rayon::join(|| self.of_batch(&first, of_first), || self.of_batch(&second, of_second));
        for (sum, other) in sum.iter_mut().zip(other) {
            *sum += other;
        }
        sum
    }

    fn of_share(&self, batch: &Batch<'_>, of_images: &mut [f32]) -> Vec<f32> {
        let network = &self.refiner.network;
        let mut of_images = of_images.chunks_exact_mut(network.image());
        let mut sums = self.wants_parameters.then(|| Sums::take(network));
        let place = |at: usize, size: usize| at * size..(at + 1) * size;
        for (at, maps) in batch.maps.chunks_exact(network.all_kept()).enumerate() {
            let refined = place(at, network.refined());
            Workspace::with(|workspace| {
                let task = Differentiate {
                    network,
                    prepared: self.prepared,
                    image: &batch.images[place(at, network.image())],
                    maps,
                    out: &batch.out[refined.clone()],
                    gradient: &batch.gradient[refined],
                    sums: sums.as_mut(),
                    of_image: of_images.next(),
                    workspace,
                };
                run(self.refiner.isa, task);
            });
        }
        sums.map_or_else(Vec::new, |sums| sums.into_flat(network, self.refiner.isa))
    }
}

thread_local! {
    /// The sums that this thread used last: several megabytes that need not be allocated again.
    static SPARE_SUMS: RefCell<Option<(Network, Sums)>> = const { RefCell::new(None) };
}

impl Sums {
    fn take(network: &Network) -> Self {
        match SPARE_SUMS.take() {
            Some((of, mut sums)) if of.same_parameters(network) => {
                sums.clear();
                sums
            }
            _ => Self::zeros(network),
        }
    }

    /// Returns the gradients in the order of the flat parameters and keeps the sums for this thread's next
    /// share.
    fn into_flat(self, network: &Network, isa: Isa) -> Vec<f32> {
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
        SPARE_SUMS.set(Some((*network, self)));
        flat
    }
}
