//! The sizes of a 3×3 convolution of one image, and the tiles that cover it.

use std::ops::Range;

use crate::geometry::{Border, Geometry};
use crate::precision::Precision;
use crate::simd::{BLOCK, padded};

/// A 3×3 convolution with stride 1, and padding 1 or none, of images of one size, channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Rows and columns of the image.
    pub(crate) size: [usize; 2],
    /// Rows and columns of the result.
    pub(crate) size_out: [usize; 2],
    /// Channels of the image, and of the result, as stored: multiples of [`BLOCK`](crate::simd::BLOCK).
    pub(crate) channels: [usize; 2],
    /// Pixels of the border on each side of the image: 0 or 1.
    pub(crate) padding: usize,
    /// What the border holds; `Zeros` if there is none.
    pub(crate) border: Border,
    /// Rows and columns of a tile of results.
    pub(crate) tile: [usize; 2],
    /// Rows and columns of tiles.
    pub(crate) tiles: [usize; 2],
}

/// The sizes of tiles along an axis for which there are transforms.
const TILES: [usize; 6] = [2, 3, 4, 5, 6, 7];

/// Factors by which the transforms along an axis magnify rounding errors, for each of [`TILES`]: the root
/// mean square over the results of `Σ A² · ΣG² · ΣB²`, for the points in `coefficients`.
const MAGNIFICATION: [f64; 6] = [2.2, 2.8, 3.8, 5.3, 7.9, 11.9];
/// Maximum product of the magnifications of both axes: it gives a relative error of less than 2e-6 after the
/// eight convolutions of the paper's refiner.
const MOST_MAGNIFICATION: f64 = 64.0;
/// The maximum for more than [`MANY`] channels, whose longer sums have rounding errors of their own.
const MOST_MAGNIFICATION_OF_MANY: f64 = 45.0;
const MANY: usize = 64;
/// The maximum for arbitrary numbers, such as images of both signs: it gives a relative error of less than
/// 2e-6 after one convolution.
const MOST_MAGNIFICATION_OF_ANY: f64 = 30.0;
/// The maximum for factors of bf16, whose rounding errors are 65,000 times as large: images of a refiner trained
/// on eyes then differ by up to 0.4 of 255 levels from those of `f32`; with tiles of 4 × 4, by 0.8.
const MOST_MAGNIFICATION_IN_BF16: f64 = 11.0;
/// Minimum number of tiles. With fewer, each transformed filter is used too rarely to be worth fetching: on
/// the discriminator's third layer, six tiles made a step 5 % slower.
const FEWEST_TILES: usize = 24;
/// Cost of transforming one element of the filters, in the units of [`Plan::cost`].
const FILTERS: usize = 16;

impl Plan {
    /// Chooses the cheapest plan for images of this size that is accurate enough for a refiner. `channels`
    /// are counted without padding.
    pub(crate) fn new(size: [usize; 2], channels: [usize; 2], border: Border, precision: Precision) -> Self {
        let mut best = Self::with_tile([2, 2], size, channels, border);
        for tile in Self::tiles(channels, precision) {
            let plan = Self::with_tile(tile, size, channels, border);
            if plan.cost(precision) < best.cost(precision) {
                best = plan;
            }
        }
        best
    }

    /// Chooses the cheapest plan that is accurate enough for arbitrary numbers; `None` if the tiles do not
    /// support the convolution or convolving directly is cheaper.
    pub(crate) fn of_convolution(geometry: &Geometry, precision: Precision) -> Option<Self> {
        let Geometry { kernel, options, images, size_in: size, channels_in, channels_out, .. } = *geometry;
        if kernel != [3, 3] || options.stride != 1 || options.padding > 1 {
            return None;
        }
        let channels = [channels_in, channels_out];
        let most = match precision {
            Precision::F32 => MOST_MAGNIFICATION_OF_ANY,
            Precision::Bf16 => MOST_MAGNIFICATION_IN_BF16,
        };
        let plans = Self::tiles_within(most)
            .map(|tile| Self::with_tile(tile, size, channels, options.border).with_padding(options.padding));
        let plans = plans.filter(|plan| plan.tiles[0] * plan.tiles[1] >= FEWEST_TILES);
        let plan = plans.min_by_key(|plan| plan.cost(precision))?;
        let products = geometry.size_out[0] * geometry.size_out[1] * 9 * channels_in * padded(channels_out);
        let directly = images * products / precision.per_word();
        let cheaper = images * plan.cost(precision) + FILTERS * plan.filters() < directly;
        cheaper.then_some(plan)
    }

