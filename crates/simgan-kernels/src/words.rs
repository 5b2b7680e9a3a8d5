//! Packs numbers into words, for products of pairs. Without pairs, a word is a number, and nothing needs packing.

use crate::simd::{BLOCK, Isa, Simd, Task, run};

/// Packs numbers that lie side by side, two to a word; the last of an odd number is paired with zero.
#[inline(always)]
pub(crate) fn side_by_side<S: Simd>(simd: S, from: &[f32], out: &mut Vec<f32>) {
    out.resize(from.len().div_ceil(S::PER_WORD), 0.0);
    fill_side_by_side(simd, from, out);
}

/// Like [`side_by_side`], with zeros behind the numbers if `out` has more room.
#[inline(always)]
pub(crate) fn fill_side_by_side<S: Simd>(simd: S, from: &[f32], out: &mut [f32]) {
    let words = 2 * S::LANES / S::PER_WORD;
    let whole = (from.len() / (2 * S::LANES)).min(out.len() / words);
    for at in 0..whole {
        // SAFETY: both hold so many times two vectors.
        unsafe {
            let numbers = from.as_ptr().add(at * 2 * S::LANES);
            let to = out.as_mut_ptr().add(at * words);
            simd.store_two_in_words(to, simd.load(numbers), simd.load(numbers.add(S::LANES)));
        }
    }
    let (from, out) = (&from[whole * 2 * S::LANES..], &mut out[whole * words..]);
    for (at, out) in out.chunks_mut(S::LANES / S::PER_WORD).enumerate() {
        let numbers = load(simd, from, at * S::LANES);
        let mut last = [0.0; BLOCK];
        let whole = out.len() == S::LANES / S::PER_WORD;
        // SAFETY: both have room for a vector in words.
        unsafe { simd.store_words(if whole { out.as_mut_ptr() } else { last.as_mut_ptr() }, numbers) };
        if !whole {
            out.copy_from_slice(&last[..out.len()]);
        }
    }
}

/// Packs the numbers of each two rows of `columns` numbers that lie above each other; the last of an odd number of
/// rows is paired with zeros.
#[inline(always)]
pub(crate) fn row_by_row<S: Simd>(simd: S, from: &[f32], columns: usize, out: &mut Vec<f32>) {
    out.resize((from.len() / columns).div_ceil(S::PER_WORD) * columns, 0.0);
    for (out, rows) in out.chunks_exact_mut(columns).zip(from.chunks(S::PER_WORD * columns)) {
        let (row, next) = rows.split_at(columns);
        for (at, out) in out.chunks_mut(S::LANES).enumerate() {
            let (a, b) = (load(simd, row, at * S::LANES), load(simd, next, at * S::LANES));
            let mut last = [0.0; BLOCK];
            let whole = out.len() == S::LANES;
            // SAFETY: both have room for a vector.
            unsafe { simd.store(if whole { out.as_mut_ptr() } else { last.as_mut_ptr() }, simd.words(a, b)) };
            if !whole {
                out.copy_from_slice(&last[..out.len()]);
            }
        }
    }
}

/// Returns the numbers of words to `f32`; they fill whole vectors.
#[inline(always)]
pub(crate) fn unpack<S: Simd>(simd: S, from: &[f32], out: &mut [f32]) {
    assert!(from.len() * S::PER_WORD == out.len() && out.len().is_multiple_of(S::LANES));
    for at in (0..out.len()).step_by(S::LANES) {
        // SAFETY: `out` holds whole vectors, and `from` as many numbers.
        unsafe { simd.store(out.as_mut_ptr().add(at), simd.load_words(from.as_ptr().add(at / S::PER_WORD))) };
    }
}

/// Loads a vector of `from`, or what is left of it from `at` on, and zeros.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, from: &[f32], at: usize) -> S::Vector {
    let rest = from.get(at..).unwrap_or_default();
    let mut last = [0.0; BLOCK];
    let source = match rest.len() >= S::LANES {
        true => rest,
        false => {
            last[..rest.len()].copy_from_slice(rest);
            &last[..]
        }
    };
    // SAFETY: `source` holds at least a vector.
    unsafe { simd.load(source.as_ptr()) }
}

/// Weights in words where an instruction set has pairs; otherwise as they are. `rows` are packed row by row.
pub(crate) fn of_weights(isa: Isa, rows: Vec<f32>, columns: usize) -> Vec<f32> {
    run(isa, OfWeights { rows, columns })
}

struct OfWeights {
    rows: Vec<f32>,
    columns: usize,
}

impl Task for OfWeights {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        if !S::PAIRS || self.columns == 0 {
            return self.rows;
        }
        let mut words = Vec::new();
        row_by_row(simd, &self.rows, self.columns, &mut words);
        words
    }
}
