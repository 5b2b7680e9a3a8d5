use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};

use super::{OptimError, Rule, state};

/// Updates the parameters of one network in place.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    clip_norm: Option<f64>,
    parameters: Vec<(String, Var)>,
    /// The moments of each parameter, in the order of [`Rule::moments`]. Nothing shares their memory, since a
    /// step may write to it.
    moments: Vec<Vec<Tensor>>,
    n_steps: i64,
}

impl Optimizer {
    /// Creates an optimizer that has made no step. A gradient whose norm over all parameters exceeds
    /// `clip_norm` is scaled down to it.
    ///
    /// # Errors
    ///
    /// If the moments cannot be allocated.
    pub fn new(
        parameters: Vec<(String, Var)>,
        rule: Rule,
        clip_norm: Option<f64>,
    ) -> Result<Self, OptimError> {
        let zeros =
            |var: &Var| rule.moments().iter().map(|_| var.zeros_like()).collect::<Result<Vec<_>, _>>();
        let moments = parameters.iter().map(|(_, var)| zeros(var)).collect::<Result<_, _>>()?;
        Ok(Self { rule, clip_norm, parameters, moments, n_steps: 0 })
    }

    /// Makes one step and returns the norm of the gradient over all parameters, before clipping.
    ///
    /// # Errors
    ///
    /// If a parameter has no gradient or one that is not finite; nothing has changed then.
    pub fn step(&mut self, gradients: &GradStore, lr: f64) -> Result<f64, OptimError> {
        let mut gradients = self.gradients(gradients)?;
        // Before any update, since it also rejects gradients that are not finite.
        let norm = self.norm(&gradients)?;
        if let Some(clip_norm) = self.clip_norm.filter(|clip_norm| norm > *clip_norm) {
            for gradient in &mut gradients {
                *gradient = (&*gradient * (clip_norm / (norm + 1e-6)))?; // PyTorch's ε
            }
        }
        self.n_steps += 1;
        for (((_, var), gradient), moments) in self.parameters.iter().zip(&gradients).zip(&mut self.moments) {
            self.rule.apply(var, gradient, moments, lr, self.n_steps)?;
        }
        Ok(norm)
    }

    /// Copies everything that the next step depends on, except the parameters and the learning rate.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be copied.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>, OptimError> {
        let mut tensors = vec![("step".to_owned(), Tensor::new(self.n_steps, &Device::Cpu)?)];
        for ((name, _), moments) in self.parameters.iter().zip(&self.moments) {
            for (moment, tensor) in self.rule.moments().iter().zip(moments) {
                tensors.push((format!("{moment}.{name}"), tensor.copy()?));
            }
        }
        Ok(tensors)
    }

    /// Restores the tensors of [`Self::state`], given in any order; the next step is then exactly the one
    /// that the saved optimizer would have made.
    ///
    /// # Errors
    ///
    /// If a tensor is missing or unknown, has the wrong shape or type, or is not finite; nothing has changed
    /// then.
    pub fn restore(&mut self, tensors: &[(String, Tensor)]) -> Result<(), OptimError> {
        let expected = self.state()?;
        state::check(&expected, tensors)?;
        // In the order of `state`: first the step, then the moments as `self.moments` lists them.
        let mut found = expected.iter().filter_map(|(name, _)| state::find(tensors, name));
        let step = found.next().map(Tensor::to_scalar::<i64>).transpose()?;
        let n_steps = step.filter(|step| *step >= 0);
        self.n_steps = n_steps.ok_or_else(|| OptimError::State("`step` is negative".into()))?;
        for (own, saved) in self.moments.iter_mut().flatten().zip(found) {
            // Copied, since a step may write to the memory of a moment.
            *own = saved.detach().to_device(own.device())?.copy()?;
        }
        Ok(())
    }

    fn gradients(&self, gradients: &GradStore) -> Result<Vec<Tensor>, OptimError> {
        let gradient = |(name, var): &(String, Var)| {
            gradients.get(var).cloned().ok_or_else(|| OptimError::NoGradient { name: name.clone() })
        };
        self.parameters.iter().map(gradient).collect()
    }

    fn norm(&self, gradients: &[Tensor]) -> Result<f64, OptimError> {
        let squares = gradients.iter().map(|gradient| gradient.sqr()?.sum_all()?.to_dtype(DType::F64));
        let squares = squares.collect::<Result<Vec<_>, _>>()?;
        if squares.is_empty() {
            return Ok(0.0);
        }
        // Stacked, so that the device is waited for once and not per parameter.
        let squares = Tensor::stack(&squares, 0)?.to_vec1::<f64>()?;
        match squares.iter().position(|square| !square.is_finite()) {
            Some(idx) => Err(OptimError::NotFinite { name: self.parameters[idx].0.clone() }),
            None => Ok(squares.iter().sum::<f64>().sqrt()),
        }
    }
}
