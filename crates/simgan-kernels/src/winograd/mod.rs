//! 3×3 convolutions with stride 1 by Winograd's minimal filtering: fewer multiplications for the same result.
//!
//! [`Plan`] holds the sizes and chooses the tiles. Filters are transformed once ([`filters`]); then
//! [`Forward`] and [`Backward`] process one image each, channels last. The backward pass is the exact adjoint
//! of the forward pass, so it is correct for both borders, and one transform of the gradient serves the
//! gradients of the image and of the filters.

mod adjoint_passes;
mod coefficients;
mod filters;
mod passes;
mod plan;
mod transforms;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use self::adjoint_passes::FinishGradient;
pub(crate) use self::filters::{Direction, FilterGradient, Filters, FiltersAdjoint};
pub(crate) use self::passes::{Finish, Residual};
pub(crate) use self::plan::Plan;

use self::adjoint_passes::{gather_gradient, scatter_input_gradient};
use self::passes::{Domain, Lines, Pairs, gather_input, scatter_output};
use crate::buffer::Buffer;
use crate::product::{Left, Rows, multiply_words};
use crate::simd::{Simd, Task};

/// Elements of the transformed domains processed at a time. The domains share the second-level cache with the
/// filters that stream through it. Measured at 35×55 pixels and 64 channels: forward, where results overwrite
/// pixels, one to four rows of tiles are equally fast; backward, three or four are fastest, since each part
/// reads and writes all sums of gradients.
const FORWARD_DOMAINS: usize = 90 * 1024;
const BACKWARD_DOMAINS: usize = 280 * 1024;

/// Scratch memory of the passes, reused from image to image.
#[derive(Default)]
pub(crate) struct Scratch {
    left: Buffer,
    right: Buffer,
    /// Both again where products take pairs, which then pair tiles.
    left_words: Buffer,
    right_words: Buffer,
    lines: Buffer,
    carried: Buffer,
}

/// Calls a generic function with the numbers of results and of points of a tile along an axis as constants.
macro_rules! with_tile {
    ($tile:expr, $simd:ty, $function:ident($($argument:expr),*)) => {
        match $tile {
            2 => $function::<$simd, 2, 4>($($argument),*),
            3 => $function::<$simd, 3, 5>($($argument),*),
            4 => $function::<$simd, 4, 6>($($argument),*),
            5 => $function::<$simd, 5, 7>($($argument),*),
            6 => $function::<$simd, 6, 8>($($argument),*),
            7 => $function::<$simd, 7, 9>($($argument),*),
            other => unreachable!("no plan has tiles of {other}"),
        }
    };
}
pub(crate) use with_tile;

/// Number of rows of tiles to process at once: their domains, of `channels` channels, hold at most `elements`
/// elements. Evened out, so that the last part is not much smaller.
fn rows_at_once(plan: &Plan, channels: usize, elements: usize) -> usize {
    let row = plan.points() * plan.tiles[1] * channels;
    let most = (elements / row).clamp(1, plan.tiles[0]);
    plan.tiles[0].div_ceil(plan.tiles[0].div_ceil(most))
}

/// Computes the convolution of one image, or of some rows of its tiles.
pub(crate) struct Forward<'a> {
    pub(crate) plan: &'a Plan,
    /// Channels last, `plan.image_in()` elements.
    pub(crate) image: &'a [f32],
    /// [`Filters`], `plan.filters()` elements.
    pub(crate) filters: &'a [f32],
    pub(crate) finish: Finish<'a>,
    /// The rows of tiles to compute; `0..plan.tiles[0]` for the whole image.
    pub(crate) rows: Range<usize>,
    /// The results of these rows, channels last: `plan.rows_out()` elements.
    pub(crate) out: &'a mut [f32],
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let plan = self.plan;
        assert_eq!(self.image.len(), plan.image_in());
        assert_eq!(self.filters.len(), plan.filters());
        assert!(self.rows.end <= plan.tiles[0]);
        assert_eq!(self.out.len(), plan.rows_out(&self.rows));
        assert_eq!(self.finish.bias.len(), plan.channels[1]);
        if let Residual::Of(residual) = self.finish.residual {
            assert_eq!(residual.len(), plan.image_out());
        }
        forward(simd, self);
    }
}

