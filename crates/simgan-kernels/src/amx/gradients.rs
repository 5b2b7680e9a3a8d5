//! The gradients of a convolution on tiles.

use std::ops::Range;

use super::convolution::{Plan, Scratch, convolve};
use super::ending::Ending;
use super::frame::{Drawing, Drawn, Frame, Framed};
use super::{Amx, Left, PANEL, Right, SIDE, Sizes};
use crate::buffer::Buffer;
use crate::conv2d::cpu::pointwise::add_pixels;
use crate::geometry::Border;
use crate::product::Rows;
use crate::simd::{Simd, Task, padded};
use crate::winograd::{Direction, FilterGradient, FinishGradient};
use crate::words;

/// Words of pixels multiplied at a time for the gradient of the filters: those of the image and of
/// the gradient stay in the first-level cache while each tap of the kernel uses them.
const WORDS: usize = 8 * SIDE;

/// The image that was convolved.
#[derive(Clone, Copy)]
pub(crate) enum Image<'a> {
    /// Channels last.
    Numbers(&'a [f32]),
    /// Framed, in words.
    Framed(&'a [f32]),
}

/// Computes the gradients of the convolution of one image.
pub(crate) struct Backward<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) image: Image<'a>,
    /// The gradient of the result before any activation, channels last.
    pub(crate) gradient: &'a [f32],
    /// Sums to add the gradients of the filters, laid out as [`sums`] says, and of the bias to, if wanted.
    pub(crate) of_filters: Option<&'a mut FilterGradient>,
    /// For the gradient of the image, if wanted: filters prepared for this pass, the destination, and how to
    /// finish it. The mask is a framed image, in words, whose channels fill whole vectors.
    pub(crate) of_image: Option<(&'a [f32], &'a mut [f32], FinishGradient<'a>)>,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { plan, image, gradient, of_filters, of_image, scratch } = self;
        let Some(amx) = simd.amx() else { unreachable!("a plan is made where there are tiles") };
        assert_eq!(gradient.len(), plan.image_out());
        let frame = plan.frame();
        if let Some(of_filters) = of_filters {
            let Scratch { framed, planes, pairs, .. } = &mut *scratch;
            match image {
                Image::Numbers(image) => {
                    let image = Drawing::new(frame, image, 0..frame.height(), framed);
                    add_filter_gradient(simd, amx, plan, image, gradient, of_filters, [planes, pairs]);
                }
                Image::Framed(words) => {
                    let image = Drawn { frame, words };
                    add_filter_gradient(simd, amx, plan, image, gradient, of_filters, [planes, pairs]);
                }
            }
        }
        if let Some((filters, out, finish)) = of_image {
            assert_eq!(out.len(), plan.image_in());
            assert!(finish.mask.is_none_or(|mask| mask.len() == frame.length()));
            image_gradient(simd, amx, plan, (gradient, filters), finish, out, scratch);
        }
    }
}

/// Computes the gradient of the framed image, adds that of the border to the pixels that it repeats, and finishes it.
#[inline(always)]
fn image_gradient<S: Simd>(
    simd: S,
    amx: Amx,
    plan: &Plan,
    (gradient, filters): (&[f32], &[f32]),
    FinishGradient { accumulate, mask }: FinishGradient<'_>,
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let ([height, width], wide) = (plan.size, padded(plan.channels[0]));
    let Scratch { framed, block, of_border, repeated, .. } = scratch;
    of_border.clear();
    repeated.clear();
    let frame = plan.frame_of_gradient();
    let gradient = Drawing::new(frame, gradient, 0..frame.height(), framed);
    let (pass, padding) = ((plan, Direction::Backward), plan.padding);
    let mut target = Target { image: plan.frame(), mask, out };
    convolve(simd, amx, pass, gradient, filters, block, |[y, x], results| {
        let end = (x + results.len() / wide).min(width + 2 * padding);
        // The pixels of the image among those of the framed image.
        let first = x.max(padding).min(end);
        let inside = match (padding..padding + height).contains(&y) {
            true => first..end.min(padding + width).max(first),
            false => x..x,
        };
        let pixel = |x: usize| {
            let nearest = |at: usize, size: usize| at.saturating_sub(padding).min(size - 1);
            [nearest(y, height), nearest(x, width)]
        };
        if !inside.is_empty() {
            let results = &results[(inside.start - x) * wide..(inside.end - x) * wide];
            target.write(simd, accumulate, pixel(inside.start), results);
        }
        if plan.border == Border::Replicate {
            for at in (x..end).filter(|at| !inside.contains(at)) {
                of_border.extend_from_slice(&results[(at - x) * wide..][..wide]);
                repeated.push(pixel(at));
            }
        }
    });
    for (&pixel, of_border) in repeated.iter().zip(of_border.chunks_exact(wide)) {
        target.write(simd, true, pixel, of_border);
    }
}

