//! A batch dealt into groups of images, each with its own sums of gradients.

use std::ops::Range;

use rayon::prelude::*;

/// The most groups, whatever the number of threads: the order of summation, and so the result, does not depend on it.
const GROUPS: usize = 16;

/// Calls `f` with the images of each group and its part of `of_images`, which holds `image` elements for each of `n_images`, or nothing.
/// Groups are worked on in parallel; what `f` returns comes in their order.
pub(crate) fn in_groups<T: Send, R: Send>(
    n_images: usize,
    of_images: &mut [T],
    image: usize,
    f: impl Fn(Range<usize>, &mut [T]) -> R + Sync,
) -> Vec<R> {
    let per_group = n_images.div_ceil(GROUPS).max(1);
    let mut parts: Vec<&mut [T]> = of_images.chunks_mut(per_group * image).collect();
    parts.resize_with(n_images.div_ceil(per_group), Default::default);
    let of_group = |(group, part): (usize, &mut [T])| {
        f(group * per_group..((group + 1) * per_group).min(n_images), part)
    };
    parts.into_par_iter().enumerate().map(of_group).collect()
}
