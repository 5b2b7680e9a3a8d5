//! The one-dimensional transforms, on arrays of vectors. Unrolled, with their coefficients as constants.

use super::coefficients::{Coefficients, pairs};
use crate::simd::Simd;

/// `Bᵀ d`: pixels to the transformed domain.
#[inline(always)]
pub(super) fn input<S: Simd, const A: usize>(simd: S, d: [S::Vector; A]) -> [S::Vector; A] {
    let rows = const { &Coefficients::<A>::new().input };
    let mut out = d;
    for pair in 0..pairs(A) {
        let (half_sum, half_difference) =
            (dot(simd, &rows[2 * pair], &d), dot(simd, &rows[2 * pair + 1], &d));
        out[2 * pair] = simd.add(half_sum, half_difference);
        out[2 * pair + 1] = simd.sub(half_sum, half_difference);
    }
    for row in 2 * pairs(A)..A {
        out[row] = dot(simd, &rows[row], &d);
    }
    out
}

/// `B v`: the adjoint of [`input`].
#[inline(always)]
pub(super) fn input_adjoint<S: Simd, const A: usize>(simd: S, v: [S::Vector; A]) -> [S::Vector; A] {
    let rows = const { &Coefficients::<A>::new().input };
    let v = sums_and_differences(simd, v);
    let mut out = v;
    for (k, out) in out.iter_mut().enumerate() {
        let mut column = [0.0; A];
        for row in 0..A {
            column[row] = rows[row][k];
        }
        *out = dot(simd, &column, &v);
    }
    out
}

/// `Aᵀ m`: from the transformed domain to results.
#[inline(always)]
pub(super) fn output<S: Simd, const M: usize, const A: usize>(simd: S, m: [S::Vector; A]) -> [S::Vector; M] {
    let powers = const { &Coefficients::<A>::new().powers };
    let m = sums_and_differences(simd, m);
    let mut out = [m[0]; M];
    for (power, out) in out.iter_mut().enumerate() {
        let mut row = [0.0; A];
        for pair in 0..pairs(A) {
            row[2 * pair + power % 2] = powers[power][2 * pair];
        }
        row[2 * pairs(A)..].copy_from_slice(&powers[power][2 * pairs(A)..]);
        *out = dot(simd, &row, &m);
    }
    out
}

/// `A g`: the adjoint of [`output`].
#[inline(always)]
pub(super) fn output_adjoint<S: Simd, const M: usize, const A: usize>(
    simd: S,
    g: [S::Vector; M],
) -> [S::Vector; A] {
    let powers = const { &Coefficients::<A>::new().powers };
    let mut out = [g[0]; A];
    for pair in 0..pairs(A) {
        let (mut even, mut odd) = ([0.0; M], [0.0; M]);
        for power in 0..M {
            let half = if power % 2 == 0 { &mut even } else { &mut odd };
            half[power] = powers[power][2 * pair];
        }
        let (even, odd) = (dot(simd, &even, &g), dot(simd, &odd, &g));
        out[2 * pair] = simd.add(even, odd);
        out[2 * pair + 1] = simd.sub(even, odd);
    }
    out[A - 1] = g[M - 1];
    out
}

/// `G g`: a row or column of a filter to the transformed domain.
#[inline(always)]
pub(super) fn filter<S: Simd, const A: usize>(simd: S, g: [S::Vector; 3]) -> [S::Vector; A] {
    let rows = const { &Coefficients::<A>::new().filter };
    let mut out = [g[0]; A];
    for (out, row) in out.iter_mut().zip(rows) {
        *out = dot(simd, row, &g);
    }
    out
}

/// `Gᵀ u`: the adjoint of [`filter`].
#[inline(always)]
pub(super) fn filter_adjoint<S: Simd, const A: usize>(simd: S, u: [S::Vector; A]) -> [S::Vector; 3] {
    let rows = const { &Coefficients::<A>::new().filter };
    let mut out = [u[0]; 3];
    for (k, out) in out.iter_mut().enumerate() {
        let mut column = [0.0; A];
        for row in 0..A {
            column[row] = rows[row][k];
        }
        *out = dot(simd, &column, &u);
    }
    out
}

/// Of each pair of points, the sum in place of the first and the difference in place of the second.
#[inline(always)]
fn sums_and_differences<S: Simd, const A: usize>(simd: S, mut v: [S::Vector; A]) -> [S::Vector; A] {
    for pair in 0..pairs(A) {
        let (plus, minus) = (v[2 * pair], v[2 * pair + 1]);
        v[2 * pair] = simd.add(plus, minus);
        v[2 * pair + 1] = simd.sub(plus, minus);
    }
    v
}

/// `Σ coefficients[i] * values[i]`, where coefficients of 0 and 1 cost no multiplication.
#[inline(always)]
fn dot<S: Simd, const N: usize>(simd: S, coefficients: &[f32; N], values: &[S::Vector; N]) -> S::Vector {
    let mut sum: Option<S::Vector> = None;
    for i in (0..N).rev() {
        let (coefficient, value) = (coefficients[i], values[i]);
        if coefficient != 0.0 {
            sum = Some(match sum {
                None if coefficient == 1.0 => value,
                None => simd.mul(value, simd.splat(coefficient)),
                Some(sum) if coefficient == 1.0 => simd.add(sum, value),
                Some(sum) => simd.mul_add(value, simd.splat(coefficient), sum),
            });
        }
    }
    sum.unwrap_or(simd.splat(0.0))
}