/// Where the gradient of an image goes.
struct Target<'a> {
    image: Frame,
    /// The framed image, in words, whose zeros stop the gradient.
    mask: Option<&'a [f32]>,
    out: &'a mut [f32],
}

impl Target<'_> {
    /// Writes the gradients of pixels that lie side by side from `at` on. A function: a closure called from two places
    /// would not be compiled for the vectors.
    #[inline(always)]
    fn write<S: Simd>(&mut self, simd: S, accumulate: bool, at: [usize; 2], gradients: &[f32]) {
        let Frame { size: [_, width], channels, .. } = self.image;
        let count = gradients.len() / padded(channels);
        let mask = self.mask.map(|mask| &mask[self.image.place(at)..][..count * self.image.words()]);
        let place = (at[0] * width + at[1]) * channels;
        let out = &mut self.out[place..place + count * channels];
        Ending { accumulate, mask, ..Ending::default() }.write(simd, gradients, channels, out);
    }
}

/// Adds the gradients of the filters and of the bias.
#[inline(always)]
fn add_filter_gradient<S: Simd>(
    simd: S,
    amx: Amx,
    plan: &Plan,
    mut image: impl Framed,
    gradient: &[f32],
    of_filters: &mut FilterGradient,
    [planes, pairs]: [&mut Buffer; 2],
) {
    let ([channels_in, channels_out], frame) = (plan.wide(), plan.frame());
    assert_eq!(image.words().len(), frame.length());
    assert_eq!((of_filters.filters.len(), of_filters.bias.len()), (sums(plan), channels_out));
    add_pixels(gradient, plan.channels[1], &mut of_filters.bias);
    let ([height, _], width) = (plan.size_out(), frame.width());
    // Pixels of the result are numbered along rows as wide as the framed image, so that each tap reads the framed
    // image from one place on.
    let words = (height * width).div_ceil(2).next_multiple_of(SIDE);
    // The last tap reads as far behind the last word.
    let farthest = (plan.kernel[0] - 1) * width + plan.kernel[1] - 1;
    let stride = (words + farthest.div_ceil(2)).next_multiple_of(SIDE);
    planes.resize(channels_in.next_multiple_of(PANEL) * stride);
    let mut laid_out = 0;
    let mut tiles = amx.tiles();
    for start in (0..words).step_by(WORDS) {
        let depth = WORDS.min(words - start);
        draw_pairs(simd, plan, gradient, start..start + depth, pairs);
        let needed = (start + depth + farthest.div_ceil(2)).next_multiple_of(SIDE);
        image.until(simd, (2 * needed).div_ceil(width));
        // SAFETY: `amx` proves that the processor has the instructions.
        unsafe { amx.planes(image.words(), frame.words(), planes, stride, laid_out..needed) };
        laid_out = needed;
        let pixels = planes.as_ptr().cast::<u16>();
        let of_blocks = of_filters.filters.chunks_exact_mut(plan.taps() * BLOCK);
        for ([block_in, block_out], sums) in blocks(plan).zip(of_blocks) {
            let (first_in, first_out) = (block_in * PANEL, block_out * PANEL);
            let (rows, columns) = (PANEL.min(channels_in - first_in), PANEL.min(channels_out - first_out));
            for (tap, sums) in sums.chunks_exact_mut(BLOCK).enumerate() {
                let source = tap / plan.kernel[1] * width + tap % plan.kernel[1];
                let sizes = Sizes { parts: 1, rows, depth, columns };
                // SAFETY: a plane holds `stride` words, and `source <= farthest`, so that the pixels of these words
                // lie in it; a panel of `pairs` holds `depth` rows of its channels, and `sums` a whole block.
                unsafe {
                    let of_block = pixels.add(2 * (first_in * stride + start) + source);
                    let left = Left { data: of_block.cast(), stride, part: 0 };
                    let of_block = pairs.as_ptr().add(block_out * depth * PANEL);
                    let right = Right { data: of_block, stride: PANEL, part: 0, panel: 0 };
                    let out = Rows { data: sums.as_mut_ptr(), stride: PANEL };
                    tiles.multiply::<true>(sizes, left, right, out);
                }
            }
        }
    }
}

