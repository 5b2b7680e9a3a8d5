//! Splits a batch into groups of images, each with its own gradient sums.

use std::ops::Range;

use rayon::prelude::*;

/// Maximum number of groups. A constant, so that the order of summation, and with it the result, does not
/// depend on the number of threads.
const GROUPS: usize = 16;

/// Calls `f` with each group's range of images and its part of `of_images`, which holds `image` elements for
/// each of `n_images`, or is empty. Groups run in parallel; the results come in group order.
pub(crate) fn in_groups<T: Send, R: Send>(
    n_images: usize,
    of_images: &mut [T],
    image: usize,
    f: impl Fn(Range<usize>, &mut [T]) -> R + Sync,
) -> Vec<R> {
    let per_group = n_images.div_ceil(GROUPS).max(1);
    let mut parts: Vec<&mut [T]> = of_images.chunks_mut(per_group * image).collect();
    // An empty `of_images` has no chunks: every group then gets an empty part.
    parts.resize_with(n_images.div_ceil(per_group), Default::default);
    let of_group = |(group, part): (usize, &mut [T])| {
        f(group * per_group..((group + 1) * per_group).min(n_images), part)
    };
    parts.into_par_iter().enumerate().map(of_group).collect()
}
