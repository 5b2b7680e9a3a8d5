//! The instructions of AMX. Rust has no stable functions for them, so they are written in assembly.

use std::arch::asm;
use std::arch::x86_64::*;
use std::ops::Range;
use std::sync::OnceLock;

use super::{Left, PANEL, Right, SIDE, Sizes, step};
use crate::product::{self, Rows};

/// Proves that the processor has AMX-BF16 and AVX-512, and that the system lets this process use them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx(());

impl Amx {
    pub(crate) fn detect() -> Option<Self> {
        static ALLOWED: OnceLock<bool> = OnceLock::new();
        ALLOWED.get_or_init(|| has_tiles() && ask_for_tiles()).then_some(Self(()))
    }
}

/// Whether processor and system have AVX-512, tiles, and their products of bf16.
fn has_tiles() -> bool {
    /// AMX-BF16 and AMX-TILE in the features of leaf 7.
    const FEATURES: u32 = 1 << 22 | 1 << 24;
    /// The tiles' configuration and data among the states that the system saves.
    const STATES: u64 = 1 << 17 | 1 << 18;
    #[target_feature(enable = "xsave")]
    fn states() -> u64 {
        // SAFETY: the caller checked that the system lets programs read the register.
        unsafe { _xgetbv(0) }
    }
    let has_avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    // `xsave` is detected only if the system uses it.
    if !has_avx512 || !is_x86_feature_detected!("xsave") || __cpuid(0).eax < 7 {
        return false;
    }
    // SAFETY: `xsave` was just detected.
    let states = unsafe { states() };
    __cpuid_count(7, 0).edx & FEATURES == FEATURES && states & STATES == STATES
}

/// Asks Linux for the tiles' data, which it gives only to processes that want it.
fn ask_for_tiles() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: the call reads and writes no memory of this process; it changes the registers named here.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// The shapes of the eight tiles, as the processor reads them.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    unused: [u8; 15],
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// The sums: of the first and of the second tile of rows, each with two tiles of columns.
const SUMS: [usize; 4] = [0, 1, 2, 3];
/// The factors: two tiles of rows, and two of columns.
const LEFT: [usize; 2] = [4, 5];
const RIGHT: [usize; 2] = [6, 7];

impl Shapes {
    /// Shapes for two tiles of rows, the second maybe of none, that advance by `words`.
    fn new(rows: [usize; 2], words: usize) -> Self {
        let mut shapes = Self { palette: 1, unused: [0; 15], bytes: [0; 16], rows: [0; 16] };
        // A tile of no rows must have no columns either.
        let mut set = |tile: usize, rows: usize, words: usize| {
            shapes.rows[tile] = rows as u8;
            shapes.bytes[tile] = if rows == 0 { 0 } else { 4 * words as u16 };
        };
        for at in 0..2 {
            set(SUMS[2 * at], rows[at], SIDE);
            set(SUMS[2 * at + 1], rows[at], SIDE);
            set(LEFT[at], rows[at], words);
            set(RIGHT[at], words, SIDE);
        }
        shapes
    }
}

/// Tiles in use: shaped for the latest product, and released when dropped, since the system saves tiles in use
/// whenever it switches threads.
pub(crate) struct Tiles {
    /// Rows of both tiles of rows, and the words by which they advance.
    shaped: Option<([usize; 2], usize)>,
}

impl Amx {
    pub(crate) fn tiles(self) -> Tiles {
        Tiles { shaped: None }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: an `Amx` made this value, which proves that the instruction exists.
        unsafe { release() };
    }
}

