//! Layouts of factors: what lies along the axis that is summed over must lie side by side in a left factor.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::SIDE;
use super::Amx;
use crate::product::Left;

impl Amx {
    /// Lays out a transposed factor with the words of each row side by side; returns the stride of its rows.
    ///
    /// # Safety
    /// `left` covers `rows × depth` readable words.
    pub(crate) unsafe fn gather(self, left: Left, rows: usize, depth: usize, out: &mut Vec<f32>) -> usize {
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
        // Memory is read in order, as it is fetched fastest.
        for at in range.step_by(SIDE) {
            let count = pixels.saturating_sub(2 * at).min(2 * SIDE);
            for first in (0..width).step_by(SIDE) {
                let used = (width - first).min(SIDE);
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
    let [even, odd] = &mut pairs;
    for (at, (even, odd)) in even.iter_mut().zip(odd).take(count.div_ceil(2)).enumerate() {
        let (a, b) = (load(2 * at), load(2 * at + 1));
        *even = _mm512_mask_blend_epi16(SECOND, a, _mm512_slli_epi32::<16>(b));
        *odd = _mm512_mask_blend_epi16(SECOND, _mm512_srli_epi32::<16>(a), b);
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
