use candle_core::{Tensor, Var};

use crate::{OptimError, Optimizer, Rule};

/// Trains `parameters` with `n_steps` updates of Adam with β = (0.9, 0.999), gradients clipped to a norm of
/// 1.
///
/// `loss` returns the loss of a step, counted from 0, and the learning rate of its update; `updated` is
/// called after each update.
///
/// # Errors
///
/// If a gradient is missing or not finite, or `loss` or `updated` fails.
pub fn fit_adam<E: From<OptimError> + From<candle_core::Error>>(
    parameters: Vec<(String, Var)>,
    n_steps: usize,
    mut loss: impl FnMut(usize) -> Result<(Tensor, f64), E>,
    mut updated: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let mut optimizer = Optimizer::new(parameters, Rule::adam([0.9, 0.999]), Some(1.0))?;
    for step_idx in 0..n_steps {
        let (loss, lr) = loss(step_idx)?;
        optimizer.step(&loss.backward()?, lr)?;
        updated()?;
    }
    Ok(())
}

/// Returns the learning rate of step `step_idx`, counted from 0, which falls from `lr` towards 0 along half a
/// cosine over `n_steps` steps.
#[must_use]
pub fn half_cosine(lr: f64, step_idx: usize, n_steps: usize) -> f64 {
    let done = step_idx as f64 / n_steps as f64;
    0.5 * lr * (1.0 + (std::f64::consts::PI * done).cos())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_bowl_is_descended_and_each_update_is_told() {
        let weight = Var::new(&[1f32, -0.5], &Device::Cpu).unwrap();
        let (mut rates, mut n_updates) = (Vec::new(), 0);
        let loss = |step_idx: usize| -> Result<_, OptimError> {
            let lr = half_cosine(0.1, step_idx, 40);
            rates.push(lr);
            Ok((weight.sqr()?.sum_all()?, lr))
        };
        let updated = || {
            n_updates += 1;
            Ok(())
        };
        fit_adam(vec![("weight".to_owned(), weight.clone())], 40, loss, updated).unwrap();
        assert!(weight.to_vec1::<f32>().unwrap().iter().all(|value| value.abs() < 0.1), "{weight:?}");
        assert_eq!((n_updates, rates[0], rates[20]), (40, 0.1, 0.05));
        assert!(rates.is_sorted_by(|before, after| before > after));
    }
}
