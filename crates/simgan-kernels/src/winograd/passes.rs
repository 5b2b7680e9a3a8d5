//! Moves data between images and the transformed domain, a row of tiles at a time.
//!
//! The domain is laid out `[point][tile][channel]`, with the points `[vertical][horizontal]`. A pass handles
//! one vector of channels of a row of tiles at a time: it transforms all columns along one axis, then all
//! along the other. In between, the values lie in `lines`, `[point or row][column][lane]`, which fits the
//! first-level cache. The transforms are compiled for each size of tiles along an axis.

use super::plan::Plan;
use super::transforms::{input, output};
use super::with_tile;
use crate::geometry::Border;
use crate::simd::{Simd, array};

/// What rows outside the image hold with a border of zeros.
static ZEROS: [f32; crate::simd::BLOCK] = [0.0; crate::simd::BLOCK];

/// Along which axis two numbers share a word, where products take pairs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairs {
    Channels,
    Tiles,
}

/// A part of the transformed domain: some tiles of each point. The current row of tiles begins at tile
/// `first`. As the factor of a product, it consists of words; tiles or channels then count as many fewer.
#[derive(Clone, Copy)]
pub(super) struct Domain {
    pub(super) data: *mut f32,
    /// Elements from one point to the next.
    pub(super) point: usize,
    pub(super) first: usize,
    pub(super) channels: usize,
}

impl Domain {
    /// # Safety
    /// The domain holds the point, the tile and the channel.
    #[inline(always)]
    pub(super) unsafe fn at(&self, point: usize, tile: usize, channel: usize) -> *mut f32 {
        // SAFETY: the caller's promise.
        unsafe { self.data.add(point * self.point + (self.first + tile) * self.channels + channel) }
    }
}

/// What is applied to a result before it is written: bias, residual and ReLU, in this order.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    /// Added to each channel.
    pub(crate) bias: &'a [f32],
    pub(crate) residual: Residual<'a>,
    pub(crate) relu: bool,
}

/// What is added to each element of a result.
#[derive(Clone, Copy)]
pub(crate) enum Residual<'a> {
    None,
    Of(&'a [f32]),
    /// The contents of the output.
    InPlace,
}

/// Reads a column of `ROWS` pixels of a channels-last image. Rows outside the image are zeros or repeat the
/// nearest row.
#[derive(Clone, Copy)]
pub(super) struct Column<const ROWS: usize> {
    rows: [*const f32; ROWS],
    steps: [usize; ROWS],
}

impl<const ROWS: usize> Column<ROWS> {
    /// Addresses the rows from `first` on, which may be −1, of an image of `height × width` pixels, starting
    /// at `channel`.
    ///
    /// # Safety
    /// `image` holds the image, and the channels from `channel` on.
    #[inline(always)]
    pub(super) unsafe fn new(
        image: *const f32,
        [height, width]: [usize; 2],
        channels: usize,
        channel: usize,
        first: isize,
        border: Border,
    ) -> Self {
        // With step 0, a row outside reads the same zeros in every column.
        let mut column = Self { rows: [ZEROS.as_ptr(); ROWS], steps: [0; ROWS] };
        for (i, (row, step)) in column.rows.iter_mut().zip(&mut column.steps).enumerate() {
            let wanted = first + i as isize;
            let nearest = wanted.clamp(0, height as isize - 1);
            if wanted == nearest || border == Border::Replicate {
                // SAFETY: `nearest` is a row of the image.
                *row = unsafe { image.add(nearest as usize * width * channels + channel) };
                *step = channels;
            }
        }
        column
    }

    /// # Safety
    /// `x` is a column of the image.
    #[inline(always)]
    pub(super) unsafe fn load<S: Simd>(&self, simd: S, x: usize) -> [S::Vector; ROWS] {
        // SAFETY: row pointers address pixel 0 of a row and `LANES` channels, or zeros with step 0.
        array!(simd, |i| unsafe { simd.load(self.rows[i].add(x * self.steps[i])) })
    }
}

/// The values of a row of tiles between the transforms along its two axes: `[point or row][column][lane]`.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub(super) data: *mut f32,
    /// Number of columns.
    pub(super) span: usize,
}

impl Lines {
    #[inline(always)]
    pub(super) fn at<S: Simd>(self, line: usize, x: usize) -> *mut f32 {
        self.data.wrapping_add((line * self.span + x) * S::LANES)
    }
}

/// One vector of channels, from `channel` on, of a row of tiles.
#[derive(Clone, Copy)]
pub(super) struct Strip<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tile_row: usize,
    pub(super) channel: usize,
    pub(super) domain: Domain,
    pub(super) lines: Lines,
}

