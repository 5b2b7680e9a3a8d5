use candle_core::{DType, Tensor};
use simgan_data::Annotation;

use crate::{EvalError, LabelledImages, Task};

/// The training images to look for neighbours in, prepared once for any number of searches.
pub(crate) struct Neighbours<'a> {
    task: &'a dyn Task,
    labels: &'a [Annotation],
    /// `(M, C · H · W)`.
    known: Tensor,
    /// The squared norm of each, `(1, M)`.
    norms: Tensor,
    /// The mean of all labels.
    mean: Annotation,
    k: usize,
}

impl<'a> Neighbours<'a> {
    /// # Errors
    ///
    /// If there are fewer than `k` training images, `k` is 0, or their labels have no mean.
    pub(crate) fn new(task: &'a dyn Task, training: &'a LabelledImages, k: usize) -> Result<Self, EvalError> {
        let found = training.n_images();
        if k == 0 || found < k {
            return Err(EvalError::TooFew { what: "nearest neighbours", found, needed: k.max(1) });
        }
        let labels = training.labels();
        let known = training.images().flatten_from(1)?;
        let norms = known.sqr()?.sum(1)?.reshape((1, ()))?;
        let mean = task.mean(&labels.iter().collect::<Vec<_>>()).ok_or_else(no_mean)?;
        Ok(Self { task, labels, known, norms, mean, k })
    }

    /// Predicts for each image `(N, C, H, W)` the mean label of its nearest ones.
    ///
    /// # Errors
    ///
    /// If the images differ in size, or the nearest labels have no mean.
    pub(crate) fn predict(&self, images: &Tensor) -> Result<Vec<Annotation>, EvalError> {
        let asked = images.flatten_from(1)?;
        // |a − b|² = |a|² + |b|² − 2ab; |a|² is the same for all candidates and does not change their order.
        let products = asked.matmul(&self.known.t()?)?;
        let distances =
            self.norms.broadcast_sub(&(products * 2.0)?)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        distances.iter().map(|distances| self.mean_of_nearest(distances)).collect()
    }

    fn mean_of_nearest(&self, distances: &[f32]) -> Result<Annotation, EvalError> {
        let mut order: Vec<_> = (0..self.labels.len()).collect();
        let nearer = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b));
        order.select_nth_unstable_by(self.k - 1, nearer);
        let nearest: Vec<_> = order[..self.k].iter().map(|idx| &self.labels[*idx]).collect();
        let mean = self.task.mean(&nearest).ok_or_else(no_mean)?;
        Ok(self.task.completed(mean, &self.mean))
    }
}

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
    Neighbours::new(task, training, k)?.predict(images)
}

fn no_mean() -> EvalError {
    EvalError::Mismatch("the labels of the nearest images have no mean".into())
}