#[inline(always)]
fn forward<S: Simd>(simd: S, task: Forward<'_>) {
    let Forward { plan, image, filters, finish, rows: all_rows, out, scratch } = task;
    let [channels_in, channels_out] = plan.channels;
    let rows_at_once = rows_at_once(plan, channels_in.max(channels_out), FORWARD_DOMAINS);
    let (tiles, words_in) = (rows_at_once * plan.tiles[1], channels_in / S::PER_WORD);
    // Elements of a point's results, and words of its pixels. The results overwrite pixels that are no longer
    // needed: those of point p end where the pixels of point p begin, or before.
    let (slot_out, slot_in) = (tiles * channels_out, tiles * words_in);
    let gap = slot_out.max((slot_out * plan.points()).saturating_sub(slot_in * (plan.points() - 1)));
    scratch.left.resize(gap + plan.points() * slot_in);
    scratch.lines.resize(plan.lines());
    let results = scratch.left.as_mut_ptr();
    let pixels = results.wrapping_add(gap);
    let lines = Lines { data: scratch.lines.as_mut_ptr(), span: plan.span() };
    let (first_row, last_row) = (all_rows.start, all_rows.end);
    for start in all_rows.step_by(rows_at_once) {
        let rows = start..(start + rows_at_once).min(last_row);
        let count = rows.len() * plan.tiles[1];
        // SAFETY: the buffers hold what `count` tiles need, `run` checked the lengths of the slices, and all
        // are distinct; a product writes in front of what it reads.
        unsafe {
            for row in rows.clone() {
                let first = (row - start) * plan.tiles[1];
                let domain = Domain { data: pixels, point: slot_in, first, channels: words_in };
                gather_input(simd, plan, row, image.as_ptr(), (domain, Pairs::Channels), lines);
            }
            for point in 0..plan.points() {
                multiply_words::<S, false>(
                    simd,
                    (count, words_in, channels_out),
                    Left { data: pixels.add(point * slot_in), stride: words_in, transposed: false },
                    Rows {
                        data: filters.as_ptr().add(point * words_in * channels_out),
                        stride: channels_out,
                    },
                    Rows { data: results.add(point * slot_out), stride: channels_out },
                );
            }
            for row in rows {
                let first = (row - start) * plan.tiles[1];
                let domain = Domain { data: results, point: slot_out, first, channels: channels_out };
                scatter_output(simd, plan, row, domain, (out.as_mut_ptr(), first_row), finish, lines);
            }
        }
    }
}

/// Computes the gradients of the convolution of one image.
pub(crate) struct Backward<'a> {
    pub(crate) plan: &'a Plan,
    /// The image that was convolved: channels last, `plan.image_in()` elements.
    pub(crate) image: &'a [f32],
    /// The gradient of the result before any activation: channels last, `plan.image_out()` elements.
    pub(crate) gradient: &'a [f32],
    /// Sums to add the gradients of the filters and the bias to, if wanted.
    pub(crate) of_filters: Option<&'a mut FilterGradient>,
    /// For the gradient of the image, if wanted: transposed [`Filters`], the destination, and how to finish
    /// it.
    pub(crate) of_image: Option<(&'a [f32], &'a mut [f32], FinishGradient<'a>)>,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let plan = self.plan;
        assert_eq!(self.image.len(), plan.image_in());
        assert_eq!(self.gradient.len(), plan.image_out());
        if let Some(of_filters) = &self.of_filters {
            assert_eq!(of_filters.filters.len(), plan.filters());
            assert_eq!(of_filters.bias.len(), plan.channels[1]);
        }
        if let Some((filters, out, finish)) = &self.of_image {
            assert_eq!(filters.len(), plan.filters());
            assert_eq!(out.len(), plan.image_in());
            assert!(finish.mask.is_none_or(|mask| mask.len() == plan.image_in()));
        }
        backward(simd, self);
    }
}

