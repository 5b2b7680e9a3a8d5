//! Products of small matrices that lie in cache, with the sums held in registers.

use std::mem::MaybeUninit;

use crate::amx;
use crate::simd::{BLOCK, Simd, Task, array};

/// The left factor: where element `(row, k)` lies.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) data: *const f32,
    pub(crate) stride: usize,
    /// If set, consecutive `k` are `stride` apart and rows adjacent; otherwise rows are `stride` apart and
    /// `k` adjacent.
    pub(crate) transposed: bool,
}

/// A matrix of contiguous rows, `stride` apart.
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
/// `columns` is a multiple of [`BLOCK`]; `left` covers `rows × depth` readable elements, `right`
/// `depth × columns`, and `out` `rows × columns` writable elements that overlap neither (readable and
/// initialized too, if `ACCUMULATE`).
#[inline(always)]
pub(crate) unsafe fn multiply<S: Simd, const ACCUMULATE: bool>(
    simd: S,
    sizes: Sizes,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
) {
    // `run` compiles this as a function of its own; inlined, every caller would hold a copy.
    simd.run(Multiply::<ACCUMULATE, false> { sizes, left, right, out });
}

/// Like [`multiply`], for factors of words, which hold [`Simd::PER_WORD`] numbers along the depth: `sizes`
/// and strides count words.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
pub(crate) unsafe fn multiply_words<S: Simd, const ACCUMULATE: bool>(
    simd: S,
    sizes: Sizes,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
) {
    if S::PAIRS {
        if let (Some(tiles), true) = (simd.amx(), amx::serves(sizes)) {
            // SAFETY: the caller's promise.
            unsafe { amx::multiply::<ACCUMULATE>(tiles, sizes, left, right, out) };
            return;
        }
        simd.run(Multiply::<ACCUMULATE, true> { sizes, left, right, out });
    } else {
        simd.run(Multiply::<ACCUMULATE, false> { sizes, left, right, out });
    }
}

/// The task of [`multiply`] and [`multiply_words`]. Nothing else constructs it, so their safety contract holds
/// here.
struct Multiply<const ACCUMULATE: bool, const WORDS: bool> {
    sizes: Sizes,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
}

impl<const ACCUMULATE: bool, const WORDS: bool> Task for Multiply<ACCUMULATE, WORDS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sizes: (rows, depth, columns), left, right, out } = self;
        debug_assert_eq!(columns % BLOCK, 0);
        let wide = 2 * S::LANES;
        let chains = if !WORDS && depth > CHAIN { S::CHAINS } else { 1 };
        let most = S::ROWS / chains;
        let blocks = rows.div_ceil(most);
        let fewest = if WORDS { FEWEST_PACKED / 2 } else { FEWEST_PACKED };
        let packs = right.stride >= FAR && (fewest..=MOST_PACKED).contains(&depth) && blocks >= 4;
        let mut packed = MaybeUninit::<Packed>::uninit();
        let packed = (&raw mut packed).cast::<f32>();
        let mut column = 0;
        while column < columns {
            // One vector of columns can be left over only where a pair is wider than `BLOCK`, with AVX-512.
            let pair = wide <= BLOCK || column + wide <= columns;
            let mut panel = Rows { data: right.data.wrapping_add(column), ..right };
            if packs {
                let vectors = if pair { 2 } else { 1 };
                for k in 0..depth {
                    for vector in 0..vectors {
                        // SAFETY: row k and these columns lie inside `right`, by the caller's promise, and
                        // `packed` has room for `MOST_PACKED` rows of two of the widest vectors.
                        unsafe {
                            let from = panel.data.add(k * right.stride + vector * S::LANES);
                            let to = packed.add((k * vectors + vector) * S::LANES);
                            simd.store(to, simd.load(from));
                        }
                    }
                }
                panel = Rows { data: packed.cast_const(), stride: vectors * S::LANES };
            }
            let mut row = 0;
            for block in 0..blocks {
                // Equal shares: a last block of one row would waste most of the registers.
                let count = (rows - row).div_ceil(blocks - block);
                // SAFETY: row < rows and column < columns, so the addresses, and the block of `count` rows
                // and one or two vectors of columns, stay inside the matrices that the caller of `multiply`
                // vouches for.
                unsafe {
                    let start = if left.transposed { row } else { row * left.stride };
                    let left = Left { data: left.data.add(start), ..left };
                    let right = panel;
                    let out = Rows { data: out.data.add(row * out.stride + column), ..out };
                    let block = Block { rows: count, chains, depth, left, right, out };
                    match (left.transposed, pair) {
                        (false, true) => block.tile::<S, ACCUMULATE, WORDS, false, 2>(simd),
                        (false, false) => block.tile::<S, ACCUMULATE, WORDS, false, 1>(simd),
                        (true, true) => block.tile::<S, ACCUMULATE, WORDS, true, 2>(simd),
                        (true, false) => block.tile::<S, ACCUMULATE, WORDS, true, 1>(simd),
                    }
                }
                row += count;
            }
            column += if pair { wide } else { S::LANES };
        }
    }
}

/// Elements between rows of a right factor from which on its columns are packed: its rows then fall into so
/// few sets of the first-level cache that they would evict each other.
const FAR: usize = 128;
/// Minimum depth of a product whose right factor is packed, and maximum: that of the memory on the stack.
const FEWEST_PACKED: usize = 48;
const MOST_PACKED: usize = 512;

