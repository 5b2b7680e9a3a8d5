use candle_core::{Tensor, Var};

use super::{OptimError, state};

/// The exponential running average of a network's weights, which the paper (v2, §2.3) calls complementary to the
/// history of images: average ← decay·average + (1 − decay)·weight.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    parameters: Vec<(String, Var)>,
    /// One for each parameter. Tensors are replaced, never written to.
    averages: Vec<Tensor>,
}

impl Ema {
    /// An average that starts at the weights as they are now; `decay` is in [0, 1).
    ///
    /// # Errors
    ///
    /// If the weights cannot be copied.
    pub fn new(parameters: Vec<(String, Var)>, decay: f64) -> Result<Self, OptimError> {
        let averages = parameters.iter().map(|(_, var)| var.copy()).collect::<Result<Vec<_>, _>>()?;
        let averages = averages.iter().map(Tensor::detach).collect();
        Ok(Self { decay, parameters, averages })
    }

    /// Takes in the weights after a step.
    ///
    /// # Errors
    ///
    /// If an operation on tensors fails.
    pub fn update(&mut self) -> Result<(), OptimError> {
        for ((_, var), average) in self.parameters.iter().zip(&mut self.averages) {
            let weight = var.as_tensor().detach();
            *average = ((&*average * self.decay)? + (weight * (1.0 - self.decay))?)?;
        }
        Ok(())
    }

    /// The averages under the parameters' names, for inference or a checkpoint.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        self.parameters.iter().map(|(name, _)| name.clone()).zip(self.averages.iter().cloned()).collect()
    }

    /// Takes over the tensors of [`Self::tensors`], in any order.
    ///
    /// # Errors
    ///
    /// If a tensor is missing, unknown, or has the wrong shape, type or a value that is not finite; nothing has
    /// changed then.
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

    /// Exchanges the weights and their averages, so that the network itself computes with the averages; a second
    /// call exchanges them back, bit for bit.
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