impl Tiles {
    /// `out = Σ left · right`, or `out += Σ left · right` if `ACCUMULATE`; the sum is over the parts.
    ///
    /// # Safety
    /// [`step`] divides the depth and `columns` is a multiple of 16; `left` covers `rows × depth` readable
    /// words in each part, `right` `depth × columns`, and `out` `rows × columns` writable elements that overlap
    /// neither (readable and initialized too, if `ACCUMULATE`). Addresses need not be aligned.
    pub(crate) unsafe fn multiply<const ACCUMULATE: bool>(
        &mut self,
        sizes: Sizes,
        left: Left,
        right: Right,
        out: Rows<*mut f32>,
    ) {
        let Sizes { parts, rows, depth, columns } = sizes;
        debug_assert_eq!(columns % SIDE, 0);
        let Some(words) = step(depth) else {
            unreachable!("the caller asked whether a step divides {depth}")
        };
        // Whole blocks, and then what is left, whose tiles have other shapes.
        let whole = rows / (2 * SIDE) * (2 * SIDE);
        for (from, to) in [(0, whole), (whole, rows)] {
            if from == to {
                continue;
            }
            let first = (to - from).min(SIDE);
            let shapes = ([first, (to - from - first).min(SIDE)], words);
            // SAFETY: an `Amx` made this value, which proves that the instructions exist. Rows and columns of the
            // blocks lie inside the matrices that the caller vouches for, and the shapes fit the blocks.
            unsafe {
                if self.shaped != Some(shapes) {
                    self.shaped = Some(shapes);
                    configure(&Shapes::new(shapes.0, words));
                }
                // The columns of the right factor stay in the first-level cache while all rows use them.
                for column in (0..columns).step_by(PANEL) {
                    for row in (from..to).step_by(2 * SIDE) {
                        let block = Block {
                            parts,
                            steps: depth / words,
                            words,
                            left: Left { data: left.data.wrapping_add(row * left.stride), ..left },
                            right: Right {
                                data: right.data.wrapping_add(column / PANEL * right.panel),
                                ..right
                            },
                            out: Rows { data: out.data.wrapping_add(row * out.stride + column), ..out },
                        };
                        match (shapes.0[1] > 0, column + SIDE < columns) {
                            (true, true) => block.sum::<ACCUMULATE, true, true>(),
                            (true, false) => block.sum::<ACCUMULATE, true, false>(),
                            (false, true) => block.sum::<ACCUMULATE, false, true>(),
                            (false, false) => block.sum::<ACCUMULATE, false, false>(),
                        }
                    }
                }
            }
        }
    }
}

impl Amx {
    /// Lays out a transposed factor with the words of each row side by side; returns the stride of its rows.
    ///
    /// # Safety
    /// `left` covers `rows × depth` readable words.
    pub(crate) unsafe fn gather(
        self,
        left: product::Left,
        rows: usize,
        depth: usize,
        out: &mut Vec<f32>,
    ) -> usize {
        let stride = depth.next_multiple_of(SIDE);
        out.resize(rows.next_multiple_of(SIDE) * stride, 0.0);
        for k in (0..depth).step_by(SIDE) {
            for row in (0..rows).step_by(SIDE) {
                let (count, used) = ((depth - k).min(SIDE), (rows - row).min(SIDE));
                // SAFETY: these words lie inside the factor, and `out` has room for whole blocks. `self` proves
                // that the processor has AVX-512.
                unsafe {
                    let from = left.data.wrapping_add(k * left.stride + row);
                    let lines = load_lines(from, left.stride, count, used);
                    transpose(lines, out.as_mut_ptr().add(row * stride + k), stride);
                }
            }
        }
        stride
    }

    /// Lays out pixels of `width` words, pairs of channels, plane by plane: each channel's numbers of all pixels
    /// side by side, `stride` words from those of the next. Writes the words `range`, multiples of 16, of each
    /// plane; behind the last pixel there are zeros.
    ///
    /// # Panics
    /// If the planes have no room.
    ///
    /// # Safety
    /// None beyond `self`, which proves that the processor has AVX-512.
    pub(crate) unsafe fn planes(
        self,
        words: &[f32],
        width: usize,
        planes: &mut [f32],
        stride: usize,
        range: Range<usize>,
    ) {
        let pixels = words.len() / width;
        assert!(range.end <= stride && range.start.is_multiple_of(SIDE) && range.end.is_multiple_of(SIDE));
        assert!(planes.len() >= 2 * width.next_multiple_of(SIDE) * stride);
        for first in (0..width).step_by(SIDE) {
            let used = (width - first).min(SIDE);
            for at in range.clone().step_by(SIDE) {
                let count = pixels.saturating_sub(2 * at).min(2 * SIDE);
                // SAFETY: the first `count` pixels from `2 * at` on exist, and planes have room for whole blocks:
                // channel `2 * word` lies at plane `2 * word`, by the assertions.
                unsafe {
                    let from = words.as_ptr().wrapping_add(2 * at * width + first);
                    let [even, odd] = pair_pixels(from, width, count, used);
                    let to = planes.as_mut_ptr().add(2 * first * stride + at);
                    transpose(even, to, 2 * stride);
                    transpose(odd, to.add(stride), 2 * stride);
                }
            }
        }
    }
}

