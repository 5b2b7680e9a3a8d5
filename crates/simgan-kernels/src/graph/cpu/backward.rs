//! The backward pass.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::Operation;
use super::forward::{BUFFERS, Layers, Trace, schedule};
use super::network::{Kind, Network, Norm, Step};
use crate::batch_norm::cpu::{Channels, Pass};
use crate::conv2d::cpu::layer::{Known, Layer, Sums};
use crate::graph::slots::Slots;
use crate::groups::sum_over_groups;
use crate::max_pool2d::cpu::MaxPool;
use crate::pass_on::PassOn;
use crate::simd::{Isa, run};
use crate::spare::Spare;
use crate::upsample::cpu::Backward;
use crate::winograd::Direction;

/// Elements that a thread takes at a time.
const CHUNK: usize = 1 << 14;

thread_local! {
    /// The gradient of an image that is to be added to others.
    static OF_IMAGE: RefCell<Vec<f32>> = RefCell::default();
}

/// Where the gradient of a value goes; `None` if nobody wants it.
struct Target<'a> {
    place: Option<&'a mut [f32]>,
    /// Whether it holds the gradient of another use, to add to.
    written: bool,
}

impl Operation {
    /// Returns the gradients of the images and of the parameters, each empty if unwanted.
    pub(super) fn backward(
        &self,
        images: &[f32],
        parameters: &[f32],
        trace: &Trace,
        gradient: &[f32],
        [wants_images, wants_parameters]: [bool; 2],
    ) -> (Vec<f32>, Vec<f32>) {
        let network = &self.network;
        let mut layers = Layers::new(self, parameters, Direction::Backward);
        let values = Values::new(network, images, trace);
        let (slots, slot_of) = gradient_schedule(network);
        let mut memory = Spare::take(slots.total());
        let mut places = slots.split(&mut memory);
        let mut of_images = vec![0.0; if wants_images { images.len() } else { 0 }];
        let mut of_parameters = vec![0.0; if wants_parameters { parameters.len() } else { 0 }];
        let mut written = vec![false; network.values.len()];
        for (number, step) in network.steps.iter().enumerate().rev() {
            let Some(slot) = slot_of[number + 1] else { continue };
            let place = std::mem::take(&mut places[slot]);
            let of_result = &mut place[..network.size(number + 1)];
            let add_to = Target { place: Some(&mut *of_result), written: written[number + 1] };
            add_result(self.isa, network, number + 1, gradient, add_to);
            let of_result = &*of_result;
            let out = values.get(number + 1);
            if let Some(add) = step.add {
                let mask = matches!(&step.kind, Kind::Conv(geometry) if geometry.options.relu).then_some(out);
                let of_add = target(network, &mut places, &slot_of, &mut of_images, add);
                pass_on(self.isa, of_result, mask, Target { place: of_add, written: written[add] });
                written[add] = true;
            }
            let of_input = target(network, &mut places, &slot_of, &mut of_images, step.input);
            let of_input = Target { place: of_input, written: written[step.input] };
            let own = &parameters[step.parameters.clone()];
            let known = Known { image: values.get(step.input), out, gradient: of_result };
            let flat = match &step.kind {
                Kind::Conv(_) => self.of_conv(step, layers.get(number), known, of_input, wants_parameters),
                Kind::Norm(norm) => self.of_norm(norm, own, &trace.statistics, known, of_input),
                Kind::Pool(pool) => of_pool(self.isa, pool, known, of_input),
                Kind::Double => self.of_double(step, known, of_input),
            };
            if wants_parameters {
                of_parameters[step.parameters.clone()].copy_from_slice(&flat);
            }
            written[step.input] = true;
            places[slot] = place;
        }
        (of_images, of_parameters)
    }

    /// Writes the gradient of a convolution's input and returns that of its parameters.
    fn of_conv(
        &self,
        step: &Step,
        layer: &Layer,
        known: Known<'_>,
        target: Target<'_>,
        wants_parameters: bool,
    ) -> Vec<f32> {
        let image = self.network.image(step.input);
        let size = known.out.len() / self.network.images;
        let Target { place, written } = target;
        let of_group = |images: Range<usize>, of_images: &mut [f32]| {
            let mut sums = wants_parameters.then(|| layer.zeros());
            let mut of_images = of_images.chunks_exact_mut(image);
            for at in images {
                let known = Known {
                    image: &known.image[at * image..][..image],
                    out: &known.out[at * size..][..size],
                    gradient: &known.gradient[at * size..][..size],
                };
                let of_image = of_images.next();
                BUFFERS.with_borrow_mut(|buffers| match of_image {
                    Some(of_image) if written => OF_IMAGE.with_borrow_mut(|alone| {
                        alone.resize(image, 0.0);
                        layer.backward(known, sums.as_mut(), Some(alone), buffers);
                        run(self.isa, PassOn::sum(of_image, alone));
                    }),
                    _ => layer.backward(known, sums.as_mut(), of_image, buffers),
                });
            }
            sums
        };
        let add = |sums: &mut Option<Sums>, other| Sums::add_wanted(sums, other, self.isa);
        let place = place.unwrap_or_default();
        let sums = sum_over_groups(self.network.images, place, image, of_group, add);
        let mut flat = Vec::new();
        if let Some(sums) = sums.flatten() {
            layer.flatten(&sums, &mut flat);
        }
        flat
    }

