//! The one-dimensional transforms of arrays of vectors, unrolled, with their coefficients as constants.

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
    let rows = const { &Coefficients::<A>::new().input_adjoint };
    let v = sums_and_differences(simd, v);
    let mut out = v;
    for k in 0..A {
        out[k] = dot(simd, &rows[k], &v);
    }
    out
}

/// `Aᵀ m`: from the transformed domain to results.
#[inline(always)]
pub(super) fn output<S: Simd, const M: usize, const A: usize>(simd: S, m: [S::Vector; A]) -> [S::Vector; M] {
    let rows = const { &Coefficients::<A>::new().output };
    let m = sums_and_differences(simd, m);
    let mut out = [m[0]; M];
    for row in 0..M {
        out[row] = dot(simd, &rows[row], &m);
    }
    out
}

/// `A g`: the adjoint of [`output`].
#[inline(always)]
pub(super) fn output_adjoint<S: Simd, const M: usize, const A: usize>(
    simd: S,
    g: [S::Vector; M],
) -> [S::Vector; A] {
    let rows = const { &Coefficients::<A>::new().output_adjoint };
    let mut out = [g[0]; A];
    for pair in 0..pairs(A) {
        let even = dot(simd, rows[2 * pair].first_chunk::<M>().unwrap_or(&[0.0; M]), &g);
        let odd = dot(simd, rows[2 * pair + 1].first_chunk::<M>().unwrap_or(&[0.0; M]), &g);
        out[2 * pair] = simd.add(even, odd);
        out[2 * pair + 1] = simd.sub(even, odd);
    }
    for row in 2 * pairs(A)..A {
        out[row] = dot(simd, rows[row].first_chunk::<M>().unwrap_or(&[0.0; M]), &g);
    }
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
    let rows = const { &Coefficients::<A>::new().filter_adjoint };
    let mut out = [u[0]; 3];
    for row in 0..3 {
        out[row] = dot(simd, &rows[row], &u);
    }
    out
}

/// Replaces each pair of points by its sum and its difference.
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