/// Transforms the pixels of the row of tiles `tile_row` to the domain: `V = Bᵀ d B`.
///
/// # Safety
/// `image` holds `plan.image_in()` elements, `domain` all points of the row's tiles with `plan.channels[0]`
/// channels as words, `lines` `plan.lines()` elements; none overlap.
#[inline(always)]
pub(super) unsafe fn gather_input<S: Simd>(
    simd: S,
    plan: &Plan,
    tile_row: usize,
    image: *const f32,
    (domain, pairs): (Domain, Pairs),
    lines: Lines,
) {
    for channel in (0..plan.channels[0]).step_by(S::LANES) {
        let strip = Strip { plan, tile_row, channel, domain, lines };
        // SAFETY: the caller's promise.
        unsafe {
            with_tile!(plan.tile[0], S, input_down(simd, strip, image));
            with_tile!(plan.tile[1], S, input_across(simd, strip, pairs));
        }
    }
}

/// # Safety
/// As [`gather_input`].
#[inline(always)]
unsafe fn input_down<S: Simd, const M: usize, const A: usize>(simd: S, strip: Strip<'_>, image: *const f32) {
    let Strip { plan, tile_row, channel, lines, .. } = strip;
    let (width, padding) = (plan.size[1], plan.padding);
    // SAFETY: columns 0..span of the A lines are written; the pixels read lie in the image (see `Column`).
    unsafe {
        let first = (tile_row * M) as isize - padding as isize;
        let column = Column::<A>::new(image, plan.size, plan.channels[0], channel, first, plan.border);
        for x in 0..width {
            let points = input::<S, A>(simd, column.load(simd, x));
            for (j, &point) in points.iter().enumerate() {
                simd.store(lines.at::<S>(j, x + padding), point);
            }
        }
        for j in 0..A {
            let edge = |x: usize| match plan.border {
                Border::Zeros => simd.splat(0.0),
                Border::Replicate => simd.load(lines.at::<S>(j, x)),
            };
            if padding > 0 {
                simd.store(lines.at::<S>(j, 0), edge(padding));
            }
            let behind = edge(padding + width - 1);
            // The last tile may reach past the border; results computed from its surplus pixels are never
            // written.
            for x in padding + width..lines.span {
                simd.store(lines.at::<S>(j, x), behind);
            }
        }
    }
}

/// # Safety
/// As [`gather_input`], after [`input_down`].
#[inline(always)]
unsafe fn input_across<S: Simd, const M: usize, const A: usize>(simd: S, strip: Strip<'_>, pairs: Pairs) {
    let points = InputPoints::<M>(strip.lines);
    // SAFETY: the caller's promise.
    unsafe {
        match pairs {
            Pairs::Channels => strip.store_by_channels::<S, A>(simd, points),
            Pairs::Tiles => strip.store_by_tiles::<S, A>(simd, points),
        }
    }
}

/// The points of a tile on a line between the transforms along the two axes. A trait, because a closure would
/// not be compiled for the vectors.
pub(super) trait Points<S: Simd, const A: usize>: Copy {
    /// Must be `#[inline(always)]`.
    ///
    /// # Safety
    /// The line and the tile exist.
    unsafe fn of(self, simd: S, line: usize, tile: usize) -> [S::Vector; A];
}

/// Those of pixels, for tiles of `M` results.
#[derive(Clone, Copy)]
struct InputPoints<const M: usize>(Lines);

impl<S: Simd, const M: usize, const A: usize> Points<S, A> for InputPoints<M> {
    #[inline(always)]
    unsafe fn of(self, simd: S, line: usize, tile: usize) -> [S::Vector; A] {
        // SAFETY: columns 0..span of all lines are read.
        let pixels = array!(simd, |i| unsafe { simd.load(self.0.at::<S>(line, tile * M + i)) });
        input::<S, A>(simd, pixels)
    }
}