/// A block of a product whose sums fit in tiles.
struct Block {
    parts: usize,
    steps: usize,
    words: usize,
    left: Left,
    right: Right,
    out: Rows<*mut f32>,
}

impl Block {
    /// Computes one or two tiles of rows by one or two of columns.
    ///
    /// # Safety
    /// As [`Tiles::multiply`], after [`configure`] for this block.
    #[inline(always)]
    unsafe fn sum<const ACCUMULATE: bool, const TWO_ROWS: bool, const TWO_COLUMNS: bool>(self) {
        let Self { parts, steps, words, left, right, out } = self;
        let (left_bytes, right_bytes, out_bytes) = (4 * left.stride, 4 * right.stride, 4 * out.stride);
        let below = out.data.wrapping_add(SIDE * out.stride);
        // SAFETY: the caller's promise; the tiles' numbers are those of `SUMS`, `LEFT` and `RIGHT`.
        unsafe {
            if ACCUMULATE {
                load::<0>(out.data, out_bytes);
                if TWO_COLUMNS {
                    load::<1>(out.data.wrapping_add(SIDE), out_bytes);
                }
                if TWO_ROWS {
                    load::<2>(below, out_bytes);
                }
                if TWO_ROWS && TWO_COLUMNS {
                    load::<3>(below.wrapping_add(SIDE), out_bytes);
                }
            } else {
                zero::<0>();
                if TWO_COLUMNS {
                    zero::<1>();
                }
                if TWO_ROWS {
                    zero::<2>();
                }
                if TWO_ROWS && TWO_COLUMNS {
                    zero::<3>();
                }
            }
            for part in 0..parts {
                let mut left_at = left.data.wrapping_add(part * left.part);
                let mut right_at = right.data.wrapping_add(part * right.part);
                for _ in 0..steps {
                    load::<6>(right_at, right_bytes);
                    load::<4>(left_at, left_bytes);
                    multiply::<0, 4, 6>();
                    if TWO_COLUMNS {
                        load::<7>(right_at.wrapping_add(SIDE), right_bytes);
                        multiply::<1, 4, 7>();
                    }
                    if TWO_ROWS {
                        load::<5>(left_at.wrapping_add(SIDE * left.stride), left_bytes);
                        multiply::<2, 5, 6>();
                    }
                    if TWO_ROWS && TWO_COLUMNS {
                        multiply::<3, 5, 7>();
                    }
                    left_at = left_at.wrapping_add(words);
                    right_at = right_at.wrapping_add(words * right.stride);
                }
            }
            store::<0>(out.data, out_bytes);
            if TWO_COLUMNS {
                store::<1>(out.data.wrapping_add(SIDE), out_bytes);
            }
            if TWO_ROWS {
                store::<2>(below, out_bytes);
            }
            if TWO_ROWS && TWO_COLUMNS {
                store::<3>(below.wrapping_add(SIDE), out_bytes);
            }
        }
    }
}

/// # Safety
/// The processor has AMX; so for the functions below, which also need [`configure`] before.
#[inline(always)]
unsafe fn configure(shapes: &Shapes) {
    // SAFETY: the instruction reads 64 bytes of shapes.
    unsafe {
        asm!("ldtilecfg [{shapes}]", shapes = in(reg) shapes, options(nostack, preserves_flags, readonly))
    };
}

#[inline(always)]
unsafe fn release() {
    // SAFETY: the caller's promise.
    unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
}

#[inline(always)]
unsafe fn zero<const TILE: usize>() {
    // SAFETY: the caller's promise.
    unsafe { asm!("tilezero tmm{tile}", tile = const TILE, options(nostack, preserves_flags, nomem)) };
}

/// # Safety
/// The rows of the tile, `stride` bytes apart, can be read.
#[inline(always)]
unsafe fn load<const TILE: usize>(from: *const f32, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tileloadd tmm{tile}, [{from} + {stride}]",
            tile = const TILE, from = in(reg) from, stride = in(reg) stride,
            options(nostack, preserves_flags, readonly),
        );
    }
}

/// # Safety
/// The rows of the tile, `stride` bytes apart, can be written.
#[inline(always)]
unsafe fn store<const TILE: usize>(to: *mut f32, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tilestored [{to} + {stride}], tmm{tile}",
            tile = const TILE, to = in(reg) to, stride = in(reg) stride,
            options(nostack, preserves_flags),
        );
    }
}

