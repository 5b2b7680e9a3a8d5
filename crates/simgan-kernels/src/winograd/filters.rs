//! Transforms filters to the transformed domain, and their gradients back from it.

use std::cell::RefCell;

use super::plan::Plan;
use super::transforms::{filter, filter_adjoint};
use super::with_tile;
use crate::buffer::Buffer;
use crate::simd::{Simd, Task, array};
use crate::spare::Spare;

/// The pass that parameters are prepared for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// Transforms filters, `U = G g Gᵀ`, to the layout `[point][input channel][output channel]`.
///
/// For the backward pass, they are transposed: `[point][output channel][input channel]`. Where products take
/// pairs, each two of the channels that are summed over share a word, and half of `out` is used.
pub(crate) struct Filters<'a> {
    pub(crate) plan: &'a Plan,
    /// `(O, C, 3, 3)`.
    pub(crate) weight: &'a [f32],
    /// O and C, without padding.
    pub(crate) shape: [usize; 2],
    pub(crate) direction: Direction,
    /// Receives the filters: `plan.filters()` elements.
    pub(crate) out: &'a mut [f32],
}

thread_local! {
    /// The filters rearranged tap by tap. Taken, not borrowed: a closure would not be compiled for the
    /// vectors.
    static TAPS: RefCell<Buffer> = RefCell::default();
}

impl Task for Filters<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut taps = TAPS.take();
        transform(simd, self, &mut taps);
        TAPS.set(taps);
    }
}

#[inline(always)]
fn transform<S: Simd>(simd: S, task: Filters<'_>, taps: &mut Buffer) {
    let Filters { plan, weight, shape: [n_out, n_in], direction, out } = task;
    let transposed = direction == Direction::Backward;
    assert_eq!((weight.len(), out.len()), (n_out * n_in * 9, plan.filters()));
    let [channels_in, channels_out] = plan.channels;
    let (rows, columns) = if transposed { (channels_out, channels_in) } else { (channels_in, channels_out) };
    taps.resize(9 * rows * columns);
    taps.fill(0.0);
    // The innermost loop writes contiguously: scattered writes cost ten times more than scattered reads.
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
    let (plane, across) = (rows * columns, plan.windows()[1]);
    let (from, to) = (taps.as_ptr(), out.as_mut_ptr());
    // With pairs, the rows of words are as many fewer; `rows` is a multiple of `BLOCK`.
    for word in (0..plane / S::PER_WORD).step_by(S::LANES) {
        let at = word / columns * columns * S::PER_WORD + word % columns;
        // SAFETY: at + LANES <= plane, since columns are a multiple of `BLOCK`, and so is, with pairs, the next
        // row's place; there are 9 planes of taps.
        let [lines, next] = unsafe {
            let lines = transform_taps(simd, plan, from.add(at), plane);
            [lines, if S::PAIRS { transform_taps(simd, plan, from.add(at + columns), plane) } else { lines }]
        };
        for j in 0..plan.windows()[0] {
            let points = with_tile!(plan.tile[1], S, transform_across(simd, lines[j]));
            let next = match S::PAIRS {
                true => with_tile!(plan.tile[1], S, transform_across(simd, next[j])),
                false => points,
            };
            for i in 0..across {
                // SAFETY: there is a plane of words per point.
                unsafe {
                    let to = to.add((j * across + i) * (plane / S::PER_WORD) + word);
                    simd.store(to, simd.words(points[i], next[i]));
                }
            }
        }
    }
}

/// Transforms a vector of filters along the vertical axis, to `[point][column]`.
///
/// # Safety
/// `LANES` numbers can be read from `from` and from each of the eight addresses `plane` apart behind it.
#[inline(always)]
unsafe fn transform_taps<S: Simd>(
    simd: S,
    plan: &Plan,
    from: *const f32,
    plane: usize,
) -> [[S::Vector; 3]; MOST] {
    let mut taps = [[simd.splat(0.0); 3]; 3];
    for (x, column) in taps.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *column = array!(simd, |y| unsafe { simd.load(from.add((y * 3 + x) * plane)) });
    }
    with_tile!(plan.tile[0], S, transform_down(simd, taps))
}

