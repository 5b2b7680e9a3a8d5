//! Moves gradients between images and the transformed domain: the adjoints of the passes in `passes`.

use super::passes::{Column, Domain, Lines, Points, Strip};
use super::plan::Plan;
use super::transforms::{input_adjoint, output_adjoint};
use super::with_tile;
use crate::geometry::Border;
use crate::simd::{Simd, array};

/// What is applied to a gradient before it is written: sum and mask, in this order.
#[derive(Clone, Copy)]
pub(crate) struct FinishGradient<'a> {
    /// Whether to add the previous contents.
    pub(crate) accumulate: bool,
    /// Where this is not above zero, the gradient becomes zero.
    pub(crate) mask: Option<&'a [f32]>,
}

/// Transforms a gradient of results to the domain, `Z = A g Aᵀ`, and adds its sum over the pixels to `sums`,
/// channel by channel. The words of `domain` pair channels; where products take pairs, those of `by_tiles`, if
/// wanted, pair tiles.
///
/// # Safety
/// As for `passes::gather_input`, with `plan.image_out()` elements and `plan.channels[1]` channels; `sums`
/// holds the channels.
#[inline(always)]
pub(super) unsafe fn gather_gradient<S: Simd>(
    simd: S,
    plan: &Plan,
    tile_row: usize,
    gradient: *const f32,
    (domain, by_tiles): (Domain, Option<Domain>),
    lines: Lines,
    sums: &mut [f32],
) {
    for channel in (0..plan.channels[1]).step_by(S::LANES) {
        let strip = Strip { plan, tile_row, channel, domain, lines };
        // SAFETY: the caller's promise.
        unsafe {
            with_tile!(plan.tile[0], S, gradient_down(simd, strip, gradient, sums));
            with_tile!(plan.tile[1], S, gradient_across(simd, strip, by_tiles));
        }
    }
}

/// # Safety
/// As [`gather_gradient`].
#[inline(always)]
unsafe fn gradient_down<S: Simd, const M: usize, const A: usize>(
    simd: S,
    strip: Strip<'_>,
    gradient: *const f32,
    sums: &mut [f32],
) {
    let Strip { plan, tile_row, channel, lines, .. } = strip;
    let width = plan.size_out[1];
    // SAFETY: columns 0..tiles * M < span of the A lines are written; `Column` keeps inside the gradient.
    unsafe {
        let first = (tile_row * M) as isize;
        let column =
            Column::<M>::new(gradient, plan.size_out, plan.channels[1], channel, first, Border::Zeros);
        let mut sum = simd.load(sums.as_ptr().add(channel));
        for x in 0..width {
            let pixels = column.load(simd, x);
            let mut column_sum = pixels[0];
            for &pixel in &pixels[1..] {
                column_sum = simd.add(column_sum, pixel);
            }
            sum = simd.add(sum, column_sum);
            for (j, &point) in output_adjoint::<S, M, A>(simd, pixels).iter().enumerate() {
                simd.store(lines.at::<S>(j, x), point);
            }
        }
        simd.store(sums.as_mut_ptr().add(channel), sum);
        for j in 0..A {
            // Results beyond the image do not exist, so their gradient is zero.
            for x in width..plan.tiles[1] * plan.tile[1] {
                simd.store(lines.at::<S>(j, x), simd.splat(0.0));
            }
        }
    }
}

/// # Safety
/// As [`gather_gradient`], after [`gradient_down`].
#[inline(always)]
unsafe fn gradient_across<S: Simd, const M: usize, const A: usize>(
    simd: S,
    strip: Strip<'_>,
    by_tiles: Option<Domain>,
) {
    let points = ResultPoints::<M>(strip.lines);
    // SAFETY: the caller's promise.
    unsafe {
        strip.store_by_channels::<S, A>(simd, points);
        if let (true, Some(domain)) = (S::PAIRS, by_tiles) {
            Strip { domain, ..strip }.store_by_tiles::<S, A>(simd, points);
        }
    }
}

/// The points of the gradient of `M` results.
#[derive(Clone, Copy)]
struct ResultPoints<const M: usize>(Lines);

impl<S: Simd, const M: usize, const A: usize> Points<S, A> for ResultPoints<M> {
    #[inline(always)]
    unsafe fn of(self, simd: S, line: usize, tile: usize) -> [S::Vector; A] {
        // SAFETY: columns 0..tiles * M of all lines are read.
        let gradients = array!(simd, |i| unsafe { simd.load(self.0.at::<S>(line, tile * M + i)) });
        output_adjoint::<S, M, A>(simd, gradients)
    }
}

