//! The blocks on AMX's tiles, forward: from layer to layer go framed feature maps in words. What skips the blocks stays in `f32`, so that its errors do not add up.

use rayon::prelude::*;

use super::image::Workspace;
use super::network::{Network, Prepared};
use super::spread::PARTS;
use crate::amx::{self, Chained, Plan};
use crate::simd::{Isa, Simd, Task, run};
use crate::spare::Spare;

/// Takes the stem's features through all blocks. `maps` receives the feature maps of all layers, or only the latest
/// ones if there is room for two.
#[inline(always)]
pub(super) fn forward<S: Simd>(
    simd: S,
    (network, plan): (&Network, &Plan),
    prepared: &Prepared,
    features: &mut [f32],
    maps: &mut [f32],
    scratch: &mut amx::Scratch,
) {
    plan.draw_framed(simd, features, &mut maps[..plan.framed()]);
    for layer in 0..2 * network.blocks {
        let (image, out) = maps_of(plan, layer, maps);
        simd.run(Chained {
            plan,
            image,
            filters: prepared.filters(layer),
            bias: &prepared.biases[layer + 1],
            stream: (layer % 2 == 1).then_some(&mut *features),
            rows: 0..plan.size[0],
            out: plan.framed_rows(out),
            scratch,
        });
        plan.close_framed(out);
    }
}

/// Like [`forward`], with the rows of each layer spread over all threads.
pub(super) fn forward_spread(
    isa: Isa,
    (network, plan): (&Network, &Plan),
    prepared: &Prepared,
    features: &mut [f32],
) {
    let mut maps = Spare::take(2 * plan.framed());
    let maps = &mut maps[..2 * plan.framed()];
    run(isa, Draw { plan, features, framed: &mut maps[..plan.framed()] });
    let n_rows = plan.size[0].div_ceil(PARTS * rayon::current_num_threads());
    let line = plan.size[1] * plan.channels[1];
    for layer in 0..2 * network.blocks {
        let (image, out) = maps_of(plan, layer, maps);
        let of_parts = plan.framed_rows(out).par_chunks_mut(n_rows * plan.framed_line());
        let streams = features.par_chunks_mut(n_rows * line);
        of_parts.zip(streams).enumerate().for_each(|(part, (out, stream))| {
            let rows = part * n_rows..((part + 1) * n_rows).min(plan.size[0]);
            let (filters, bias) = (prepared.filters(layer), &prepared.biases[layer + 1][..]);
            let stream = (layer % 2 == 1).then_some(stream);
            Workspace::with(|Workspace { scratch, .. }| {
                let scratch = &mut scratch.amx;
                run(isa, Chained { plan, image, filters, bias, stream, rows, out, scratch });
            });
        });
        plan.close_framed(out);
    }
}

/// The maps that a layer takes and those that it makes, among as many as there is room for.
fn maps_of<'a>(plan: &Plan, layer: usize, maps: &'a mut [f32]) -> (&'a [f32], &'a mut [f32]) {
    let (size, count) = (plan.framed(), maps.len() / plan.framed());
    let (from, to) = (layer % count * size, (layer + 1) % count * size);
    let (low, high) = maps.split_at_mut(from.max(to));
    match from < to {
        true => (&low[from..from + size], &mut high[..size]),
        false => (&high[..size], &mut low[to..to + size]),
    }
}

/// Draws the framed features.
struct Draw<'a> {
    plan: &'a Plan,
    features: &'a [f32],
    framed: &'a mut [f32],
}

impl Task for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.plan.draw_framed(simd, self.features, self.framed);
    }
}
