//! The gradients of a convolution on tiles.

use super::convolution::{Plan, Scratch, convolve};
use super::ending::Ending;
use super::{Amx, Left, PANEL, Right, SIDE, Sizes};
use crate::buffer::Buffer;
use crate::geometry::Border;
use crate::product::Rows;
use crate::simd::{Simd, Task, padded};
use crate::winograd::{Direction, FilterGradient, FinishGradient};
use crate::words;

/// Words of pixels multiplied at a time for the gradient of the filters: those of the image and of
/// the gradient stay in the first-level cache while each tap of the kernel uses them.
const WORDS: usize = 8 * SIDE;

/// Computes the gradients of the convolution of one image.
pub(crate) struct Backward<'a> {
    pub(crate) plan: &'a Plan,
    /// The image that was convolved, channels last.
    pub(crate) image: &'a [f32],
    /// The gradient of the result before any activation, channels last.
    pub(crate) gradient: &'a [f32],
    /// Sums to add the gradients of the filters, laid out as [`sums`] says, and of the bias to, if wanted.
    pub(crate) of_filters: Option<&'a mut FilterGradient>,
    /// For the gradient of the image, if wanted: filters prepared for this pass, the destination, and how to
    /// finish it.
    pub(crate) of_image: Option<(&'a [f32], &'a mut [f32], FinishGradient<'a>)>,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { plan, image, gradient, of_filters, of_image, scratch } = self;
        let Some(amx) = simd.amx() else { unreachable!("a plan is made where there are tiles") };
        assert_eq!((image.len(), gradient.len()), (plan.image_in(), plan.image_out()));
        // Both gradients read the gradient of the result in words; this one has zeros around it.
        let frame = plan.frame_of_gradient();
        let rows = frame.size[0] + 2 * frame.margin[0];
        if of_image.is_some() {
            frame.draw(simd, gradient, 0..rows, &mut scratch.of_framed);
        }
        if let Some(of_filters) = of_filters {
            add_filter_gradient(simd, amx, plan, image, gradient, of_filters, scratch);
        }
        if let Some((filters, out, finish)) = of_image {
            assert_eq!(out.len(), plan.image_in());
            assert!(finish.mask.is_none_or(|mask| mask.len() == out.len()));
            let (framed, wide) = (plan.frame(), padded(plan.channels[0]));
            let (framed_rows, framed_width) = (framed.size[0] + 2 * framed.margin[0], framed.width());
            let Scratch { of_framed, block, sums, .. } = scratch;
            sums.resize(framed_rows * framed_width * wide);
            let of_framed = (&of_framed[..], frame.width(), framed_rows);
            let pass = (plan, Direction::Backward);
            convolve(&mut amx.tiles(), pass, of_framed, filters, block, |[y, x], results| {
                let count = framed_width.saturating_sub(x).min(results.len() / wide) * wide;
                sums[(y * framed_width + x) * wide..][..count].copy_from_slice(&results[..count]);
            });
            unframe(simd, plan, sums, finish, out);
        }
    }
}

