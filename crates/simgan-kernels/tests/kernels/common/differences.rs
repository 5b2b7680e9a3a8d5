//! Gradients by finite differences.

use candle_core::{DType, Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;

use super::{Place, at, uniform};

/// Compares the gradient of `sum(f(variables) * direction)` with central differences along random directions,
/// all in `f64`.
pub(crate) fn check_differences(variables: &[Var], rng: &mut ChaCha8Rng, f: impl Fn() -> Result<Tensor>) {
    let place = Place { device: variables[0].device().clone(), dtype: DType::F64 };
    let weights = at(&uniform(rng, f().unwrap().dims()), &place);
    let value = || f().unwrap().mul(&weights).unwrap().sum_all().unwrap();
    let gradients = value().backward().unwrap();
    for (index, variable) in variables.iter().enumerate() {
        let step = (at(&uniform(rng, variable.dims()), &place) * 1e-6).unwrap();
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
