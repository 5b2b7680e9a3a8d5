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

    /// Rows of the framed image.
    pub(super) fn height(&self) -> usize {
        self.size[0] + 2 * self.margin[0]
    }

    /// Draws `rows` of the framed image.
    #[inline(always)]
    fn draw<S: Simd>(&self, simd: S, image: &[f32], rows: Range<usize>, out: &mut [f32]) {
        let ([height, width], words, side) = (self.size, self.words(), self.margin[1]);
        for (y, line) in rows.zip(out.chunks_exact_mut(self.width() * words)) {
            let nearest = y.saturating_sub(self.margin[0]).min(height - 1);
            if self.border == Border::Zeros && nearest + self.margin[0] != y {
                line.fill(0.0);
                continue;
            }
            let (before, rest) = line.split_at_mut(side * words);
            let (inside, after) = rest.split_at_mut(width * words);
            let line = &image[nearest * width * self.channels..][..width * self.channels];
            pack(simd, line, self.channels, inside);
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

/// Some rows of a framed image, drawn only as far as they are needed, so that they are in cache then.
pub(super) struct Drawing<'a> {
    pub(super) frame: Frame,
    image: &'a [f32],
    rows: Range<usize>,
    drawn: usize,
    words: &'a mut Buffer,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(frame: Frame, image: &'a [f32], rows: Range<usize>, words: &'a mut Buffer) -> Self {
        assert_eq!(image.len(), frame.size[0] * frame.size[1] * frame.channels);
        words.resize(rows.len() * frame.width() * frame.words());
        Self { frame, image, rows, drawn: 0, words }
    }

    /// Number of rows.
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Draws the rows that precede row `end` and are not drawn yet.
    #[inline(always)]
    pub(super) fn until<S: Simd>(&mut self, simd: S, end: usize) {
        let (line, end) = (self.frame.width() * self.frame.words(), end.min(self.rows.len()));
        if self.drawn < end {
            let rows = self.rows.start + self.drawn..self.rows.start + end;
            self.frame.draw(simd, self.image, rows, &mut self.words[self.drawn * line..end * line]);
            self.drawn = end;
        }
    }

    /// The words of all rows; of those that are not drawn, any.
    pub(super) fn words(&self) -> &[f32] {
        self.words
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