    /// All tiles that are accurate enough for a refiner with this many channels.
    pub(crate) fn tiles(channels: [usize; 2], precision: Precision) -> impl Iterator<Item = [usize; 2]> {
        Self::tiles_within(match precision {
            Precision::F32 if channels[0].max(channels[1]) > MANY => MOST_MAGNIFICATION_OF_MANY,
            Precision::F32 => MOST_MAGNIFICATION,
            Precision::Bf16 => MOST_MAGNIFICATION_IN_BF16,
        })
    }

    fn tiles_within(most: f64) -> impl Iterator<Item = [usize; 2]> {
        let axis = || TILES.into_iter().zip(MAGNIFICATION);
        axis().flat_map(move |(rows, down)| {
            axis().filter(move |(_, across)| down * across <= most).map(move |(columns, _)| [rows, columns])
        })
    }

    pub(crate) fn with_tile(
        tile: [usize; 2],
        size: [usize; 2],
        channels: [usize; 2],
        border: Border,
    ) -> Self {
        let tiles = [size[0].div_ceil(tile[0]), size[1].div_ceil(tile[1])];
        Self { size, size_out: size, channels: channels.map(padded), padding: 1, border, tile, tiles }
    }

    /// The same tiles for another padding: 1, or none, for images of at least 3×3 pixels.
    pub(crate) fn with_padding(self, padding: usize) -> Self {
        if padding == self.padding {
            return self;
        }
        let size_out = self.size.map(|pixels| pixels - 2);
        let tiles = [size_out[0].div_ceil(self.tile[0]), size_out[1].div_ceil(self.tile[1])];
        Self { size_out, padding: 0, border: Border::Zeros, tiles, ..self }
    }

    /// The vector operations of an image, up to a factor: the products, and the transforms of pixels and of
    /// results along both axes, whose loads and stores double the cost of their arithmetic.
    fn cost(&self, precision: Precision) -> usize {
        let ([rows, columns], [down, across]) = (self.tile, self.windows());
        let [channels_in, channels_out] = self.channels;
        let products = down * across * channels_in * channels_out / precision.per_word();
        let input = (columns * down * down + down * across * across) * channels_in;
        let output = (columns * down * rows + down * across * columns) * channels_out;
        self.tiles[0] * self.tiles[1] * (products + input + output)
    }

    /// The factor by which the transforms magnify rounding errors.
    #[cfg(test)]
    pub(super) fn magnification(&self) -> f64 {
        self.tile.map(|tile| MAGNIFICATION[tile - TILES[0]]).iter().product()
    }

    /// Rows and columns of the pixels that a tile needs, and of its points.
    pub(crate) fn windows(&self) -> [usize; 2] {
        self.tile.map(|results| results + 2)
    }

    /// Points of the transformed domain.
    pub(crate) fn points(&self) -> usize {
        self.windows()[0] * self.windows()[1]
    }

    /// Elements of the image.
    pub(crate) fn image_in(&self) -> usize {
        self.size[0] * self.size[1] * self.channels[0]
    }

    /// Elements of the result.
    pub(crate) fn image_out(&self) -> usize {
        self.size_out[0] * self.size_out[1] * self.channels[1]
    }

    /// Elements of some rows of tiles of the result.
    pub(crate) fn rows_out(&self, rows: &Range<usize>) -> usize {
        let pixels = |row: usize| (row * self.tile[0]).min(self.size_out[0]);
        (pixels(rows.end) - pixels(rows.start)) * self.size_out[1] * self.channels[1]
    }

    /// Elements of the transformed filters.
    pub(crate) fn filters(&self) -> usize {
        self.points() * self.channels[0] * self.channels[1]
    }

    /// Columns of pixels that a row of tiles needs.
    pub(super) fn span(&self) -> usize {
        self.tiles[1] * self.tile[1] + 2
    }

    /// Elements of the values between the transforms along the two axes.
    pub(super) fn lines(&self) -> usize {
        self.windows()[0] * self.span() * BLOCK
    }
}
