use candle_core::{DType, Tensor};

use crate::MetricsError;

/// Returns the distance between the intensities of two sets of images: the earth mover's distance
/// (Wasserstein-1) between their histograms over all pixels, in units of the range [−1, 1].
///
/// # Shapes
///
/// `(N, C, H, W)` and `(M, C, h, w)`.
///
/// # Errors
///
/// If a set is empty.
pub fn intensity_distance(left: &Tensor, right: &Tensor) -> Result<f64, MetricsError> {
    earth_movers_distance(values(left)?, values(right)?)
}

/// Returns the earth mover's distance (Wasserstein-1) between the gradient magnitudes of two sets of images.
/// Gradients are differences to the right and lower neighbours; noise and sharp edges raise them, blur lowers
/// them.
///
/// # Shapes
///
/// `(N, C, H, W)` and `(M, C, h, w)`.
///
/// # Errors
///
/// If a set is empty, or its images are narrower or lower than 2 pixels.
pub fn gradient_distance(left: &Tensor, right: &Tensor) -> Result<f64, MetricsError> {
    earth_movers_distance(values(&gradients(left)?)?, values(&gradients(right)?)?)
}

/// Computes gradient magnitudes, `(N, C, H, W)` → `(N, C, H − 1, W − 1)`.
fn gradients(images: &Tensor) -> Result<Tensor, MetricsError> {
    let (_, _, height, width) = images.dims4()?;
    if height.min(width) < 2 {
        return Err(MetricsError::Mismatch(format!("images of {width}×{height} have no gradient")));
    }
    let at = |down: usize, right: usize| images.narrow(2, down, height - 1)?.narrow(3, right, width - 1);
    let here = at(0, 0)?;
    let (across, down) = ((at(0, 1)? - &here)?, (at(1, 0)? - &here)?);
    Ok((across.sqr()? + down.sqr()?)?.sqrt()?)
}

fn values(images: &Tensor) -> Result<Vec<f32>, MetricsError> {
    Ok(images.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

/// Computes the area between the two cumulative distributions, in one sweep over the sorted values.
fn earth_movers_distance(mut left: Vec<f32>, mut right: Vec<f32>) -> Result<f64, MetricsError> {
    let found = left.len().min(right.len());
    if found == 0 {
        return Err(MetricsError::TooFew { what: "the distance of histograms", found, needed: 1 });
    }
    left.sort_unstable_by(f32::total_cmp);
    right.sort_unstable_by(f32::total_cmp);
    let (mut n_left, mut n_right, mut at, mut area) = (0, 0, f64::from(left[0].min(right[0])), 0.0);
    while n_left < left.len() || n_right < right.len() {
        let next_left = left.get(n_left).copied().unwrap_or(f32::INFINITY);
        let next_right = right.get(n_right).copied().unwrap_or(f32::INFINITY);
        let next = f64::from(next_left.min(next_right));
        let shares = [n_left as f64 / left.len() as f64, n_right as f64 / right.len() as f64];
        area += (shares[0] - shares[1]).abs() * (next - at);
        at = next;
        if next_left <= next_right { n_left += 1 } else { n_right += 1 }
    }
    Ok(area)
}
