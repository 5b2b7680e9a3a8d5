//! The sizes of a 3×3 convolution of one image, and the tiles that cover it.

use crate::conv2d::Border;
use crate::simd::padded;

/// A 3×3 convolution with stride 1 and padding 1 of images of one size, channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Rows and columns of the image and of the result.
    pub(crate) size: [usize; 2],
    /// Channels of the image, and of the result, as stored: multiples of [`BLOCK`](crate::simd::BLOCK).
    pub(crate) channels: [usize; 2],
    pub(crate) border: Border,
    /// Rows and columns of a tile of results.
    pub(crate) tile: usize,
    /// Rows and columns of tiles.
    pub(crate) tiles: [usize; 2],
}

/// Tile sizes that have transforms.
pub(crate) const TILES: [usize; 4] = [2, 3, 4, 5];

impl Plan {
    /// The cheapest plan for images of this size. `channels` are counted without padding.
    pub(crate) fn new(size: [usize; 2], channels: [usize; 2], border: Border) -> Self {
        let plans = TILES.map(|tile| Self::with_tile(tile, size, channels, border));
        let mut best = plans[0];
        for plan in plans {
            if plan.cost() < best.cost() {
                best = plan;
            }
        }
        best
    }

    pub(crate) fn with_tile(tile: usize, size: [usize; 2], channels: [usize; 2], border: Border) -> Self {
        let tiles = size.map(|pixels| pixels.div_ceil(tile));
        Self { size, channels: channels.map(padded), border, tile, tiles }
    }

    /// Vector operations an image takes, up to a factor: the products, and the transforms of its tiles.
    fn cost(&self) -> usize {
        let a = self.tile + 2;
        let tiles = self.tiles[0] * self.tiles[1];
        let [channels_in, channels_out] = self.channels;
        let products = tiles * a * a * channels_in * channels_out;
        let transforms = tiles * a * (a + self.tile) * 4 * (channels_in + channels_out);
        products + transforms
    }

    /// Points of the transformed domain.
    pub(crate) fn points(&self) -> usize {
        (self.tile + 2) * (self.tile + 2)
    }

    /// Elements of the image.
    pub(crate) fn image_in(&self) -> usize {
        self.size[0] * self.size[1] * self.channels[0]
    }

    /// Elements of the result.
    pub(crate) fn image_out(&self) -> usize {
        self.size[0] * self.size[1] * self.channels[1]
    }

    /// Elements of the transformed filters.
    pub(crate) fn filters(&self) -> usize {
        self.points() * self.channels[0] * self.channels[1]
    }

    /// Columns of pixels under a row of tiles.
    pub(super) fn span(&self) -> usize {
        self.tiles[1] * self.tile + 2
    }
}
