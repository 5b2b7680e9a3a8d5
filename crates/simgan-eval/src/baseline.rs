use candle_core::{DType, Tensor};
use simgan_data::Direction;

use crate::{EvalError, LabelledImages};

/// Returns the mean direction, the baseline that a network must beat; `None` if there are no directions or
/// they cancel out.
#[must_use]
pub fn mean_gaze<'a>(gazes: impl IntoIterator<Item = &'a Direction>) -> Option<Direction> {
    let sum = gazes
        .into_iter()
        .map(|gaze| gaze.vector())
        .reduce(|a, b| std::array::from_fn(|axis| a[axis] + b[axis]));
    sum.and_then(Direction::from_vector)
}

/// Predicts for each image `(N, C, H, W)` the mean gaze of the `k` training images nearest to it in Euclidean
/// pixel distance.
///
/// # Errors
///
/// If there are fewer than `k` training images, `k` is 0, the images differ in size, or the nearest gazes
/// cancel out.
pub fn nearest_neighbours(
    training: &LabelledImages,
    images: &Tensor,
    k: usize,
) -> Result<Vec<Direction>, EvalError> {
    let found = training.gazes().len();
    if k == 0 || found < k {
        return Err(EvalError::TooFew { what: "nearest neighbours", found, needed: k.max(1) });
    }
    let known = training.images().flatten_from(1)?;
    let asked = images.flatten_from(1)?;
    // |a − b|² = |a|² + |b|² − 2ab; |a|² is the same for all candidates and does not change their order.
    let products = asked.matmul(&known.t()?)?;
    let norms = known.sqr()?.sum(1)?.reshape((1, ()))?;
    let distances = norms.broadcast_sub(&(products * 2.0)?)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
    distances.iter().map(|distances| mean_of_nearest(distances, training.gazes(), k)).collect()
}

fn mean_of_nearest(distances: &[f32], gazes: &[Direction], k: usize) -> Result<Direction, EvalError> {
    let mut order: Vec<_> = (0..gazes.len()).collect();
    order.select_nth_unstable_by(k - 1, |a, b| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b)));
    let opposite = || EvalError::Mismatch("the nearest images look in opposite directions".into());
    mean_gaze(order[..k].iter().map(|idx| &gazes[*idx])).ok_or_else(opposite)
}