    fn of_norm(
        &self,
        norm: &Norm,
        parameters: &[f32],
        statistics: &[[Vec<f32>; 2]],
        known: Known<'_>,
        target: Target<'_>,
    ) -> Vec<f32> {
        let (weight, bias) = parameters.split_at(parameters.len() / 2);
        let [mean, variance] = &statistics[norm.number];
        let channels = Channels::new(mean, variance, weight, bias);
        let pass = Pass { input: known.image, gradient: known.gradient, relu: norm.relu };
        let of_input = target.place.map(|place| (place, !target.written));
        let [mut of_weight, of_bias] = channels.backward(self.isa, &pass, of_input, self.network.train);
        of_weight.extend(of_bias);
        of_weight
    }

    fn of_double(&self, step: &Step, known: Known<'_>, target: Target<'_>) -> Vec<f32> {
        let [channels, _, width] = self.network.values[step.input];
        let image = self.network.image(step.input);
        if let Some(place) = target.place {
            let work = place.par_chunks_mut(image).zip(known.gradient.par_chunks(4 * image));
            work.for_each(|(of_image, gradient)| {
                clear_unless(target.written, of_image);
                run(self.isa, Backward { width, channels, gradient, of_image });
            });
        }
        Vec::new()
    }
}

fn of_pool(isa: Isa, pool: &MaxPool, known: Known<'_>, target: Target<'_>) -> Vec<f32> {
    if let Some(place) = target.place {
        let (image, size) = (pool.0.image_in(), pool.0.image_out());
        let work = known.image.par_chunks(image).zip(known.gradient.par_chunks(size));
        work.zip(place.par_chunks_mut(image)).for_each(|((image, gradient), of_image)| {
            clear_unless(target.written, of_image);
            pool.of_image(isa, image, gradient, of_image);
        });
    }
    Vec::new()
}

fn clear_unless(written: bool, place: &mut [f32]) {
    if !written {
        place.fill(0.0);
    }
}

/// The values of a forward pass.
struct Values<'a> {
    network: &'a Network,
    images: &'a [f32],
    memory: &'a [f32],
    starts: Vec<usize>,
}

impl<'a> Values<'a> {
    fn new(network: &'a Network, images: &'a [f32], trace: &'a Trace) -> Self {
        let (slots, slot_of) = schedule(network, true);
        let starts = slot_of.iter().map(|&slot| slots.sizes[..slot].iter().sum()).collect();
        Self { network, images, memory: &trace.memory, starts }
    }

    fn get(&self, value: usize) -> &'a [f32] {
        match value {
            0 => self.images,
            _ => &self.memory[self.starts[value - 1]..][..self.network.size(value)],
        }
    }
}

/// Assigns a slot to the gradient of each value that leads to a result; the images' gradient has its own
/// memory.
fn gradient_schedule(network: &Network) -> (Slots, Vec<Option<usize>>) {
    let (mut slots, mut slot_of) = (Slots::default(), vec![None; network.values.len()]);
    for (number, step) in network.steps.iter().enumerate().rev() {
        let value = number + 1;
        if network.results.contains(&value) && slot_of[value].is_none() {
            slot_of[value] = Some(slots.take(network.size(value)));
        }
        let Some(slot) = slot_of[value] else { continue };
        for value in [step.input].into_iter().chain(step.add).filter(|&value| value > 0) {
            if slot_of[value].is_none() {
                slot_of[value] = Some(slots.take(network.size(value)));
            }
        }
        slots.release(slot);
    }
    (slots, slot_of)
}

/// The place of a value's gradient; `None` if it is the images' and unwanted.
fn target<'a>(
    network: &Network,
    places: &'a mut [&mut [f32]],
    slot_of: &[Option<usize>],
    of_images: &'a mut [f32],
    value: usize,
) -> Option<&'a mut [f32]> {
    match slot_of[value] {
        Some(slot) => Some(&mut places[slot][..network.size(value)]),
        None if of_images.is_empty() => None,
        None => Some(of_images),
    }
}

/// Adds the gradients of a value's places among the results, which start from `gradient`.
fn add_result(isa: Isa, network: &Network, value: usize, gradient: &[f32], target: Target<'_>) {
    let Target { place, mut written } = target;
    let Some(place) = place else { return };
    let mut start = 0;
    for &result in &network.results {
        let end = start + network.size(result);
        if result == value {
            pass_on(isa, &gradient[start..end], None, Target { place: Some(&mut *place), written });
            written = true;
        }
        start = end;
    }
}

/// Passes a gradient on unchanged, except where `mask`, the result of a ReLU, is 0.
fn pass_on(isa: Isa, gradient: &[f32], mask: Option<&[f32]>, target: Target<'_>) {
    let Some(place) = target.place else { return };
    let work = place.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
    work.enumerate().for_each(|(at, (to, gradient))| {
        let mask = mask.map(|mask| &mask[at * CHUNK..][..to.len()]);
        run(isa, PassOn { gradient, mask, to, adds: target.written });
    });
}