/// Memory for packed columns, two of the widest vectors for each row.
#[repr(align(64))]
#[expect(dead_code, reason = "only its size and alignment matter")]
struct Packed([f32; 2 * BLOCK * MOST_PACKED]);

/// Maximum number of products added one after another. Rounding errors grow with the square root of a chain's
/// length: for 64 products, four chains of 16 have half the error of one chain of 64. They cost nothing,
/// since independent chains also hide the latency of an addition.
const CHAIN: usize = 16;

/// A block of the product whose sums fit in registers.
#[derive(Clone, Copy)]
struct Block {
    rows: usize,
    /// Partial sums of each element, added up at the end.
    chains: usize,
    depth: usize,
    left: Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
}

impl Block {
    /// # Safety
    /// As [`multiply`], for `rows * chains <= S::ROWS` and `VECTORS` vectors of columns.
    #[inline(always)]
    unsafe fn tile<
        S: Simd,
        const ACCUMULATE: bool,
        const WORDS: bool,
        const TRANSPOSED: bool,
        const VECTORS: usize,
    >(
        self,
        simd: S,
    ) {
        macro_rules! of_rows {
            ($(($chains:literal, $rows:literal))*) => {
                match (self.chains, self.rows) {
                    $(
                        // The guard is constant, so shapes that this vector type never uses are not compiled.
                        ($chains, $rows)
                            if $rows * $chains <= S::ROWS
                                && ($chains == 1 || !WORDS && $chains == S::CHAINS) =>
                        {
                            // SAFETY: the caller's promise.
                            unsafe { self.sum::<S, ACCUMULATE, WORDS, TRANSPOSED, VECTORS, $rows, $chains>(simd); }
                        }
                    )*
                    _ => {}
                }
            };
        }
        of_rows!((1, 1)(1, 2)(1, 3)(1, 4)(1, 5)(1, 6)(1, 7)(1, 8)(1, 9)(1, 10)(1, 11)(1, 12)(1, 13)(1, 14)(
            2, 1
        )(2, 2)(2, 3)(4, 1)(4, 2)(4, 3));
    }

    /// Computes `ROWS` rows and `VECTORS` vectors of columns of the product, with the sums in registers.
    ///
    /// # Safety
    /// As [`multiply`].
    #[inline(always)]
    unsafe fn sum<
        S: Simd,
        const ACCUMULATE: bool,
        const WORDS: bool,
        const TRANSPOSED: bool,
        const VECTORS: usize,
        const ROWS: usize,
        const CHAINS: usize,
    >(
        self,
        simd: S,
    ) {
        let Self { depth, left, right, out, .. } = self;
        let (left_step, left_row) = if TRANSPOSED { (left.stride, 1) } else { (1, left.stride) };
        let (mut left_at, mut right_at) = (left.data, right.data);
        let mut add_to_out = ACCUMULATE;
        let mut done = 0;
        loop {
            // Numbers of bf16 have larger errors than a long chain of sums.
            let part = if WORDS { depth } else { (depth - done).min(CHAINS * CHAIN) };
            done += part;
            let mut sums = [[[simd.splat(0.0); VECTORS]; ROWS]; CHAINS];
            // SAFETY: step k reads row k of `right` and column k of `left`; the pointers advance at most one
            // step past the last. `out` is read only if it accumulates, or after the previous part wrote it.
            unsafe {
                for _ in 0..part / CHAINS {
                    for sums in &mut sums {
                        step::<S, WORDS, VECTORS, ROWS>(simd, left_at, left_row, right_at, sums);
                        left_at = left_at.wrapping_add(left_step);
                        right_at = right_at.wrapping_add(right.stride);
                    }
                }
                for _ in 0..part % CHAINS {
                    step::<S, WORDS, VECTORS, ROWS>(simd, left_at, left_row, right_at, &mut sums[0]);
                    left_at = left_at.wrapping_add(left_step);
                    right_at = right_at.wrapping_add(right.stride);
                }
                for row in 0..ROWS {
                    for vector in 0..VECTORS {
                        let mut sum = sums[0][row][vector];
                        for chain in &sums[1..] {
                            sum = simd.add(sum, chain[row][vector]);
                        }
                        let at = out.data.add(row * out.stride + vector * S::LANES);
                        simd.store(at, if add_to_out { simd.add(sum, simd.load(at)) } else { sum });
                    }
                }
            }
            if done == depth {
                return;
            }
            add_to_out = true;
        }
    }
}

/// Adds the products of a column of `left` and a row of `right` to `sums`.
///
/// # Safety
/// `ROWS` elements `row` apart can be read from `left`, and `VECTORS` vectors from `right`.
#[inline(always)]
unsafe fn step<S: Simd, const WORDS: bool, const VECTORS: usize, const ROWS: usize>(
    simd: S,
    left: *const f32,
    row: usize,
    right: *const f32,
    sums: &mut [[S::Vector; VECTORS]; ROWS],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let factors: [S::Vector; VECTORS] = array!(simd, |vector| simd.load(right.add(vector * S::LANES)));
        for (at, sums) in sums.iter_mut().enumerate() {
            let factor = simd.splat(*left.add(at * row));
            for (sum, right) in sums.iter_mut().zip(factors) {
                *sum = if WORDS {
                    simd.add_products(factor, right, *sum)
                } else {
                    simd.mul_add(factor, right, *sum)
                };
            }
        }
    }
}
