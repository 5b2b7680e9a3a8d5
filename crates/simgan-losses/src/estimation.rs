//! The losses of the estimators.

use candle_core::{DType, Result, Tensor, bail};

use crate::known::with_gradient;

/// The loss of stacked heat maps (Newell et al., 2016): the mean squared error of each stack's maps, summed
/// over the stacks.
///
/// Maps of points that are missing in `present` have no part in the mean, whatever `target` holds for them;
/// if all are missing, the loss is 0.
///
/// # Shapes
///
/// `maps` `(N, stacks, points, h, w)`, `target` `(N, points, h, w)`, `present` `(N, points)`, 0 where a point
/// is missing → a scalar.
///
/// # Errors
///
/// If the shapes are not these or an axis is empty.
pub fn heat_map_distance(maps: &Tensor, target: &Tensor, present: Option<&Tensor>) -> Result<Tensor> {
    let (n, stacks, points, height, width) = maps.dims5()?;
    let fits = target.dims() == [n, points, height, width]
        && present.is_none_or(|present| present.dims() == [n, points]);
    if !fits || maps.elem_count() == 0 {
        let present = present.map(Tensor::dims);
        bail!("heat maps {:?}, targets {:?}, points {present:?} do not fit", maps.dims(), target.dims());
    }
    let mut error = maps.detach().broadcast_sub(&target.detach().unsqueeze(1)?)?;
    let mut n_present = (n * points) as f64;
    if let Some(present) = present {
        let missing = present.detach().eq(0.0)?;
        n_present -= f64::from(missing.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?);
        let missing =
            missing.reshape((n, 1, points, 1, 1))?.broadcast_as((n, stacks, points, height, width))?;
        error = missing.where_cond(&error.zeros_like()?, &error)?;
    }
    let share = 1.0 / (n_present.max(1.0) * (height * width) as f64);
    with_gradient(maps, &(error.sqr()?.sum_all()? * share)?, &(error * (2.0 * share))?)
}

/// The cross-entropy of logits with the true classes, averaged over the batch. Stable for logits of any
/// finite size.
///
/// # Shapes
///
/// `logits` `(N, K)`, `classes` `(N)`, `u32` below K → a scalar in nats, 0 or more.
///
/// # Errors
///
/// If the shapes are not these, N is 0, or a class is not below K.
pub fn cross_entropy(logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
    match (logits.dims(), classes.dims()) {
        ([n, k], [m]) if n == m && n * k > 0 => {}
        dims => bail!("logits and classes {dims:?}, not (N, K) and (N) with N and K at least 1"),
    }
    // Subtracting the maximum avoids overflow and cancels out of the result, so it needs no gradient.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    let chosen = shifted.gather(&classes.unsqueeze(1)?, 1)?;
    (log_sum - chosen)?.mean_all()
}

/// The mean squared error of vectors, over the batch and the components.
///
/// # Shapes
///
/// `predicted` `(N, k)`, `target` `(N, k)` → a scalar.
///
/// # Errors
///
/// If the shapes are not these or an axis is empty.
pub fn squared_error(predicted: &Tensor, target: &Tensor) -> Result<Tensor> {
    match (predicted.dims(), target.dims()) {
        ([n, k], dims) if dims == [*n, *k] && n * k > 0 => (predicted - target.detach())?.sqr()?.mean_all(),
        dims => bail!("vectors {dims:?}, not (N, k) twice with N and k at least 1"),
    }
}
