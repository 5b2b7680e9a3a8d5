//! Matrix products of small matrices in cache, from registers up.

use crate::simd::{BLOCK, Simd, Task};

/// Where the left factor's elements lie: element `(row, k)`.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) data: *const f32,
    pub(crate) stride: usize,
    /// Whether `stride` separates the `k`, not the rows; the others are neighbours.
    pub(crate) transposed: bool,
}

/// Rows `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows<P> {
    pub(crate) data: P,
    pub(crate) stride: usize,
}

/// `(rows, depth, columns)` of a product.
pub(crate) type Sizes = (usize, usize, usize);

/// `out = left · right`, or `out += left · right` if `ACCUMULATE`.
///
/// # Safety
/// `columns` is a multiple of [`BLOCK`]; `left` covers `rows × depth` readable elements, `right` `depth × columns`, and `out`
/// `rows × columns` writable elements that overlap neither (readable and initialized too, if `ACCUMULATE`).
#[inline(always)]
pub(crate) unsafe fn multiply<S: Simd, const ACCUMULATE: bool>(
    simd: S,
    sizes: Sizes,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
) {
    // A function of its own, else every caller would hold a copy.
    simd.run(Multiply::<ACCUMULATE> { sizes, left, right, out });
}

/// Only [`multiply`] makes one, and its caller keeps its contract.
struct Multiply<const ACCUMULATE: bool> {
    sizes: Sizes,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
}

impl<const ACCUMULATE: bool> Task for Multiply<ACCUMULATE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sizes: (rows, depth, columns), left, right, out } = self;
        debug_assert_eq!(columns % BLOCK, 0);
        let wide = 2 * S::LANES;
        let blocks = rows.div_ceil(S::ROWS);
        let mut column = 0;
        while column < columns {
            // Where two vectors make a block, a single one never is left over.
            let pair = wide <= BLOCK || column + wide <= columns;
            let mut row = 0;
            for block in 0..blocks {
                // Equal shares: a last block of one row would waste most of the registers.
                let count = (rows - row).div_ceil(blocks - block);
                // SAFETY: row < rows, column < columns: the addresses stay inside the matrices that the caller of `multiply` vouches
                // for, and the block of `count` rows and one or two vectors of columns does too.
                unsafe {
                    let start = if left.transposed { row } else { row * left.stride };
                    let left = Left { data: left.data.add(start), ..left };
                    let right = Rows { data: right.data.add(column), ..right };
                    let out = Rows { data: out.data.add(row * out.stride + column), ..out };
                    match (left.transposed, pair) {
                        (false, true) => {
                            tile::<S, ACCUMULATE, false, 2>(simd, count, depth, left, right, out);
                        }
                        (false, false) => {
                            tile::<S, ACCUMULATE, false, 1>(simd, count, depth, left, right, out);
                        }
                        (true, true) => {
                            tile::<S, ACCUMULATE, true, 2>(simd, count, depth, left, right, out);
                        }
                        (true, false) => {
                            tile::<S, ACCUMULATE, true, 1>(simd, count, depth, left, right, out);
                        }
                    }
                }
                row += count;
            }
            column += if pair { wide } else { S::LANES };
        }
    }
}

/// # Safety
/// As [`multiply`], for `rows <= S::ROWS` and `VECTORS` vectors of columns.
#[inline(always)]
unsafe fn tile<S: Simd, const ACCUMULATE: bool, const TRANSPOSED: bool, const VECTORS: usize>(
    simd: S,
    rows: usize,
    depth: usize,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
) {
    macro_rules! of_rows {
        ($($count:literal)*) => {
            match rows {
                $(
                    // A constant condition: counts that this vector type does not use are not compiled.
                    $count if $count <= S::ROWS => {
                        // SAFETY: the caller's promise.
                        unsafe { registers::<S, ACCUMULATE, TRANSPOSED, VECTORS, $count>(simd, depth, left, right, out); }
                    }
                )*
                _ => {}
            }
        };
    }
    of_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
}

/// The product of `ROWS` rows and `VECTORS` vectors of columns, its sums in registers.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn registers<
    S: Simd,
    const ACCUMULATE: bool,
    const TRANSPOSED: bool,
    const VECTORS: usize,
    const ROWS: usize,
>(
    simd: S,
    depth: usize,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
) {
    let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
    let mut left_at = left.data;
    let mut right_at = right.data;
    // SAFETY: step k reads row k of `right` and column k of `left`; the pointers move on only as far as one step past the last.
    unsafe {
        if ACCUMULATE {
            for (row, sums) in sums.iter_mut().enumerate() {
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = simd.load(out.data.add(row * out.stride + vector * S::LANES));
                }
            }
        }
        for _ in 0..depth {
            let factors: [S::Vector; VECTORS] =
                std::array::from_fn(|vector| simd.load(right_at.add(vector * S::LANES)));
            for (row, sums) in sums.iter_mut().enumerate() {
                let offset = if TRANSPOSED { row } else { row * left.stride };
                let factor = simd.splat(*left_at.add(offset));
                for (sum, right) in sums.iter_mut().zip(factors) {
                    *sum = simd.mul_add(factor, right, *sum);
                }
            }
            left_at = left_at.wrapping_add(if TRANSPOSED { left.stride } else { 1 });
            right_at = right_at.wrapping_add(right.stride);
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, &sum) in sums.iter().enumerate() {
                simd.store(out.data.add(row * out.stride + vector * S::LANES), sum);
            }
        }
    }
}
