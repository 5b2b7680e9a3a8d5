use candle_core::{Result, Tensor, bail};

/// The loss of the paper's gaze network (§3.1): the squared Euclidean distance to the true direction,
/// averaged over the batch.
///
/// # Shapes
///
/// `predicted` `(N, 3)`, `target` `(N, 3)` unit vectors → a scalar.
///
/// # Errors
///
/// If the shapes are not these or N is 0.
pub fn gaze_distance(predicted: &Tensor, target: &Tensor) -> Result<Tensor> {
    match (predicted.dims(), target.dims()) {
        ([n, 3], [m, 3]) if n == m && *n > 0 => (predicted - target.detach())?.sqr()?.sum(1)?.mean_all(),
        dims => bail!("gaze vectors {dims:?}, not (N, 3) twice with N at least 1"),
    }
}