#[inline(always)]
fn backward<S: Simd>(simd: S, task: Backward<'_>) {
    let Backward { plan, image, gradient, mut of_filters, mut of_image, scratch } = task;
    let [channels_in, channels_out] = plan.channels;
    // No smaller than the sums of gradients, which each part reads and writes.
    let domains = BACKWARD_DOMAINS.max(plan.filters());
    let rows_at_once = rows_at_once(plan, channels_in + channels_out, domains);
    let count = rows_at_once * plan.tiles[1];
    scratch.left.resize(plan.points() * count * channels_in);
    scratch.right.resize(plan.points() * count * channels_out);
    if S::PAIRS {
        // Words of two tiles each, with one more where a row has an odd number of tiles.
        let count = rows_at_once * plan.tiles[1].div_ceil(S::PER_WORD);
        scratch.left_words.resize(plan.points() * count * channels_in);
        scratch.right_words.resize(plan.points() * count * channels_out);
    }
    scratch.lines.resize(plan.lines());
    scratch.carried.resize(2 * plan.size[1] * channels_in);
    let image = of_filters.is_some().then_some(image);
    // `gather_gradient` always adds up the gradient of the bias; if unwanted, it goes here.
    let mut unused_sums = vec![0.0; if of_filters.is_none() { channels_out } else { 0 }];
    let (of_pixels, of_results) = (scratch.left.as_mut_ptr(), scratch.right.as_mut_ptr());
    let by_tiles = match S::PAIRS {
        true => [scratch.left_words.as_mut_ptr(), scratch.right_words.as_mut_ptr()],
        false => [of_pixels, of_results],
    };
    let lines = Lines { data: scratch.lines.as_mut_ptr(), span: plan.span() };
    for start in (0..plan.tiles[0]).step_by(rows_at_once) {
        let rows = start..(start + rows_at_once).min(plan.tiles[0]);
        let part = BackwardRows { plan, rows, of_pixels, of_results, by_tiles, lines };
        // SAFETY: as in `forward`; the filters' gradient reads the domain of the image before it is
        // overwritten.
        unsafe {
            let sums = of_filters.as_mut().map_or(&mut unused_sums[..], |of_filters| &mut of_filters.bias);
            part.gather(simd, gradient, sums, image);
            for point in 0..plan.points() {
                if let Some(of_filters) = &mut of_filters {
                    part.add_filter_gradient(simd, point, &mut of_filters.filters);
                }
                if let Some((filters, ..)) = &of_image {
                    part.pixel_gradient(simd, point, filters);
                }
            }
            if let Some((_, out, finish)) = &mut of_image {
                part.scatter(simd, out, *finish, scratch.carried.as_mut_ptr());
            }
        }
    }
}

/// The backward pass over some rows of tiles, and the memory that it uses.
struct BackwardRows<'a> {
    plan: &'a Plan,
    rows: Range<usize>,
    /// The gradient of the transformed pixels.
    of_pixels: *mut f32,
    /// The transformed gradient of the results, channels in pairs.
    of_results: *mut f32,
    /// The transformed pixels and the gradient of the results, tiles in pairs. Without pairs, they are
    /// `of_pixels`, before the gradient replaces them, and `of_results`.
    by_tiles: [*mut f32; 2],
    lines: Lines,
}

