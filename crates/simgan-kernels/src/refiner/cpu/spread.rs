//! One image through the refiner with the rows of its feature maps, or of their tiles, spread over all threads, for batches of fewer images
//! than threads. The results equal those of [`Refine`](super::image::Refine).

use rayon::prelude::*;

use super::body::Body;
use super::chain;
use super::image::{Head, Workspace};
use super::network::{Network, Prepared};
use super::stem;
use crate::simd::{Isa, run};
use crate::spare::Spare;
use crate::winograd::{Finish, Forward, Plan, Residual};

/// Parts per thread into which a layer is split.
pub(super) const PARTS: usize = 4;

/// Refines one image, `(I, H, W)`, to `(C, H, W)`.
pub(super) fn refine(isa: Isa, network: &Network, prepared: &Prepared, image: &[f32], out: &mut [f32]) {
    let length = network.maps();
    // Not the maps of this thread's workspace: while the thread waits for others it may take a part of the
    // layer itself, which borrows the workspace.
    let mut features = Spare::take(length);
    let features = &mut features[..length];
    Workspace::with(|Workspace { framed, .. }| {
        framed.draw(network, image);
        let (weight, bias) = (&prepared.stem[..], &prepared.biases[0][..]);
        run(isa, stem::Forward { network, framed, weight, bias, out: &mut *features });
    });
    match &network.body {
        Body::Amx(plan) => chain::forward_spread(isa, (network, plan), prepared, features),
        Body::Winograd(plan) => {
            let mut inner = Spare::take(length);
            let inner = &mut inner[..length];
            for block in 0..network.blocks {
                convolve(isa, plan, prepared, 2 * block, features, Residual::None, inner);
                convolve(isa, plan, prepared, 2 * block + 1, inner, Residual::InPlace, features);
            }
        }
    }
    Workspace::with(|Workspace { head: partial, .. }| {
        run(isa, Head { network, prepared, features, partial, out });
    });
}

fn convolve(
    isa: Isa,
    plan: &Plan,
    prepared: &Prepared,
    layer: usize,
    image: &[f32],
    residual: Residual<'_>,
    out: &mut [f32],
) {
    let filters = prepared.filters(layer);
    let n_rows = plan.tiles[0].div_ceil(PARTS * rayon::current_num_threads());
    let finish = Finish { bias: &prepared.biases[layer + 1], residual, relu: true };
    out.par_chunks_mut(plan.rows_out(&(0..n_rows))).enumerate().for_each(|(part, out)| {
        let rows = part * n_rows..((part + 1) * n_rows).min(plan.tiles[0]);
        Workspace::with(|Workspace { scratch, .. }| {
            let scratch = &mut scratch.winograd;
            run(isa, Forward { plan, image, filters, finish, rows, out, scratch });
        });
    });
}
