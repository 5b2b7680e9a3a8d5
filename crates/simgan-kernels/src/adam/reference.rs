//! Adam's step composed from candle's operations.

use candle_core::{Result, Tensor};

use super::Adam;

/// Returns the new parameter, mean and mean square, by PyTorch's formulas.
///
/// # Errors
/// If shapes, types or devices differ.
pub fn adam(
    rule: Adam,
    parameter: &Tensor,
    gradient: &Tensor,
    [mean, mean_square]: [&Tensor; 2],
) -> Result<[Tensor; 3]> {
    let [beta1, beta2] = rule.betas;
    let mean = ((mean * beta1)? + (gradient * (1.0 - beta1))?)?;
    let mean_square = ((mean_square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
    let [correction1, correction2] = rule.betas.map(|beta| 1.0 - beta.powf(rule.step as f64));
    let spread = ((mean_square.sqrt()? / correction2.sqrt())? + rule.epsilon)?;
    let change = ((&mean / spread)? * (rule.lr / correction1))?;
    Ok([(parameter - change)?, mean, mean_square])
}

/// Runs [`adam`] and writes its results into the tensors.
pub(super) fn apply(rule: Adam, parameter: &Tensor, gradient: &Tensor, moments: [&Tensor; 2]) -> Result<()> {
    let [mean, mean_square] = moments;
    // Detached, so that autograd does not chain this step to the next one.
    let [place, gradient] = [parameter, gradient].map(Tensor::detach);
    let moved = adam(rule, &place, &gradient, moments)?;
    for (place, value) in [parameter, mean, mean_square].into_iter().zip(moved) {
        place.detach().flatten_all()?.slice_set(&value.flatten_all()?, 0, 0)?;
    }
    Ok(())
}
