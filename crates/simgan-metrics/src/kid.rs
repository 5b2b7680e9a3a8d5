use candle_core::{DType, Tensor};

use crate::MetricsError;

/// Returns the kernel distance (KID, Bińkowski et al. 2018) of two sets of features: the unbiased estimate of
/// the squared maximum mean discrepancy with the kernel (x·y / d + 1)³. It is 0 for equal distributions;
/// estimates may be negative.
///
/// # Shapes
///
/// `(N, d)` and `(M, d)`.
///
/// # Errors
///
/// If a set has fewer than two rows, or the widths differ.
pub fn kernel_distance(left: &Tensor, right: &Tensor) -> Result<f64, MetricsError> {
    let ((n_left, width), (n_right, other_width)) = (left.dims2()?, right.dims2()?);
    if width != other_width || width == 0 {
        return Err(MetricsError::Mismatch(format!("features of {width} and of {other_width} values")));
    }
    let found = n_left.min(n_right);
    if found < 2 {
        return Err(MetricsError::TooFew { what: "the kernel distance", found, needed: 2 });
    }
    let (left, right) = (left.to_dtype(DType::F64)?, right.to_dtype(DType::F64)?);
    Ok(mean_within(&left)? + mean_within(&right)?
        - 2.0 * sum(&kernel(&left, &right)?)? / (n_left * n_right) as f64)
}

/// Returns the kernel's mean over all pairs of different rows. Leaving out the diagonal makes the estimate
/// unbiased.
fn mean_within(features: &Tensor) -> Result<f64, MetricsError> {
    let (count, width) = features.dims2()?;
    let diagonal = ((features.sqr()?.sum(1)? / width as f64)? + 1.0)?.powf(3.0)?;
    Ok((sum(&kernel(features, features)?)? - sum(&diagonal)?) / (count * (count - 1)) as f64)
}

fn kernel(left: &Tensor, right: &Tensor) -> Result<Tensor, MetricsError> {
    let width = left.dim(1)? as f64;
    Ok(((left.matmul(&right.t()?)? / width)? + 1.0)?.powf(3.0)?)
}

fn sum(values: &Tensor) -> Result<f64, MetricsError> {
    Ok(values.sum_all()?.to_scalar()?)
}
