//! Splits a batch into groups of images, each with its own gradient sums, and adds these up.

use std::ops::Range;

/// Maximum number of groups. A constant, so that the order of summation, and with it the result, does not
/// depend on the number of threads.
const GROUPS: usize = 16;

/// [`sum_over_groups_of`] at most [`GROUPS`].
pub(crate) fn sum_over_groups<T: Send, R: Send>(
    n_images: usize,
    of_images: &mut [T],
    image: usize,
    of_group: impl Fn(Range<usize>, &mut [T]) -> R + Sync,
    add: impl Fn(&mut R, R) + Sync,
) -> Option<R> {
    sum_over_groups_of(n_images.div_ceil(GROUPS), n_images, of_images, image, of_group, add)
}

/// Calls `of_group` with each group's range of images, `per_group` or what is left, and its part of `of_images`, which
/// holds `image` elements for each of `n_images`, or is empty. Groups run in parallel. Adds their results in pairs, and
/// pairs of pairs, so that few of them exist at a time; `None` if there are no images.
pub(crate) fn sum_over_groups_of<T: Send, R: Send>(
    per_group: usize,
    n_images: usize,
    of_images: &mut [T],
    image: usize,
    of_group: impl Fn(Range<usize>, &mut [T]) -> R + Sync,
    add: impl Fn(&mut R, R) + Sync,
) -> Option<R> {
    let groups = Groups { n_images, per_group, image, of_group, add };
    (n_images > 0).then(|| groups.sum(0..n_images.div_ceil(per_group), of_images))
}

struct Groups<F, A> {
    n_images: usize,
    per_group: usize,
    image: usize,
    of_group: F,
    add: A,
}

impl<F, A> Groups<F, A> {
    fn sum<T, R>(&self, groups: Range<usize>, of_images: &mut [T]) -> R
    where
        T: Send,
        R: Send,
        F: Fn(Range<usize>, &mut [T]) -> R + Sync,
        A: Fn(&mut R, R) + Sync,
    {
        if groups.len() == 1 {
            let images = groups.start * self.per_group..(groups.end * self.per_group).min(self.n_images);
            return (self.of_group)(images, of_images);
        }
        let first = groups.len().div_ceil(2);
        let middle = groups.start + first;
        let (of_first, of_second) =
            of_images.split_at_mut((first * self.per_group * self.image).min(of_images.len()));
        let (mut sum, other) = rayon::join(
            || self.sum(groups.start..middle, of_first),
            || self.sum(middle..groups.end, of_second),
        );
        (self.add)(&mut sum, other);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_in_one_group_with_its_own_part() {
        for n_images in [0, 1, 2, 15, 16, 17, 33, 100] {
            for image in [0, 3] {
                let mut of_images = vec![0; n_images * image];
                let of_group = |images: Range<usize>, part: &mut [usize]| {
                    assert_eq!(part.len(), images.len() * image);
                    part.iter_mut().zip(images.start * image..).for_each(|(part, at)| *part = at);
                    images.collect::<Vec<_>>()
                };
                let all = sum_over_groups(n_images, &mut of_images, image, of_group, |sum, other| {
                    sum.extend(other);
                });
                assert_eq!(all.unwrap_or_default(), (0..n_images).collect::<Vec<_>>());
                assert_eq!(of_images, (0..n_images * image).collect::<Vec<_>>());
                // Nobody wants the gradient of the images.
                let of_group = |images: Range<usize>, part: &mut [usize]| images.len() + part.len();
                let all = sum_over_groups(n_images, &mut [], image, of_group, |sum, other| *sum += other);
                assert_eq!(all.unwrap_or_default(), n_images);
            }
        }
    }
}
