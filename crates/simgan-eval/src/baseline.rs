use candle_core::{DType, Tensor};
use simgan_data::Annotation;

use crate::{EvalError, LabelledImages, Task};

/// Predicts for each image `(N, C, H, W)` the mean label of the `k` training images nearest to it in Euclidean
/// pixel distance.
///
/// # Errors
///
/// If there are fewer than `k` training images, `k` is 0, the images differ in size, or the nearest labels
/// have no mean.
pub fn nearest_neighbours(
    task: &dyn Task,
    training: &LabelledImages,
    images: &Tensor,
    k: usize,
) -> Result<Vec<Annotation>, EvalError> {
    let found = training.n_images();
    if k == 0 || found < k {
        return Err(EvalError::TooFew { what: "nearest neighbours", found, needed: k.max(1) });
    }
    let known = training.images().flatten_from(1)?;
    let asked = images.flatten_from(1)?;
    // |a − b|² = |a|² + |b|² − 2ab; |a|² is the same for all candidates and does not change their order.
    let products = asked.matmul(&known.t()?)?;
    let norms = known.sqr()?.sum(1)?.reshape((1, ()))?;
    let distances = norms.broadcast_sub(&(products * 2.0)?)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
    let all = task.mean(&training.labels().iter().collect::<Vec<_>>()).ok_or_else(no_mean)?;
    let mean = |distances: &Vec<f32>| mean_of_nearest(task, distances, training.labels(), k);
    distances.iter().map(|distances| Ok(task.completed(mean(distances)?, &all))).collect()
}

fn mean_of_nearest(
    task: &dyn Task,
    distances: &[f32],
    labels: &[Annotation],
    k: usize,
) -> Result<Annotation, EvalError> {
    let mut order: Vec<_> = (0..labels.len()).collect();
    order.select_nth_unstable_by(k - 1, |a, b| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b)));
    let nearest: Vec<_> = order[..k].iter().map(|idx| &labels[*idx]).collect();
    task.mean(&nearest).ok_or_else(no_mean)
}

fn no_mean() -> EvalError {
    EvalError::Mismatch("the labels of the nearest images have no mean".into())
}
