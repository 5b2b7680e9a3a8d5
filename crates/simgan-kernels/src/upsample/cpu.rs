//! Doubling of one image on the CPU, channels last.

use crate::simd::{Simd, Task};

/// Writes the doubled image, plus `add` if given.
pub(crate) struct Forward<'a> {
    /// Columns and channels of the image.
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) image: &'a [f32],
    pub(crate) add: Option<&'a [f32]>,
    pub(crate) out: &'a mut [f32],
}

impl Task for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { width, channels, image, add, out } = self;
        let line = 2 * width * channels;
        for (row, out) in out.chunks_exact_mut(line).enumerate() {
            let source = &image[row / 2 * width * channels..][..width * channels];
            for (pair, pixel) in out.chunks_exact_mut(2 * channels).zip(source.chunks_exact(channels)) {
                for out in pair.chunks_exact_mut(channels) {
                    out.copy_from_slice(pixel);
                }
            }
            if let Some(add) = add {
                let add = &add[row * line..][..line];
                out.iter_mut().zip(add).for_each(|(out, &add)| *out += add);
            }
        }
    }
}

/// Adds the gradient of the doubled image to that of the image.
pub(crate) struct Backward<'a> {
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) gradient: &'a [f32],
    pub(crate) of_image: &'a mut [f32],
}

impl Task for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { width, channels, gradient, of_image } = self;
        let line = 2 * width * channels;
        for (row, gradient) in gradient.chunks_exact(line).enumerate() {
            let of_line = &mut of_image[row / 2 * width * channels..][..width * channels];
            for (sum, pair) in of_line.chunks_exact_mut(channels).zip(gradient.chunks_exact(2 * channels)) {
                let (left, right) = pair.split_at(channels);
                for (sum, (left, right)) in sum.iter_mut().zip(left.iter().zip(right)) {
                    *sum += left + right;
                }
            }
        }
    }
}