/// Transforms the domain to the gradient of the pixels, the adjoint of `passes::gather_input`, finishes and
/// writes it. Rows of tiles must come in order: the last two rows of pixels of each are shared with the next
/// one and wait for it in `carried`.
///
/// # Safety
/// `domain` holds all points of the row's tiles with `plan.channels[0]` channels; `out`, and the mask if any,
/// hold `plan.image_in()` elements, `lines` `plan.lines()`, `carried` `2 * width * channels`; `out`, `lines`
/// and `carried` overlap nothing.
#[inline(always)]
pub(super) unsafe fn scatter_input_gradient<S: Simd>(
    simd: S,
    plan: &Plan,
    tile_row: usize,
    domain: Domain,
    out: *mut f32,
    finish: FinishGradient<'_>,
    (lines, carried): (Lines, *mut f32),
) {
    for channel in (0..plan.channels[0]).step_by(S::LANES) {
        let strip = Strip { plan, tile_row, channel, domain, lines };
        // SAFETY: the caller's promise.
        unsafe {
            with_tile!(plan.tile[1], S, input_gradient_across(simd, strip));
            with_tile!(plan.tile[0], S, input_gradient_down(simd, strip, out, finish, carried));
        }
    }
}

/// # Safety
/// As [`scatter_input_gradient`].
#[inline(always)]
unsafe fn input_gradient_across<S: Simd, const M: usize, const A: usize>(simd: S, strip: Strip<'_>) {
    let Strip { plan, channel, domain, lines, .. } = strip;
    let (span, width) = (lines.span, plan.size[1]);
    // SAFETY: the domain is read inside its bounds; columns 0..tiles * M + 2 = span of all lines are written.
    unsafe {
        for j in 0..plan.windows()[0] {
            // Neighbouring tiles share two columns of pixels, whose gradients add up.
            let mut overlap = [simd.splat(0.0); 2];
            for tile in 0..plan.tiles[1] {
                let points: [S::Vector; A] = array!(simd, |i| simd.load(domain.at(j * A + i, tile, channel)));
                let mut pixels = input_adjoint::<S, A>(simd, points);
                pixels[0] = simd.add(pixels[0], overlap[0]);
                pixels[1] = simd.add(pixels[1], overlap[1]);
                for (x, &pixel) in pixels[..M].iter().enumerate() {
                    simd.store(lines.at::<S>(j, tile * M + x), pixel);
                }
                overlap = [pixels[M], pixels[M + 1]];
            }
            simd.store(lines.at::<S>(j, span - 2), overlap[0]);
            simd.store(lines.at::<S>(j, span - 1), overlap[1]);
            // The border repeats the outermost pixels, which therefore receive its gradient.
            if plan.border == Border::Replicate {
                for (from, to) in [(0, 1), (width + 1, width)] {
                    let (from, to) = (lines.at::<S>(j, from), lines.at::<S>(j, to));
                    simd.store(to, simd.add(simd.load(to), simd.load(from)));
                }
            }
        }
    }
}

/// # Safety
/// As [`scatter_input_gradient`], after [`input_gradient_across`].
#[inline(always)]
unsafe fn input_gradient_down<S: Simd, const M: usize, const A: usize>(
    simd: S,
    strip: Strip<'_>,
    out: *mut f32,
    finish: FinishGradient<'_>,
    carried: *mut f32,
) {
    let Strip { plan, tile_row, channel, lines, .. } = strip;
    let ([height, width], channels) = (plan.size, plan.channels[0]);
    let carry = |row: usize, x: usize| carried.wrapping_add((row * width + x) * channels + channel);
    let last = tile_row + 1 == plan.tiles[0];
    let first = (tile_row * M) as isize - plan.padding as isize;
    // The last two rows of a tile are complete only if no further row of tiles adds to them.
    let complete = if last { A } else { M };
    // SAFETY: `width` columns of the lines are read, inside their span; rows are written where the image has
    // them.
    unsafe {
        for x in 0..width {
            let points: [S::Vector; A] = array!(simd, |j| simd.load(lines.at::<S>(j, x + plan.padding)));
            let mut pixels = input_adjoint::<S, A>(simd, points);
            if tile_row > 0 {
                pixels[0] = simd.add(pixels[0], simd.load(carry(0, x)));
                pixels[1] = simd.add(pixels[1], simd.load(carry(1, x)));
            }
            if !last {
                simd.store(carry(0, x), pixels[M]);
                simd.store(carry(1, x), pixels[M + 1]);
            }
            if plan.border == Border::Replicate {
                fold_rows(simd, &mut pixels, first, height);
            }
            for (i, &value) in pixels.iter().enumerate() {
                let y = first + i as isize;
                if i < complete && y >= 0 && y < height as isize {
                    let place = (y as usize * width + x) * channels + channel;
                    let mut value = value;
                    if finish.accumulate {
                        value = simd.add(value, simd.load(out.add(place)));
                    }
                    if let Some(mask) = finish.mask {
                        value = simd.keep_positive(simd.load(mask.as_ptr().add(place)), value);
                    }
                    simd.store(out.add(place), value);
                }
            }
        }
    }
}

/// Adds the rows just outside the image, −1 and `height`, to the nearest ones inside. The image's last row
/// and the row behind it always lie in the last row of tiles.
#[inline(always)]
fn fold_rows<S: Simd, const A: usize>(simd: S, pixels: &mut [S::Vector; A], first: isize, height: usize) {
    if first < 0 {
        pixels[1] = simd.add(pixels[0], pixels[1]);
    }
    for i in 1..A {
        if first + i as isize == height as isize {
            pixels[i - 1] = simd.add(pixels[i - 1], pixels[i]);
        }
    }
}
