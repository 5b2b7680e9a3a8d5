//! Filters in the transformed domain, and their gradients back from it.

use super::plan::Plan;
use super::transforms::{filter, filter_adjoint};
use super::with_tile;
use crate::simd::{Simd, Task};

/// Brings filters into the transformed domain: `U = G g Gᵀ`, laid out `[point][input channel][output channel]`.
///
/// Transposed, for the gradient of the image: `[point][output channel][input channel]`.
#[derive(Clone, Copy)]
pub(crate) struct Filters<'a> {
    pub(crate) plan: &'a Plan,
    /// `(O, C, 3, 3)`.
    pub(crate) weight: &'a [f32],
    /// O and C, without padding.
    pub(crate) shape: [usize; 2],
    pub(crate) transposed: bool,
}

impl Task for Filters<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f32> {
        with_tile!(self.plan.tile, S, transform(simd, self))
    }
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "the index walks over a second axis")]
fn transform<S: Simd, const M: usize, const A: usize>(simd: S, task: Filters<'_>) -> Vec<f32> {
    let Filters { plan, weight, shape: [n_out, n_in], transposed } = task;
    assert_eq!(weight.len(), n_out * n_in * 9);
    let [channels_in, channels_out] = plan.channels;
    let (rows, columns) = if transposed { (channels_out, channels_in) } else { (channels_in, channels_out) };
    let mut taps = vec![0.0; 9 * rows * columns];
    // The innermost loop writes neighbours: writing apart costs ten times more than reading apart.
    let (used_rows, used_columns) = if transposed { (n_out, n_in) } else { (n_in, n_out) };
    for row in 0..used_rows {
        for tap in 0..9 {
            let line = &mut taps[(tap * rows + row) * columns..][..used_columns];
            for (column, to) in line.iter_mut().enumerate() {
                let (out, input) = if transposed { (row, column) } else { (column, row) };
                *to = weight[(out * n_in + input) * 9 + tap];
            }
        }
    }
    let mut filters = vec![0.0; plan.points() * rows * columns];
    let plane = rows * columns;
    let (from, to) = (taps.as_ptr(), filters.as_mut_ptr());
    for at in (0..plane).step_by(S::LANES) {
        // SAFETY: `at + LANES <= plane`, since columns are a multiple of `BLOCK`; there are 9 planes of taps and A * A of points.
        unsafe {
            let mut vertical = [[simd.splat(0.0); A]; 3];
            for (x, column) in vertical.iter_mut().enumerate() {
                *column = filter::<S, A>(
                    simd,
                    std::array::from_fn(|y| simd.load(from.add((y * 3 + x) * plane + at))),
                );
            }
            for j in 0..A {
                let points = filter::<S, A>(simd, std::array::from_fn(|x| vertical[x][j]));
                for (i, &point) in points.iter().enumerate() {
                    simd.store(to.add((j * A + i) * plane + at), point);
                }
            }
        }
    }
    filters
}

/// Sums of gradients of transformed filters and of the bias, over images.
pub(crate) struct FilterGradient {
    /// As [`Filters`], not transposed.
    pub(crate) filters: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl FilterGradient {
    pub(crate) fn zeros(plan: &Plan) -> Self {
        Self { filters: vec![0.0; plan.filters()], bias: vec![0.0; plan.channels[1]] }
    }

    pub(crate) fn clear(&mut self) {
        self.filters.fill(0.0);
        self.bias.fill(0.0);
    }
}

/// Brings the gradient of transformed filters back: `Gᵀ u G`, added to `of_weight`.
pub(crate) struct FiltersAdjoint<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) filters: &'a [f32],
    /// `(O, C, 3, 3)`.
    pub(crate) of_weight: &'a mut [f32],
    /// O and C, without padding.
    pub(crate) shape: [usize; 2],
}

impl Task for FiltersAdjoint<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        with_tile!(self.plan.tile, S, transform_back(simd, self));
    }
}

#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "the index walks over a second axis")]
fn transform_back<S: Simd, const M: usize, const A: usize>(simd: S, task: FiltersAdjoint<'_>) {
    let FiltersAdjoint { plan, filters, of_weight, shape: [n_out, n_in] } = task;
    assert_eq!(of_weight.len(), n_out * n_in * 9);
    assert_eq!(filters.len(), plan.filters());
    let [channels_in, channels_out] = plan.channels;
    let plane = channels_in * channels_out;
    let mut taps = vec![0.0; 9 * plane];
    let (from, to) = (filters.as_ptr(), taps.as_mut_ptr());
    for at in (0..plane).step_by(S::LANES) {
        // SAFETY: as in `transform`.
        unsafe {
            let mut horizontal = [[simd.splat(0.0); 3]; A];
            for (j, row) in horizontal.iter_mut().enumerate() {
                *row = filter_adjoint::<S, A>(
                    simd,
                    std::array::from_fn(|i| simd.load(from.add((j * A + i) * plane + at))),
                );
            }
            for x in 0..3 {
                let column = filter_adjoint::<S, A>(simd, std::array::from_fn(|j| horizontal[j][x]));
                for (y, &tap) in column.iter().enumerate() {
                    simd.store(to.add((y * 3 + x) * plane + at), tap);
                }
            }
        }
    }
    for (out, of_weight) in of_weight.chunks_exact_mut(n_in * 9).enumerate() {
        for (input, of_weight) in of_weight.chunks_exact_mut(9).enumerate() {
            for (tap, of_weight) in of_weight.iter_mut().enumerate() {
                *of_weight += taps[tap * plane + input * channels_out + out];
            }
        }
    }
}
