//! The forward pass.

use std::cell::RefCell;

use rayon::prelude::*;

use super::Operation;
use super::network::{Kind, Network, Norm, Step};
use crate::batch_norm::cpu::{Channels, statistics};
use crate::conv2d::cpu::layer::{Buffers, Layer};
use crate::graph::slots::Slots;
use crate::simd::run;
use crate::spare::Spare;
use crate::upsample::cpu::Forward;
use crate::winograd::Direction;

thread_local! {
    pub(super) static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// The values of a forward pass, each in a slot of its own if they are kept for a backward pass.
pub(super) struct Trace {
    pub(super) memory: Spare,
    /// Mean and biased variance that each normalisation used.
    pub(super) statistics: Vec<[Vec<f32>; 2]>,
}

impl Operation {
    /// Returns the results, one after the other, and the values; these are complete only if `keep`.
    pub(super) fn forward(&self, images: &[f32], parameters: &[f32], keep: bool) -> (Vec<f32>, Trace) {
        let network = &self.network;
        let mut layers = Layers::new(self, parameters, Direction::Forward);
        let (slots, slot_of) = schedule(network, keep);
        let mut memory = Spare::take(slots.total());
        let mut out = vec![0.0; network.results.iter().map(|&result| network.size(result)).sum()];
        let mut used = Vec::new();
        let mut places = slots.split(&mut memory);
        for (number, step) in network.steps.iter().enumerate() {
            // Taken out, so that the others can be read while it is written.
            let place = std::mem::take(&mut places[slot_of[number]]);
            let result = &mut place[..network.size(number + 1)];
            let value = |value: usize| match value {
                0 => images,
                _ => &places[slot_of[value - 1]][..network.size(value)],
            };
            let (input, add) = (value(step.input), step.add.map(value));
            match &step.kind {
                Kind::Conv(_) => self.conv(step, layers.get(number), input, add, result),
                Kind::Norm(norm) => {
                    let own = &parameters[step.parameters.clone()];
                    used.push(self.norm(norm, own, input, result));
                }
                Kind::Pool(pool) => {
                    let work = input.par_chunks(pool.0.image_in());
                    work.zip(result.par_chunks_mut(pool.0.image_out()))
                        .for_each(|(input, out)| pool.image(self.isa, input, out));
                }
                Kind::Double => self.double(step, input, add, result),
            }
            copy_result(network, number + 1, result, &mut out);
            places[slot_of[number]] = place;
        }
        (out, Trace { memory, statistics: used })
    }

    fn conv(&self, step: &Step, layer: &Layer, input: &[f32], add: Option<&[f32]>, result: &mut [f32]) {
        let image = self.network.image(step.input);
        let size = result.len() / self.network.images;
        let work = input.par_chunks_exact(image).zip(result.par_chunks_exact_mut(size)).enumerate();
        work.for_each(|(at, (image, out))| {
            let add = add.map(|add| &add[at * size..][..size]);
            BUFFERS.with_borrow_mut(|buffers| layer.forward(image, add, out, buffers));
        });
    }

    /// Normalises; returns the mean and biased variance it used.
    fn norm(&self, norm: &Norm, parameters: &[f32], input: &[f32], result: &mut [f32]) -> [Vec<f32>; 2] {
        let (weight, bias) = parameters.split_at(parameters.len() / 2);
        let [mean, variance] = match self.network.train {
            true => statistics(self.isa, input, weight.len()),
            false => norm.running.clone(),
        };
        Channels::new(&mean, &variance, weight, bias).forward(self.isa, input, norm.relu, result);
        [mean, variance]
    }

    fn double(&self, step: &Step, input: &[f32], add: Option<&[f32]>, result: &mut [f32]) {
        let [channels, _, width] = self.network.values[step.input];
        let (size, line) = (result.len() / self.network.images, 2 * width * channels);
        debug_assert_eq!(size % line, 0);
        let work = input.par_chunks_exact(size / 4).zip(result.par_chunks_exact_mut(size)).enumerate();
        work.for_each(|(at, (image, out))| {
            let add = add.map(|add| &add[at * size..][..size]);
            run(self.isa, Forward { width, channels, image, add, out });
        });
    }
}

/// The convolutions with their weights prepared, some nodes ahead: in parallel, but never so many that their
/// memory is returned to the system and fetched again at each call.
pub(super) struct Layers<'a> {
    operation: &'a Operation,
    parameters: &'a [f32],
    direction: Direction,
    /// The first node that is prepared, and the layers from there on; `None` for nodes of other kinds.
    first: usize,
    ready: Vec<Option<Layer>>,
}

/// Nodes prepared at a time.
const AHEAD: usize = 12;

impl<'a> Layers<'a> {
    pub(super) fn new(operation: &'a Operation, parameters: &'a [f32], direction: Direction) -> Self {
        Self { operation, parameters, direction, first: 0, ready: Vec::new() }
    }

    /// Returns the layer of a node, which is a convolution.
    pub(super) fn get(&mut self, number: usize) -> &Layer {
        let at = number.wrapping_sub(self.first);
        if self.ready.get(at).is_none_or(Option::is_none) {
            self.first = number / AHEAD * AHEAD;
            self.ready.clear();
            let steps = &self.operation.network.steps[self.first..];
            let steps = &steps[..AHEAD.min(steps.len())];
            self.ready = steps.par_iter().map(|step| self.layer(step)).collect();
        }
        match &self.ready[number - self.first] {
            Some(layer) => layer,
            None => unreachable!("only convolutions have layers"),
        }
    }

    fn layer(&self, step: &Step) -> Option<Layer> {
        match &step.kind {
            Kind::Conv(geometry) => {
                let own = &self.parameters[step.parameters.clone()];
                Some(Layer::new(geometry, self.operation.isa, own, self.direction))
            }
            Kind::Norm(_) | Kind::Pool(_) | Kind::Double => None,
        }
    }
}

/// Assigns a slot to each node's result: its own if values are kept, otherwise one that is free again after
/// its last use.
pub(super) fn schedule(network: &Network, keep: bool) -> (Slots, Vec<usize>) {
    let mut last_use: Vec<usize> = (0..network.steps.len()).collect();
    for (number, step) in network.steps.iter().enumerate() {
        for value in [step.input].into_iter().chain(step.add).filter(|&value| value > 0) {
            last_use[value - 1] = number;
        }
    }
    let (mut slots, mut slot_of) = (Slots::default(), Vec::with_capacity(network.steps.len()));
    for number in 0..network.steps.len() {
        slot_of.push(slots.take(network.size(number + 1)));
        for value in (0..=number).filter(|&value| !keep && last_use[value] == number) {
            slots.release(slot_of[value]);
        }
    }
    (slots, slot_of)
}

/// Copies a value to its places among the results.
fn copy_result(network: &Network, value: usize, values: &[f32], out: &mut [f32]) {
    let mut start = 0;
    for &result in &network.results {
        let end = start + network.size(result);
        if result == value {
            out[start..end].copy_from_slice(values);
        }
        start = end;
    }
}
