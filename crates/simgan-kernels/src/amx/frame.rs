//! Images with their borders, in words of two channels.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::geometry::Border;
use crate::simd::{Simd, padded};
use crate::words;

/// An image, channels last, and the border around it.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// Rows and columns of the image.
    pub(super) size: [usize; 2],
    pub(super) channels: usize,
    /// Rows above and below, and columns on both sides.
    pub(super) margin: [usize; 2],
    pub(super) border: Border,
}

impl Frame {
    /// Columns of the framed image.
    pub(super) fn width(&self) -> usize {
        self.size[1] + 2 * self.margin[1]
    }

    /// Words of a pixel, whose channels are padded.
    pub(super) fn words(&self) -> usize {
        padded(self.channels) / 2
    }

    /// Draws `rows` of the framed image.
    #[inline(always)]
    pub(super) fn draw<S: Simd>(&self, simd: S, image: &[f32], rows: Range<usize>, out: &mut Buffer) {
        let ([height, width], words, side) = (self.size, self.words(), self.margin[1]);
        let line = self.width() * words;
        assert_eq!(image.len(), height * width * self.channels);
        out.resize(rows.len() * line);
        for (y, line) in rows.zip(out.chunks_exact_mut(line)) {
            let nearest = y.saturating_sub(self.margin[0]).min(height - 1);
            if self.border == Border::Zeros && nearest + self.margin[0] != y {
                line.fill(0.0);
                continue;
            }
            let (before, rest) = line.split_at_mut(side * words);
            let (inside, after) = rest.split_at_mut(width * words);
            pack(
                simd,
                &image[nearest * width * self.channels..][..width * self.channels],
                self.channels,
                inside,
            );
            match self.border {
                Border::Zeros => {
                    before.fill(0.0);
                    after.fill(0.0);
                }
                Border::Replicate => {
                    before.chunks_exact_mut(words).for_each(|pixel| pixel.copy_from_slice(&inside[..words]));
                    let last = &inside[(width - 1) * words..];
                    after.chunks_exact_mut(words).for_each(|pixel| pixel.copy_from_slice(last));
                }
            }
        }
    }
}

/// Packs pixels into words, each into words of its own, padded with zeros.
#[inline(always)]
pub(super) fn pack<S: Simd>(simd: S, pixels: &[f32], channels: usize, out: &mut [f32]) {
    if channels == padded(channels) {
        words::fill_side_by_side(simd, pixels, out);
        return;
    }
    for (out, pixel) in out.chunks_exact_mut(padded(channels) / 2).zip(pixels.chunks_exact(channels)) {
        words::fill_side_by_side(simd, pixel, out);
    }
}