impl BackwardRows<'_> {
    /// Number of tiles in these rows.
    fn count(&self) -> usize {
        self.rows.len() * self.plan.tiles[1]
    }

    /// Number of words that the tiles of a row make in pairs.
    fn words<S: Simd>(&self) -> usize {
        self.plan.tiles[1].div_ceil(S::PER_WORD)
    }

    /// Returns one row of `tiles` tiles.
    #[inline(always)]
    fn domain(&self, data: *mut f32, row: usize, tiles: usize, channels: usize) -> Domain {
        let first = (row - self.rows.start) * tiles;
        Domain { data, point: self.rows.len() * tiles * channels, first, channels }
    }

    /// Transforms the gradient of the results, adding its sums over the pixels to `sums`, and the image, if
    /// given.
    ///
    /// # Safety
    /// `gradient`, `sums` and `image` have the plan's sizes, and the memory has room for these rows.
    #[inline(always)]
    unsafe fn gather<S: Simd>(&self, simd: S, gradient: &[f32], sums: &mut [f32], image: Option<&[f32]>) {
        let (plan, lines) = (self.plan, self.lines);
        let [channels_in, channels_out] = plan.channels;
        for row in self.rows.clone() {
            let domain = self.domain(self.of_results, row, plan.tiles[1], channels_out / S::PER_WORD);
            let [of_pixels, of_results] = self.by_tiles;
            let by_tiles = image.map(|_| self.domain(of_results, row, self.words::<S>(), channels_out));
            let domains = (domain, by_tiles);
            // SAFETY: the caller's promise.
            unsafe { gather_gradient(simd, plan, row, gradient.as_ptr(), domains, lines, sums) };
            if let Some(image) = image {
                let domain = self.domain(of_pixels, row, self.words::<S>(), channels_in);
                // SAFETY: the caller's promise.
                unsafe { gather_input(simd, plan, row, image.as_ptr(), (domain, Pairs::Tiles), lines) };
            }
        }
    }

    /// Adds a point's gradient to that of the transformed filters.
    ///
    /// # Safety
    /// After [`Self::gather`] with an image; `filters` holds `plan.filters()` elements.
    #[inline(always)]
    unsafe fn add_filter_gradient<S: Simd>(&self, simd: S, point: usize, filters: &mut [f32]) {
        let ([channels_in, channels_out], count) = (self.plan.channels, self.rows.len() * self.words::<S>());
        // SAFETY: the caller's promise; the point lies in the domains and in the filters.
        unsafe {
            let [of_pixels, of_results] = self.by_tiles;
            let of_pixels = of_pixels.add(point * count * channels_in);
            let of_results = of_results.add(point * count * channels_out);
            let of_filters = filters.as_mut_ptr().add(point * channels_in * channels_out);
            multiply_words::<S, true>(
                simd,
                (channels_in, count, channels_out),
                Left { data: of_pixels, stride: channels_in, transposed: true },
                Rows { data: of_results, stride: channels_out },
                Rows { data: of_filters, stride: channels_out },
            );
        }
    }

    /// Computes the gradient of a point's pixels; without pairs, it replaces them.
    ///
    /// # Safety
    /// After [`Self::gather`]; `filters` holds `plan.filters()` elements.
    #[inline(always)]
    unsafe fn pixel_gradient<S: Simd>(&self, simd: S, point: usize, filters: &[f32]) {
        let ([channels_in, channels_out], count) = (self.plan.channels, self.count());
        let words_out = channels_out / S::PER_WORD;
        // SAFETY: the caller's promise; the point lies in the domains and in the filters.
        unsafe {
            let of_pixels = self.of_pixels.add(point * count * channels_in);
            let of_results = self.of_results.add(point * count * words_out);
            let filters = filters.as_ptr().add(point * channels_in * words_out);
            multiply_words::<S, false>(
                simd,
                (count, words_out, channels_in),
                Left { data: of_results, stride: words_out, transposed: false },
                Rows { data: filters, stride: channels_in },
                Rows { data: of_pixels, stride: channels_in },
            );
        }
    }

    /// Writes the gradient of the image for these rows.
    ///
    /// # Safety
    /// After [`Self::pixel_gradient`] of all points and [`Self::scatter`] of the rows above; `out` and the
    /// mask hold `plan.image_in()` elements, `carried` two rows of pixels.
    #[inline(always)]
    unsafe fn scatter<S: Simd>(
        &self,
        simd: S,
        out: &mut [f32],
        finish: FinishGradient<'_>,
        carried: *mut f32,
    ) {
        let (plan, lines) = (self.plan, self.lines);
        for row in self.rows.clone() {
            let domain = self.domain(self.of_pixels, row, plan.tiles[1], plan.channels[0]);
            // SAFETY: the caller's promise.
            unsafe {
                scatter_input_gradient(simd, plan, row, domain, out.as_mut_ptr(), finish, (lines, carried));
            }
        }
    }
}