/// Maximum number of points along an axis.
const MOST: usize = 9;

/// Transforms columns of taps to `[point][column]`.
#[inline(always)]
fn transform_down<S: Simd, const M: usize, const A: usize>(
    simd: S,
    taps: [[S::Vector; 3]; 3],
) -> [[S::Vector; 3]; MOST] {
    let mut rows = [[simd.splat(0.0); 3]; MOST];
    for (x, column) in taps.into_iter().enumerate() {
        for (row, point) in rows.iter_mut().zip(filter::<S, A>(simd, column)) {
            row[x] = point;
        }
    }
    rows
}

/// Transforms a row of taps to points.
#[inline(always)]
fn transform_across<S: Simd, const M: usize, const A: usize>(
    simd: S,
    taps: [S::Vector; 3],
) -> [S::Vector; MOST] {
    let mut points = [simd.splat(0.0); MOST];
    points[..A].copy_from_slice(&filter::<S, A>(simd, taps));
    points
}

/// The gradients of filters, transformed or as they are, and of the bias, summed over images.
pub(crate) struct FilterGradient {
    /// In the forward layout of [`Filters`], or as [`crate::amx::Backward`] says.
    pub(crate) filters: Spare,
    pub(crate) bias: Buffer,
}

impl FilterGradient {
    pub(crate) fn zeros(plan: &Plan) -> Self {
        Self::of_sizes(plan.filters(), plan.channels[1])
    }

    /// Zeros for this many elements of filters and of the bias.
    pub(crate) fn of_sizes(filters: usize, bias: usize) -> Self {
        Self { filters: Spare::zeros(filters), bias: Buffer::zeros(bias) }
    }
}

/// Transforms the gradient of transformed filters back, `Gᵀ u G`, and adds it to `of_weight`.
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
        let mut taps = TAPS.take();
        transform_back(simd, self, &mut taps);
        TAPS.set(taps);
    }
}

#[inline(always)]
fn transform_back<S: Simd>(simd: S, task: FiltersAdjoint<'_>, taps: &mut Buffer) {
    let FiltersAdjoint { plan, filters, of_weight, shape: [n_out, n_in] } = task;
    assert_eq!(of_weight.len(), n_out * n_in * 9);
    assert_eq!(filters.len(), plan.filters());
    let [channels_in, channels_out] = plan.channels;
    let (plane, across) = (channels_in * channels_out, plan.windows()[1]);
    taps.resize(9 * plane);
    let (from, to) = (filters.as_ptr(), taps.as_mut_ptr());
    for at in (0..plane).step_by(S::LANES) {
        // SAFETY: as in `transform`.
        unsafe {
            let mut rows = [[simd.splat(0.0); 3]; MOST];
            for (j, row) in rows[..plan.windows()[0]].iter_mut().enumerate() {
                let mut points = [simd.splat(0.0); MOST];
                for (i, point) in points[..across].iter_mut().enumerate() {
                    *point = simd.load(from.add((j * across + i) * plane + at));
                }
                *row = with_tile!(plan.tile[1], S, transform_back_across(simd, &points));
            }
            let columns = with_tile!(plan.tile[0], S, transform_back_down(simd, &rows));
            for (x, column) in columns.iter().enumerate() {
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

/// The adjoint of [`transform_across`].
#[inline(always)]
fn transform_back_across<S: Simd, const M: usize, const A: usize>(
    simd: S,
    points: &[S::Vector; MOST],
) -> [S::Vector; 3] {
    filter_adjoint::<S, A>(simd, array!(simd, |i| points[i]))
}

/// The adjoint of [`transform_down`].
#[inline(always)]
fn transform_back_down<S: Simd, const M: usize, const A: usize>(
    simd: S,
    rows: &[[S::Vector; 3]; MOST],
) -> [[S::Vector; 3]; 3] {
    let mut columns = [[simd.splat(0.0); 3]; 3];
    for (x, column) in columns.iter_mut().enumerate() {
        *column = filter_adjoint::<S, A>(simd, array!(simd, |j| rows[j][x]));
    }
    columns
}
