//! Gradients by finite differences.
#![expect(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use candle_core::{Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;

use crate::common::uniform;

/// Compares the gradient of `sum(f(variables) * direction)` with central differences along random directions, all in `f64`.
pub(crate) fn check_differences(variables: &[Var], rng: &mut ChaCha8Rng, f: impl Fn() -> Result<Tensor>) {
    let weights = uniform(rng, f().unwrap().dims());
    let value = || f().unwrap().mul(&weights).unwrap().sum_all().unwrap();
    let gradients = value().backward().unwrap();
    for (index, variable) in variables.iter().enumerate() {
        let step = (uniform(rng, variable.dims()) * 1e-6).unwrap();
        let start = variable.as_tensor().copy().unwrap();
        variable.set(&(&start + &step).unwrap()).unwrap();
        let above = value().to_scalar::<f64>().unwrap();
        variable.set(&(&start - &step).unwrap()).unwrap();
        let below = value().to_scalar::<f64>().unwrap();
        variable.set(&start).unwrap();
        let gradient = gradients.get(variable).expect("a gradient for each variable");
        let predicted = (gradient * step).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap() * 2.0;
        let error = (above - below - predicted).abs() / predicted.abs().max(1e-7);
        assert!(error < 1e-4, "variable {index}: {} by differences, {predicted} predicted", above - below);
    }
}