/// Adds the gradients of the filters and of the bias.
#[inline(always)]
fn add_filter_gradient<S: Simd>(
    simd: S,
    amx: Amx,
    plan: &Plan,
    image: &[f32],
    gradient: &[f32],
    of_filters: &mut FilterGradient,
    scratch: &mut Scratch,
) {
    let ([channels_in, channels_out], frame) = (plan.wide(), plan.frame());
    assert_eq!((of_filters.filters.len(), of_filters.bias.len()), (sums(plan), channels_out));
    add_bias_gradient(gradient, plan.channels[1], &mut of_filters.bias);
    let Scratch { framed, planes, pairs, .. } = scratch;
    let ([height, _], width) = (plan.size_out(), frame.width());
    // Pixels of the result are numbered along rows as wide as the framed image, so that each tap reads the framed
    // image from one place on.
    let words = (height * width).div_ceil(2).next_multiple_of(SIDE);
    draw_pairs(simd, plan, gradient, words, pairs);
    frame.draw(simd, image, 0..frame.size[0] + 2 * frame.margin[0], framed);
    // The last tap reads as far behind the last word.
    let farthest = (plan.kernel[0] - 1) * width + plan.kernel[1] - 1;
    let stride = (words + farthest.div_ceil(2)).next_multiple_of(SIDE);
    planes.resize(channels_in.next_multiple_of(2 * SIDE) * stride);
    // SAFETY: `amx` proves that the processor has the instructions.
    unsafe { amx.planes(framed, frame.words(), planes, stride) };
    let pixels = planes.as_ptr().cast::<u16>();
    let mut tiles = amx.tiles();
    for start in (0..words).step_by(WORDS) {
        let depth = WORDS.min(words - start);
        let of_blocks = of_filters.filters.chunks_exact_mut(plan.taps() * BLOCK);
        for ([block_in, block_out], sums) in blocks(plan).zip(of_blocks) {
            let (first_in, first_out) = (block_in * PANEL, block_out * PANEL);
            let (rows, columns) = (PANEL.min(channels_in - first_in), PANEL.min(channels_out - first_out));
            for (tap, sums) in sums.chunks_exact_mut(BLOCK).enumerate() {
                let source = tap / plan.kernel[1] * width + tap % plan.kernel[1];
                let sizes = Sizes { parts: 1, rows, depth, columns };
                // SAFETY: a plane holds `stride` words, and `source <= farthest`, so that the pixels of these words
                // lie in it; a panel of `pairs` holds `words` rows of its channels, and `sums` a whole block.
                unsafe {
                    let of_block = pixels.add(2 * (first_in * stride + start) + source);
                    let left = Left { data: of_block.cast(), stride, part: 0 };
                    let of_block = pairs.as_ptr().add(block_out * words * PANEL + start * PANEL);
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

#[inline(always)]
fn add_bias_gradient(gradient: &[f32], channels: usize, of_bias: &mut [f32]) {
    for pixel in gradient.chunks_exact(channels) {
        of_bias.iter_mut().zip(pixel).for_each(|(sum, &gradient)| *sum += gradient);
    }
}

/// Packs the gradient of each two pixels of the result, numbered along rows as wide as the framed image, in panels
/// of channels of `words` rows each. There are zeros where the result has no pixel.
#[inline(always)]
fn draw_pairs<S: Simd>(simd: S, plan: &Plan, gradient: &[f32], words: usize, pairs: &mut Buffer) {
    let ([height, width], channels, wide) = (plan.size_out(), plan.channels[1], plan.wide()[1]);
    let framed_width = plan.frame().width();
    pairs.resize(words * wide.next_multiple_of(PANEL));
    let nothing = [0.0; 0];
    let pixel = |at: usize| {
        let (y, x) = (at / framed_width, at % framed_width);
        if y < height && x < width {
            &gradient[(y * width + x) * channels..][..channels]
        } else {
            &nothing[..]
        }
    };
    for at in 0..words {
        let pair = [pixel(2 * at), pixel(2 * at + 1)];
        for (panel, out) in pairs.chunks_exact_mut(words * PANEL).enumerate() {
            let out = &mut out[at * PANEL..][..PANEL];
            for first in (0..PANEL).step_by(S::LANES) {
                let [a, b] = pair.map(|pixel| words::load(simd, pixel, panel * PANEL + first));
                // SAFETY: `out` holds whole vectors.
                unsafe { simd.store(out.as_mut_ptr().add(first), simd.words(a, b)) };
            }
        }
    }
}

/// Adds the gradient of the border to the pixels that it repeats, finishes the gradient of the image and writes
/// it.
#[inline(always)]
fn unframe<S: Simd>(simd: S, plan: &Plan, sums: &mut [f32], finish: FinishGradient<'_>, out: &mut [f32]) {
    let ([height, width], channels, padding) = (plan.size, plan.channels[0], plan.padding);
    let (wide, framed_width) = (padded(channels), plan.frame().width());
    if plan.border == Border::Replicate && padding > 0 {
        fold(sums, [height, width], padding, wide);
    }
    for y in 0..height {
        let line = &sums[((y + padding) * framed_width + padding) * wide..][..width * wide];
        let place = y * width * channels..(y + 1) * width * channels;
        let mask = finish.mask.map(|mask| &mask[place.clone()]);
        let ending = Ending { accumulate: finish.accumulate, mask, ..Ending::default() };
        ending.write(simd, line, channels, &mut out[place]);
    }
}

/// Adds the margins of the framed image to the outermost pixels of the image.
#[inline(always)]
fn fold(sums: &mut [f32], [height, width]: [usize; 2], padding: usize, wide: usize) {
    let framed = [height + 2 * padding, width + 2 * padding];
    let line = framed[1] * wide;
    let mut add = |from: usize, to: usize, count: usize| {
        for at in 0..count {
            sums[to + at] += sums[from + at];
        }
    };
    for y in 0..framed[0] {
        for x in 0..padding {
            add(y * line + x * wide, y * line + padding * wide, wide);
            let (from, last) = (padding + width + x, padding + width - 1);
            add(y * line + from * wide, y * line + last * wide, wide);
        }
    }
    for y in 0..padding {
        add(y * line, padding * line, line);
        add((padding + height + y) * line, (padding + height - 1) * line, line);
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