/// Adds the product of two tiles to a third.
#[inline(always)]
unsafe fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>() {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tdpbf16ps tmm{sum}, tmm{left}, tmm{right}",
            sum = const SUM, left = const LEFT, right = const RIGHT,
            options(nostack, preserves_flags, nomem),
        );
    }
}

/// Loads `count` lines of `used` words; the rest is zeros.
///
/// # Safety
/// The lines, `stride` words apart, can be read, and the processor has AVX-512F.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn load_lines(from: *const f32, stride: usize, count: usize, used: usize) -> [__m512i; SIDE] {
    let mask = mask(used);
    let mut lines = [_mm512_setzero_si512(); SIDE];
    for (at, line) in lines[..count].iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *line = unsafe { _mm512_maskz_loadu_epi32(mask, from.wrapping_add(at * stride).cast()) };
    }
    lines
}

/// Loads `used` words of each of `count` pixels and pairs the numbers of each two pixels: those of the words'
/// first channels, and those of their second.
///
/// # Safety
/// As [`load_lines`], with pixels for lines, and AVX-512BW.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn pair_pixels(from: *const f32, stride: usize, count: usize, used: usize) -> [[__m512i; SIDE]; 2] {
    const SECOND: u32 = 0xAAAA_AAAA;
    let mask = mask(used);
    let load = |pixel: usize| {
        if pixel >= count {
            return _mm512_setzero_si512();
        }
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_epi32(mask, from.wrapping_add(pixel * stride).cast()) }
    };
    let mut pairs = [[_mm512_setzero_si512(); SIDE]; 2];
    for at in 0..count.div_ceil(2) {
        let (a, b) = (load(2 * at), load(2 * at + 1));
        pairs[0][at] = _mm512_mask_blend_epi16(SECOND, a, _mm512_slli_epi32::<16>(b));
        pairs[1][at] = _mm512_mask_blend_epi16(SECOND, _mm512_srli_epi32::<16>(a), b);
    }
    pairs
}

fn mask(used: usize) -> u16 {
    if used >= SIDE { u16::MAX } else { (1 << used) - 1 }
}

/// Stores 16 lines of 16 words with lines and columns exchanged.
///
/// # Safety
/// 16 lines of 16 words, `stride` words apart, can be written, and the processor has AVX-512F.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn transpose(lines: [__m512i; SIDE], to: *mut f32, stride: usize) {
    // Each step exchanges blocks of words across the diagonal: of 1, 2, 4 and 8.
    let mut pairs = lines;
    for at in (0..SIDE).step_by(2) {
        pairs[at] = _mm512_unpacklo_epi32(lines[at], lines[at + 1]);
        pairs[at + 1] = _mm512_unpackhi_epi32(lines[at], lines[at + 1]);
    }
    // Now in each quarter of vector `4 g + c` lies column `c` of the quarter's four, of rows `4 g..4 g + 4`.
    let mut fours = pairs;
    for at in (0..SIDE).step_by(4) {
        fours[at] = _mm512_unpacklo_epi64(pairs[at], pairs[at + 2]);
        fours[at + 1] = _mm512_unpackhi_epi64(pairs[at], pairs[at + 2]);
        fours[at + 2] = _mm512_unpacklo_epi64(pairs[at + 1], pairs[at + 3]);
        fours[at + 3] = _mm512_unpackhi_epi64(pairs[at + 1], pairs[at + 3]);
    }
    for column in 0..4 {
        let [a, b, c, d] = [fours[column], fours[4 + column], fours[8 + column], fours[12 + column]];
        // Quarters 0 and 2, and 1 and 3, of rows 0–7 and of rows 8–15.
        let [even, odd] =
            [_mm512_shuffle_i32x4::<0b10_00_10_00>(a, b), _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b)];
        let [even_below, odd_below] =
            [_mm512_shuffle_i32x4::<0b10_00_10_00>(c, d), _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d)];
        let columns = [
            _mm512_shuffle_i32x4::<0b10_00_10_00>(even, even_below),
            _mm512_shuffle_i32x4::<0b10_00_10_00>(odd, odd_below),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(even, even_below),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(odd, odd_below),
        ];
        for (quarter, words) in columns.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_si512(to.add((4 * quarter + column) * stride).cast(), words) };
        }
    }
}
