use candle_core::{Tensor, Var};

use super::{OptimError, state};

/// The exponential running average of a network's weights, which the paper (v2, §2.3) calls complementary to
/// the history of images: average ← decay·average + (1 − decay)·weight.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    parameters: Vec<(String, Var)>,
    /// One for each parameter. Replaced at each update, never written to: [`Self::tensors`] shares their
    /// memory.
    averages: Vec<Tensor>,
}

impl Ema {
    /// Starts an average at the current weights; `decay` is in [0, 1).
    ///
    /// # Errors
    ///
    /// If the weights cannot be copied.
    pub fn new(parameters: Vec<(String, Var)>, decay: f64) -> Result<Self, OptimError> {
        let averages = parameters.iter().map(|(_, var)| var.copy()).collect::<Result<Vec<_>, _>>()?;
        let averages = averages.iter().map(Tensor::detach).collect();
        Ok(Self { decay, parameters, averages })
    }

    /// Updates the averages with the weights after a step.
    ///
    /// # Errors
    ///
    /// If an operation on tensors fails.
    pub fn update(&mut self) -> Result<(), OptimError> {
        for ((_, var), average) in self.parameters.iter().zip(&mut self.averages) {
            // Detached, so that the average does not keep the graph of every step.
            let weight = var.as_tensor().detach();
            *average = ((&*average * self.decay)? + (weight * (1.0 - self.decay))?)?;
        }
        Ok(())
    }

    /// Returns the averages under the parameters' names, for inference or a checkpoint.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        self.parameters.iter().map(|(name, _)| name.clone()).zip(self.averages.iter().cloned()).collect()
    }

    /// Restores the tensors of [`Self::tensors`], given in any order.
    ///
    /// # Errors
    ///
    /// If a tensor is missing or unknown, has the wrong shape or type, or is not finite; the averages are
    /// then unchanged.
    pub fn restore(&mut self, tensors: &[(String, Tensor)]) -> Result<(), OptimError> {
        let expected = self.tensors();
        state::check(&expected, tensors)?;
        for ((name, _), average) in expected.iter().zip(&mut self.averages) {
            if let Some(saved) = state::find(tensors, name) {
                *average = saved.detach().to_device(average.device())?;
            }
        }
        Ok(())
    }

    /// Swaps the weights and their averages, so that the network itself computes with the averages; a second
    /// call swaps them back, bit for bit.
    ///
    /// # Errors
    ///
    /// If an operation on tensors fails.
    pub fn swap(&mut self) -> Result<(), OptimError> {
        for ((_, var), average) in self.parameters.iter().zip(&mut self.averages) {
            let weight = var.copy()?.detach();
            var.set(average)?;
            *average = weight;
        }
        Ok(())
    }
}