impl Strip<'_> {
    /// Stores the points with the channels in pairs.
    ///
    /// # Safety
    /// The domain holds all points of the row's tiles.
    #[inline(always)]
    pub(super) unsafe fn store_by_channels<S: Simd, const A: usize>(
        &self,
        simd: S,
        points: impl Points<S, A>,
    ) {
        let Self { plan, channel, domain, .. } = *self;
        for tile in 0..plan.tiles[1] {
            for j in 0..plan.windows()[0] {
                // SAFETY: the caller's promise.
                unsafe {
                    for (i, &point) in points.of(simd, j, tile).iter().enumerate() {
                        simd.store_words(domain.at(j * A + i, tile, channel / S::PER_WORD), point);
                    }
                }
            }
        }
    }

    /// Stores the points with the tiles in pairs; a last tile
    /// without another is paired with zeros.
    ///
    /// # Safety
    /// The domain holds all points of the row's tiles.
    #[inline(always)]
    pub(super) unsafe fn store_by_tiles<S: Simd, const A: usize>(&self, simd: S, points: impl Points<S, A>) {
        let Self { plan, channel, domain, .. } = *self;
        for tile in (0..plan.tiles[1]).step_by(S::PER_WORD) {
            for j in 0..plan.windows()[0] {
                // SAFETY: the caller's promise.
                unsafe {
                    let of_tile = points.of(simd, j, tile);
                    let alone = !S::PAIRS || tile + 1 == plan.tiles[1];
                    let of_next = if alone { [simd.splat(0.0); A] } else { points.of(simd, j, tile + 1) };
                    for i in 0..A {
                        let words = simd.words(of_tile[i], of_next[i]);
                        simd.store(domain.at(j * A + i, tile / S::PER_WORD, channel), words);
                    }
                }
            }
        }
    }
}

/// Transforms the domain to results, `Y = Aᵀ m A`, finishes and writes them. `out` is where the results go,
/// and the row of tiles with which it begins.
///
/// # Safety
/// `domain` holds all points of the row's tiles with `plan.channels[1]` channels. `out` holds the results of
/// the rows of tiles from its first up to this one. A residual outside `out` holds `plan.image_out()`
/// elements, the bias `plan.channels[1]`, and `lines` `plan.lines()`. `out` and `lines` overlap nothing.
#[inline(always)]
pub(super) unsafe fn scatter_output<S: Simd>(
    simd: S,
    plan: &Plan,
    tile_row: usize,
    domain: Domain,
    out: (*mut f32, usize),
    finish: Finish<'_>,
    lines: Lines,
) {
    for channel in (0..plan.channels[1]).step_by(S::LANES) {
        let strip = Strip { plan, tile_row, channel, domain, lines };
        // SAFETY: the caller's promise.
        unsafe {
            with_tile!(plan.tile[1], S, output_across(simd, strip));
            with_tile!(plan.tile[0], S, output_down(simd, strip, out, finish));
        }
    }
}

/// # Safety
/// As [`scatter_output`].
#[inline(always)]
unsafe fn output_across<S: Simd, const M: usize, const A: usize>(simd: S, strip: Strip<'_>) {
    let Strip { plan, channel, domain, lines, .. } = strip;
    // SAFETY: the domain is read inside its bounds; columns 0..tiles * M < span of all lines are written.
    unsafe {
        for tile in 0..plan.tiles[1] {
            for j in 0..plan.windows()[0] {
                let points: [S::Vector; A] = array!(simd, |i| simd.load(domain.at(j * A + i, tile, channel)));
                for (x, &value) in output::<S, M, A>(simd, points).iter().enumerate() {
                    simd.store(lines.at::<S>(j, tile * M + x), value);
                }
            }
        }
    }
}

/// # Safety
/// As [`scatter_output`], after [`output_across`].
#[inline(always)]
unsafe fn output_down<S: Simd, const M: usize, const A: usize>(
    simd: S,
    strip: Strip<'_>,
    (out, first_row): (*mut f32, usize),
    finish: Finish<'_>,
) {
    let Strip { plan, tile_row, channel, lines, .. } = strip;
    let ([height, width], channels) = (plan.size_out, plan.channels[1]);
    let rows = M.min(height - tile_row * M);
    let before = first_row * M * width * channels;
    // SAFETY: columns 0..width < span of the lines are read; only the `rows` rows that the image has are
    // written.
    unsafe {
        let bias = simd.load(finish.bias.as_ptr().add(channel));
        for x in 0..width {
            let points: [S::Vector; A] = array!(simd, |j| simd.load(lines.at::<S>(j, x)));
            let values = output::<S, M, A>(simd, points);
            for (y, &value) in values.iter().enumerate() {
                if y < rows {
                    let place = ((tile_row * M + y) * width + x) * channels + channel;
                    let mut value = simd.add(value, bias);
                    match finish.residual {
                        Residual::None => {}
                        Residual::Of(residual) => {
                            value = simd.add(value, simd.load(residual.as_ptr().add(place)));
                        }
                        Residual::InPlace => value = simd.add(value, simd.load(out.add(place - before))),
                    }
                    if finish.relu {
                        value = simd.relu(value);
                    }
                    simd.store(out.add(place - before), value);
                }
            }
        }
    }
}
