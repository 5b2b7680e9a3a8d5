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

    /// Words of a row of the framed image.
    pub(super) fn line(&self) -> usize {
        self.width() * self.words()
    }

    /// Words of the framed image.
    pub(super) fn length(&self) -> usize {
        self.height() * self.line()
    }

    /// The place of a pixel of the image, in words.
    pub(super) fn place(&self, [y, x]: [usize; 2]) -> usize {
        ((y + self.margin[0]) * self.width() + x + self.margin[1]) * self.words()
    }

    /// Draws `rows` of the framed image.
    #[inline(always)]
    pub(super) fn draw<S: Simd>(&self, simd: S, image: &[f32], rows: Range<usize>, out: &mut [f32]) {
        let ([height, width], words, side) = (self.size, self.words(), self.margin[1]);
        for (y, line) in rows.zip(out.chunks_exact_mut(self.line())) {
            let nearest = y.saturating_sub(self.margin[0]).min(height - 1);
            if self.border == Border::Zeros && nearest + self.margin[0] != y {
                line.fill(0.0);
                continue;
            }
            let inside = &mut line[side * words..(side + width) * words];
            let pixels = &image[nearest * width * self.channels..][..width * self.channels];
            pack(simd, pixels, self.channels, inside);
            self.draw_sides(line);
        }
    }

    /// Draws the border on both sides of a row whose pixels are there.
    pub(super) fn draw_sides(&self, line: &mut [f32]) {
        self.border.draw(line, self.words(), self.margin[1]);
    }

    /// Draws the border above and below the rows of an image, which are there with what is on their sides.
    pub(super) fn draw_ends(&self, framed: &mut [f32]) {
        self.border.draw(framed, self.line(), self.margin[0]);
    }
}

/// Some rows of a framed image, in words.
pub(super) trait Framed {
    fn frame(&self) -> Frame;

    /// Number of rows.
    fn height(&self) -> usize;

    /// Makes sure that the rows before row `end` are there.
    fn until<S: Simd>(&mut self, simd: S, end: usize);

    /// The words of all rows; of those that are not there yet, any.
    fn words(&self) -> &[f32];
}

/// Rows that are there.
#[derive(Clone, Copy)]
pub(super) struct Drawn<'a> {
    pub(super) frame: Frame,
    pub(super) words: &'a [f32],
}

impl Framed for Drawn<'_> {
    fn frame(&self) -> Frame {
        self.frame
    }

    fn height(&self) -> usize {
        self.words.len() / self.frame.line()
    }

    #[inline(always)]
    fn until<S: Simd>(&mut self, _simd: S, _end: usize) {}

    fn words(&self) -> &[f32] {
        self.words
    }
}

/// Rows that are drawn only as far as they are needed, so that they are in cache then.
pub(super) struct Drawing<'a> {
    frame: Frame,
    image: &'a [f32],
    rows: Range<usize>,
    drawn: usize,
    words: &'a mut Buffer,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(frame: Frame, image: &'a [f32], rows: Range<usize>, words: &'a mut Buffer) -> Self {
        assert_eq!(image.len(), frame.size[0] * frame.size[1] * frame.channels);
        words.resize(rows.len() * frame.line());
        Self { frame, image, rows, drawn: 0, words }
    }
}

impl Framed for Drawing<'_> {
    fn frame(&self) -> Frame {
        self.frame
    }

    fn height(&self) -> usize {
        self.rows.len()
    }

    #[inline(always)]
    fn until<S: Simd>(&mut self, simd: S, end: usize) {
        let (line, end) = (self.frame.line(), end.min(self.rows.len()));
        if self.drawn < end {
            let rows = self.rows.start + self.drawn..self.rows.start + end;
            self.frame.draw(simd, self.image, rows, &mut self.words[self.drawn * line..end * line]);
            self.drawn = end;
        }
    }

    fn words(&self) -> &[f32] {
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
