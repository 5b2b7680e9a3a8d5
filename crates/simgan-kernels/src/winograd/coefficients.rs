//! The matrices of the transforms, computed from their interpolation points at compile time.
//!
//! A tile of `M × M` results needs `A × A` pixels, `A = M + 2`. With the points p₀ … and ∞, results are
//! `Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A` for a 3×3 filter `g` and pixels `d`: Winograd's minimal filtering, after
//! Lavin and Gray (2015). The points come in pairs ±p, then 0 if the number of finite points is odd, then ∞.
//! The two transforms of a pair share their work: one is the sum and the other the difference of two halves.

/// The matrices for tiles that need `A` pixels along each axis, computed in `f64` and rounded to `f32`.
pub(super) struct Coefficients<const A: usize> {
    /// `Bᵀ`: for the pair `(2 i, 2 i + 1)`, row `2 i` holds half of the sum and `2 i + 1` half of the
    /// difference of its rows.
    pub(super) input: [[f32; A]; A],
    /// The transpose of `input`, applied to the sums and differences of pairs.
    pub(super) input_adjoint: [[f32; A]; A],
    /// `Aᵀ`, applied to the sums and differences of pairs: row `i` holds `pⁱ`, in the column of the sum if
    /// `i` is even, else of the difference. In the column of ∞ only the last row, `A − 3`, is 1. Two rows are
    /// unused.
    pub(super) output: [[f32; A]; A],
    /// The transpose of `output`: rows `2 i` and `2 i + 1` hold the even and the odd powers of pair `i`.
    pub(super) output_adjoint: [[f32; A]; A],
    /// `G`.
    pub(super) filter: [[f32; 3]; A],
    /// `Gᵀ`.
    pub(super) filter_adjoint: [[f32; A]; 3],
}

/// The positive points of each tile size, smallest first, chosen for small rounding errors.
const fn positive_points(a: usize) -> &'static [f64] {
    match a {
        4 => &[1.0],
        5 => &[0.4, 1.25],
        6 => &[0.65, 1.5],
        7 => &[0.3, 0.85, 1.75],
        8 => &[0.5, 1.0, 2.0],
        9 => &[0.25, 0.7, 1.125, 2.2],
        _ => panic!("no points for this tile size"),
    }
}

/// Number of pairs of points.
pub(super) const fn pairs(a: usize) -> usize {
    (a - 1) / 2
}

impl<const A: usize> Coefficients<A> {
    pub(super) const fn new() -> Self {
        // `while` loops throughout: a `const fn` cannot use iterators.
        let points = Self::points();
        let mut all = Self {
            input: [[0.0; A]; A],
            input_adjoint: [[0.0; A]; A],
            output: [[0.0; A]; A],
            output_adjoint: [[0.0; A]; A],
            filter: [[0.0; 3]; A],
            filter_adjoint: [[0.0; A]; 3],
        };
        let mut j = 0;
        while j < A {
            let paired = j < 2 * pairs(A);
            let row = Self::input_row(&points, if paired { j - j % 2 } else { j });
            let scale = 1.0 / Self::scale(&points, j);
            let mut power = 1.0;
            let mut k = 0;
            while k < A {
                // The rows of p and −p differ in the signs of every other coefficient.
                if !paired || (A - k) % 2 == j % 2 {
                    all.input[j][k] = row[k] as f32;
                    all.input_adjoint[k][j] = row[k] as f32;
                }
                let infinite = j == A - 1;
                let value = if !infinite { power } else { 0.0 };
                if k < 3 {
                    let value = if infinite && k == 2 { 1.0 } else { value * scale };
                    all.filter[j][k] = value as f32;
                    all.filter_adjoint[k][j] = value as f32;
                }
                let value = if infinite && k == A - 3 { 1.0 } else { value };
                if k < A - 2 && (!paired || k % 2 == j % 2) {
                    // An odd j stands for the difference, which multiplies powers of +p.
                    let value = if paired && j % 2 == 1 { -value } else { value };
                    all.output[k][j] = value as f32;
                    all.output_adjoint[j][k] = value as f32;
                }
                power *= points[j];
                k += 1;
            }
            j += 1;
        }
        all
    }

    /// The finite points, each pair as `p, −p`; the last entry stands for ∞ and is unused.
    const fn points() -> [f64; A] {
        let positive = positive_points(A);
        let mut points = [0.0; A];
        let mut pair = 0;
        while pair < pairs(A) {
            points[2 * pair] = positive[pair];
            points[2 * pair + 1] = -positive[pair];
            pair += 1;
        }
        points
    }

    /// The coefficients of `Π (x − pₗ)` over the finite points `l ≠ j`, or over all of them for ∞.
    const fn input_row(points: &[f64; A], j: usize) -> [f64; A] {
        let mut row = [0.0; A];
        row[0] = 1.0;
        let mut degree = 0;
        let mut l = 0;
        while l < A - 1 {
            if l != j {
                let mut k = degree + 1;
                while k > 0 {
                    row[k] = row[k - 1] - points[l] * row[k];
                    k -= 1;
                }
                row[0] *= -points[l];
                degree += 1;
            }
            l += 1;
        }
        row
    }

    /// `Π (pⱼ − pₗ)` over the finite points `l ≠ j`; 1 for ∞.
    const fn scale(points: &[f64; A], j: usize) -> f64 {
        let mut scale = 1.0;
        let mut l = 0;
        while j < A - 1 && l < A - 1 {
            if l != j {
                scale *= points[j] - points[l];
            }
            l += 1;
        }
        scale
    }
}