/// Elements of the sums of the filters' gradients: blocks of `PANEL` channels in by as many channels out, for each
/// tap of the kernel; of all taps before the next channels out, and of those before the next channels in.
pub(crate) fn sums(plan: &Plan) -> usize {
    blocks(plan).count() * plan.taps() * BLOCK
}

/// Elements of a block.
const BLOCK: usize = PANEL * PANEL;

/// The numbers of the blocks along the channels in and out.
fn blocks(plan: &Plan) -> impl Iterator<Item = [usize; 2]> + use<> {
    let [blocks_in, blocks_out] = plan.channels.map(|channels| channels.div_ceil(PANEL));
    (0..blocks_in * blocks_out).map(move |at| [at / blocks_out, at % blocks_out])
}

/// Packs the gradient of each two pixels of the result, numbered along rows as wide as the framed image: of some of
/// these words, in panels of channels. There are zeros where the result has no pixel.
#[inline(always)]
fn draw_pairs<S: Simd>(simd: S, plan: &Plan, gradient: &[f32], words: Range<usize>, pairs: &mut Buffer) {
    let ([height, width], channels, wide) = (plan.size_out(), plan.channels[1], plan.wide()[1]);
    let (framed_width, count) = (plan.frame().width(), words.len());
    pairs.resize(count * wide.next_multiple_of(PANEL));
    let nothing = [0.0; 0];
    let pixel = |at: usize| {
        let (y, x) = (at / framed_width, at % framed_width);
        if y < height && x < width {
            &gradient[(y * width + x) * channels..][..channels]
        } else {
            &nothing[..]
        }
    };
    for (at, word) in words.enumerate() {
        let pair = [pixel(2 * word), pixel(2 * word + 1)];
        for (panel, out) in pairs.chunks_exact_mut(count * PANEL).enumerate() {
            let out = &mut out[at * PANEL..][..PANEL];
            for first in (0..PANEL).step_by(S::LANES) {
                let [a, b] = pair.map(|pixel| words::load(simd, pixel, panel * PANEL + first));
                // SAFETY: `out` holds whole vectors.
                unsafe { simd.store(out.as_mut_ptr().add(first), simd.words(a, b)) };
            }
        }
    }
}

/// Adds sums of the filters' gradients to `of_weight`, `(O, C, h, w)` of `shape` O and C.
pub(crate) fn flatten(plan: &Plan, filters: &[f32], of_weight: &mut [f32], [n_out, n_in]: [usize; 2]) {
    let taps = plan.taps();
    assert_eq!((of_weight.len(), filters.len()), (n_out * n_in * taps, sums(plan)));
    let blocks_out = plan.channels[1].div_ceil(PANEL);
    for (out, of_weight) in of_weight.chunks_exact_mut(n_in * taps).enumerate() {
        for (input, of_weight) in of_weight.chunks_exact_mut(taps).enumerate() {
            let block = (input / PANEL * blocks_out + out / PANEL) * taps;
            let place = input % PANEL * PANEL + out % PANEL;
            for (tap, of_weight) in of_weight.iter_mut().enumerate() {
                *of_weight += filters[(block + tap) * BLOCK + place];
            }
        }
    }
}
