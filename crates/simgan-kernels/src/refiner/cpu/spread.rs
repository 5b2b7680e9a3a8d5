//! One image through the refiner with its rows of tiles spread over all threads, for batches of fewer images
//! than threads. The results equal those of [`Refine`](super::image::Refine).

use std::ops::Range;

use rayon::prelude::*;

use super::body::{Body, Scratch};
use super::image::{Head, Workspace};
use super::network::{Network, Prepared};
use super::stem;
use crate::simd::{Isa, Simd, Task, run};
use crate::spare::Spare;
use crate::winograd::{Finish, Residual};

/// Parts per thread into which a layer is split.
const PARTS: usize = 4;

/// Refines one image, `(I, H, W)`, to `(C, H, W)`.
pub(super) fn refine(isa: Isa, network: &Network, prepared: &Prepared, image: &[f32], out: &mut [f32]) {
    let length = network.maps();
    // Not the maps of this thread's workspace: while the thread waits for others it may take a part of the
    // layer itself, which borrows the workspace.
    let (mut features, mut inner) = (Spare::take(length), Spare::take(length));
    let (features, inner) = (&mut features[..length], &mut inner[..length]);
    Workspace::with(|Workspace { framed, .. }| {
        framed.draw(network, image);
        let (weight, bias) = (&prepared.stem[..], &prepared.biases[0][..]);
        run(isa, stem::Forward { network, framed, weight, bias, out: &mut *features });
    });
    for block in 0..network.blocks {
        convolve(isa, network, prepared, 2 * block, features, Residual::None, inner);
        convolve(isa, network, prepared, 2 * block + 1, inner, Residual::InPlace, features);
    }
    Workspace::with(|Workspace { head: partial, .. }| {
        run(isa, Head { network, prepared, features, partial, out });
    });
}

fn convolve(
    isa: Isa,
    network: &Network,
    prepared: &Prepared,
    layer: usize,
    image: &[f32],
    residual: Residual<'_>,
    out: &mut [f32],
) {
    let (body, factors) = (&network.body, (image, prepared.filters(layer)));
    let n_rows = body.rows().div_ceil(PARTS * rayon::current_num_threads());
    let finish = Finish { bias: &prepared.biases[layer + 1], residual, relu: true };
    out.par_chunks_mut(body.rows_out(&(0..n_rows))).enumerate().for_each(|(part, out)| {
        let rows = part * n_rows..((part + 1) * n_rows).min(body.rows());
        Workspace::with(|Workspace { scratch, .. }| {
            run(isa, Part { body, factors, finish, rows: (rows, out), scratch });
        });
    });
}

/// Computes some rows of a convolution.
struct Part<'a> {
    body: &'a Body,
    /// The image and the filters.
    factors: (&'a [f32], &'a [f32]),
    finish: Finish<'a>,
    /// Which rows, and where they go.
    rows: (Range<usize>, &'a mut [f32]),
    scratch: &'a mut Scratch,
}

impl Task for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.body.forward(simd, self.factors, self.finish, self.rows, self.scratch);
    }
}
