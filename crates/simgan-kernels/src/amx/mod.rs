//! Products of bf16 numbers on the tile registers of AMX, and the convolutions that use them.
//!
//! A tile holds 16 rows of 64 bytes. One instruction multiplies 16 rows of 32 numbers by 32 × 16 others. In the same
//! time, AVX-512 multiplies a sixteenth as many numbers of `f32`, so that convolving directly costs less than
//! Winograd's transforms do.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod absent;
mod chained;
mod convolution;
mod ending;
mod frame;
mod gradients;
mod product;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod x86;

#[cfg(all(test, target_os = "linux"))]
mod tests;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) use self::absent::{Amx, is_present};
pub(crate) use self::chained::Chained;
pub(crate) use self::convolution::{Forward, Plan, Scratch};
pub(crate) use self::gradients::{Backward, Image, flatten, sums};
pub(crate) use self::product::{multiply, serves};
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use self::x86::{Amx, is_present};

/// Rows of a tile, and words in a row: pairs of bf16, or sums of `f32`.
const SIDE: usize = 16;
/// Columns that two tiles hold. The rows of a panel follow each other, so that they use all sets of the first-level
/// cache alike.
pub(crate) const PANEL: usize = 2 * SIDE;
/// Minimum number of words by which a product advances at a time, half of what a tile holds.
const FEWEST_WORDS: usize = 8;

/// A sum of `parts` products of matrices of words: `rows × depth` by `depth × columns` words.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) parts: usize,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// A multiple of 16.
    pub(crate) columns: usize,
}

/// The left factor of each part: contiguous rows, `stride` words apart, of matrices that are `part` words apart.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) data: *const f32,
    pub(crate) stride: usize,
    pub(crate) part: usize,
}

/// The right factor, likewise, in panels of [`PANEL`] columns that begin `panel` words apart.
#[derive(Clone, Copy)]
pub(crate) struct Right {
    pub(crate) data: *const f32,
    pub(crate) stride: usize,
    pub(crate) part: usize,
    pub(crate) panel: usize,
}

/// Returns by how many words a product advances at a time, which divide its depth; `None` if they would fill
/// less than half a tile.
pub(crate) fn step(depth: usize) -> Option<usize> {
    let steps = (depth.div_ceil(SIDE)..=depth / FEWEST_WORDS).find(|&steps| depth.is_multiple_of(steps))?;
    (steps > 0).then(|| depth / steps)
}
