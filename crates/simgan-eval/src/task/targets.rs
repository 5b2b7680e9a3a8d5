use candle_core::Tensor;
use simgan_models::Parameters;

use super::Objective;
use crate::EvalError;

/// Numbers to predict, `(N, k)`, standardized to mean 0 and spread 1 in training, so that the last layer's
/// initial outputs match their scale. This multiplies a squared loss by a constant.
pub(super) struct StandardizedTargets {
    targets: Tensor,
    /// `(1, k)`.
    mean: Tensor,
    /// `(1, k)`.
    spread: Tensor,
    loss: fn(&Tensor, &Tensor) -> candle_core::Result<Tensor>,
}

impl StandardizedTargets {
    /// Standardizes `targets`, `(N, k)`, by the spread of each column; 0 counts as 1.
    pub(super) fn new(
        targets: &Tensor,
        spread: &[f64],
        loss: fn(&Tensor, &Tensor) -> candle_core::Result<Tensor>,
    ) -> Result<Self, EvalError> {
        // Equal targets have no spread to scale by.
        let spread = spread.iter().map(|spread| if *spread > 0.0 { *spread } else { 1.0 });
        let row = |values: Vec<f32>| Tensor::from_vec(values, (1, targets.dim(1)?), targets.device());
        let inverse = row(spread.clone().map(|spread| (1.0 / spread) as f32).collect())?;
        let spread = row(spread.map(|spread| spread as f32).collect())?;
        let mean = targets.mean_keepdim(0)?;
        let targets = targets.broadcast_sub(&mean)?.broadcast_mul(&inverse)?;
        Ok(Self { targets, mean, spread, loss })
    }
}

impl Objective for StandardizedTargets {
    fn loss(
        &self,
        output: &Tensor,
        batch: &Tensor,
        _: Option<&[simgan_metrics::Warp]>,
    ) -> Result<Tensor, EvalError> {
        Ok((self.loss)(output, &self.targets.index_select(batch, 0)?)?)
    }

    /// Folds the scale into the last layer.
    fn finish(&self, parameters: &Parameters) -> Result<(), EvalError> {
        let (mean, spread) = (self.mean.squeeze(0)?, self.spread.squeeze(0)?);
        for (name, var) in parameters.vars() {
            let value = var.as_tensor();
            match name.as_str() {
                "head.weight" => var.set(&value.broadcast_mul(&spread.unsqueeze(1)?)?)?,
                "head.bias" => var.set(&((value * &spread)? + &mean)?)?,
                _ => {}
            }
        }
        Ok(())
    }
}
