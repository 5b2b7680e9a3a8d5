//! Convolutions that follow each other: images and results are framed and in words, so that no layer draws what the one
//! before it wrote, and memory holds and moves half as much.

use std::ops::Range;

use super::convolution::{Plan, Scratch, convolve};
use super::ending::write_words;
use super::frame::Drawn;
use crate::simd::{Simd, Task};
use crate::winograd::Direction;
use crate::words;

impl Plan {
    /// Words of a framed image.
    pub(crate) fn framed(&self) -> usize {
        self.frame().length()
    }

    /// Words of a row of a framed image.
    pub(crate) fn framed_line(&self) -> usize {
        self.frame().line()
    }

    /// The rows of a framed image without the border above and below.
    pub(crate) fn framed_rows<'a>(&self, framed: &'a mut [f32]) -> &'a mut [f32] {
        let margin = self.padding * self.framed_line();
        let end = framed.len() - margin;
        &mut framed[margin..end]
    }

    /// Draws an image, channels last, and its border.
    #[inline(always)]
    pub(crate) fn draw_framed<S: Simd>(&self, simd: S, image: &[f32], framed: &mut [f32]) {
        let frame = self.frame();
        assert_eq!((image.len(), framed.len()), (self.image_in(), frame.length()));
        frame.draw(simd, image, 0..frame.height(), framed);
    }

    /// Draws the border above and below the rows of an image that [`Chained`] wrote.
    pub(crate) fn close_framed(&self, framed: &mut [f32]) {
        self.frame().draw_ends(framed);
    }

    /// Writes the numbers of a framed image without its border, channels last.
    #[inline(always)]
    pub(crate) fn unframe<S: Simd>(&self, simd: S, framed: &[f32], image: &mut [f32]) {
        let (frame, line) = (self.frame(), self.size[1] * self.channels[0]);
        assert_eq!((image.len(), framed.len()), (self.image_in(), frame.length()));
        for (y, out) in image.chunks_exact_mut(line).enumerate() {
            words::unpack(simd, &framed[frame.place([y, 0])..][..line / 2], out);
        }
    }
}

/// Computes `relu(convolution + bias + stream)` for some rows of a convolution whose result is as large as its image.
/// Channels fill whole vectors.
pub(crate) struct Chained<'a> {
    pub(crate) plan: &'a Plan,
    /// The whole framed image.
    pub(crate) image: &'a [f32],
    /// [`Plan::prepare`]d for the forward pass.
    pub(crate) filters: &'a [f32],
    pub(crate) bias: &'a [f32],
    /// These rows, channels last in `f32`, of what skipped the layer; they become the result.
    pub(crate) stream: Option<&'a mut [f32]>,
    pub(crate) rows: Range<usize>,
    /// These rows of the framed result, which [`Plan::close_framed`] completes.
    pub(crate) out: &'a mut [f32],
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Chained<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { plan, image, filters, bias, mut stream, rows, out, scratch } = self;
        let Some(amx) = simd.amx() else { unreachable!("a plan is made where there are tiles") };
        let (frame, [height, width], wide) = (plan.frame(), plan.size, plan.channels[1]);
        assert!(plan.size_out() == plan.size && plan.channels == plan.wide() && plan.channels == [wide; 2]);
        assert!(rows.end <= height && image.len() == frame.length() && bias.len() == wide);
        assert_eq!(out.len(), rows.len() * frame.line());
        assert!(stream.as_ref().is_none_or(|stream| stream.len() == rows.len() * width * wide));
        let under = rows.start..rows.end + plan.kernel[0] - 1;
        let image = Drawn { frame, words: &image[under.start * frame.line()..under.end * frame.line()] };
        let pass = (plan, Direction::Forward);
        convolve(simd, amx, pass, image, filters, &mut scratch.block, |[y, x], results| {
            if x >= width {
                return;
            }
            let count = (width - x).min(results.len() / wide);
            let pixels = (y * width + x) * wide..(y * width + x + count) * wide;
            let stream = stream.as_deref_mut().map(|stream| &mut stream[pixels.clone()]);
            let line = &mut out[y * frame.line()..(y + 1) * frame.line()];
            let place = (frame.margin[1] + x) * frame.words();
            let to = &mut line[place..place + count * frame.words()];
            write_words(simd, &results[..count * wide], bias, stream, to);
            if x + count == width {
                frame.draw_sides(line);
            }
        });
    }
}
