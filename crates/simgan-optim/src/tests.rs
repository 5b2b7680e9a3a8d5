use candle_core::{Device, Tensor, Var};

use super::{Ema, OptimError, Optimizer, Rule};

fn var(values: &[f32]) -> Var {
    Var::new(values, &Device::Cpu).unwrap()
}

fn values(var: &Var) -> Vec<f32> {
    var.to_vec1().unwrap()
}

/// Steps on loss = Σ c·w, whose gradient is c.
fn step(optimizer: &mut Optimizer, var: &Var, gradient: &[f32], lr: f64) -> Result<f64, OptimError> {
    let gradient = Tensor::new(gradient, &Device::Cpu).unwrap();
    let loss = (var.as_tensor() * gradient).unwrap().sum_all().unwrap();
    optimizer.step(&loss.backward().unwrap(), lr)
}

fn optimizer(var: &Var, rule: Rule, clip_norm: Option<f64>) -> Optimizer {
    Optimizer::new(vec![("w".into(), var.clone())], rule, clip_norm).unwrap()
}

#[test]
fn momentum_keeps_part_of_the_previous_step() {
    let w = var(&[1.0, -2.0]);
    let mut sgd = optimizer(&w, Rule::Sgd { momentum: 0.5 }, None);
    step(&mut sgd, &w, &[1.0, 2.0], 0.125).unwrap();
    assert_eq!(values(&w), [0.875, -2.25]);
    step(&mut sgd, &w, &[0.0, 4.0], 0.25).unwrap();
    assert_eq!(values(&w), [0.75, -3.5]);
}

#[test]
fn a_long_gradient_is_shortened_and_a_short_one_is_not() {
    let w = var(&[0.0, 0.0]);
    let mut sgd = optimizer(&w, Rule::Sgd { momentum: 0.0 }, Some(1.0));
    assert_eq!(step(&mut sgd, &w, &[3.0, 4.0], 1.0).unwrap(), 5.0);
    assert!((values(&w)[0] + 0.6).abs() < 1e-6 && (values(&w)[1] + 0.8).abs() < 1e-6);
    let w = var(&[0.0, 0.0]);
    let mut sgd = optimizer(&w, Rule::Sgd { momentum: 0.0 }, Some(5.0));
    step(&mut sgd, &w, &[3.0, 4.0], 1.0).unwrap();
    assert_eq!(values(&w), [-3.0, -4.0]);
}

#[test]
fn a_bad_gradient_changes_nothing_and_is_named() {
    let (w, other) = (var(&[1.0, 2.0]), var(&[1.0]));
    let mut adam = optimizer(&w, Rule::adam([0.9, 0.999]), Some(1.0));
    step(&mut adam, &w, &[1.0, 1.0], 0.1).unwrap();
    let (before, state) = (values(&w), adam.state().unwrap());
    let error = step(&mut adam, &w, &[f32::NAN, 1.0], 0.1).unwrap_err();
    assert!(matches!(error, OptimError::NotFinite { name } if name == "w"));
    let error = adam.step(&other.sqr().unwrap().sum_all().unwrap().backward().unwrap(), 0.1).unwrap_err();
    assert!(matches!(error, OptimError::NoGradient { name } if name == "w"));
    assert_eq!(values(&w), before);
    assert_eq!(format!("{state:?}"), format!("{:?}", adam.state().unwrap()));
}

/// Catches a resume that restores the weights but not the optimizer.
#[test]
fn a_restored_optimizer_goes_on_bit_for_bit() {
    for rule in [Rule::Sgd { momentum: 0.9 }, Rule::adam([0.5, 0.9])] {
        let w = var(&[1.0, -2.0, 0.3]);
        let mut original = optimizer(&w, rule, Some(0.7));
        step(&mut original, &w, &[0.3, 0.1, -0.2], 0.01).unwrap();
        let resumed_w = var(&values(&w));
        let mut resumed = optimizer(&resumed_w, rule, Some(0.7));
        resumed.restore(&original.state().unwrap()).unwrap();
        for gradient in [[0.2, -0.7, 0.1], [0.9, 0.1, 0.4]] {
            step(&mut original, &w, &gradient, 0.01).unwrap();
            step(&mut resumed, &resumed_w, &gradient, 0.01).unwrap();
        }
        assert_eq!(values(&w), values(&resumed_w), "{rule:?}");
    }
}

type State = Vec<(String, Tensor)>;

#[test]
fn restoring_is_strict() {
    let w = var(&[1.0, 2.0]);
    let mut sgd = optimizer(&w, Rule::Sgd { momentum: 0.9 }, None);
    let good = sgd.state().unwrap();
    let mut refuse = |change: &dyn Fn(&mut State), text: &str| {
        let mut tensors = good.clone();
        change(&mut tensors);
        let error = sgd.restore(&tensors).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    refuse(&|tensors| drop(tensors.pop()), "`momentum.w` is missing");
    refuse(&|tensors| tensors.push(("momentum.v".into(), tensors[1].1.clone())), "`momentum.v` is unknown");
    refuse(&|tensors| tensors[1].1 = Tensor::new(&[1f32], &Device::Cpu).unwrap(), "not ([2], F32)");
    refuse(&|tensors| tensors[1].1 = Tensor::new(&[1f64, 1.0], &Device::Cpu).unwrap(), "not ([2], F32)");
    refuse(&|tensors| tensors[1].1 = Tensor::new(&[1f32, f32::NAN], &Device::Cpu).unwrap(), "not finite");
    refuse(&|tensors| tensors[0].1 = Tensor::new(-1i64, &Device::Cpu).unwrap(), "negative");
}

#[test]
fn the_average_follows_and_swaps_and_resumes() {
    let w = var(&[0.0, 8.0]);
    let mut ema = Ema::new(vec![("w".into(), w.clone())], 0.75).unwrap();
    w.set(&Tensor::new(&[4f32, 0.0], &Device::Cpu).unwrap()).unwrap();
    ema.update().unwrap();
    ema.swap().unwrap();
    assert_eq!(values(&w), [1.0, 6.0]);
    ema.swap().unwrap();
    assert_eq!(values(&w), [4.0, 0.0]);

    let mut resumed = Ema::new(vec![("w".into(), w.clone())], 0.75).unwrap();
    resumed.restore(&ema.tensors()).unwrap();
    ema.update().unwrap();
    resumed.update().unwrap();
    assert_eq!(ema.tensors()[0].1.to_vec1::<f32>().unwrap(), [1.75, 4.5]);
    assert_eq!(resumed.tensors()[0].1.to_vec1::<f32>().unwrap(), [1.75, 4.5]);
}
