//! Checks gradients in `f64` against central differences, which do not use the backward passes, on every
//! device with `f64`.

use candle_core::{DType, Device, Module, Result, Tensor, Var};
use simgan_losses::{
    AdversarialLoss, Consistency, FeatureTransform, SelfRegularization, Target, adversarial, cross_entropy,
    heat_map_distance, patch_weights, squared_error,
};
use simgan_models::{Border, Discriminator, DiscriminatorConfig, Parameters, Refiner};

use crate::devices::devices;
use crate::support::{eye_layers, images, norm, refiner_config, scalar};

fn doubles() -> impl Iterator<Item = &'static Device> {
    devices().iter().filter(|device| !device.is_metal())
}

#[test]
fn the_adversarial_loss() {
    for device in doubles() {
        let logits = var(&images(1, (2, 2, 3, 5)), device);
        for target in [Target::Real, Target::Refined] {
            check(std::slice::from_ref(&logits), || adversarial(&(logits.as_tensor() * 3.0)?, target));
        }
    }
}

#[test]
fn the_other_adversarial_losses() {
    for device in doubles() {
        let logits = var(&images(25, (2, 2, 3, 5)), device);
        for kind in [AdversarialLoss::LeastSquares, AdversarialLoss::Hinge] {
            for target in [Target::Real, Target::Refined] {
                check(std::slice::from_ref(&logits), || kind.of_discriminator(&logits, target, None));
            }
            check(std::slice::from_ref(&logits), || kind.of_refiner(&logits, None));
        }
        let shows = images(27, (2, 1, 3, 5)).gt(0.0).unwrap().to_dtype(DType::F64).unwrap();
        let weights = patch_weights(&shows.to_device(device).unwrap()).unwrap();
        for kind in [AdversarialLoss::CrossEntropy, AdversarialLoss::LeastSquares, AdversarialLoss::Hinge] {
            check(std::slice::from_ref(&logits), || kind.of_refiner(&logits, Some(&weights)));
        }
    }
}

#[test]
fn the_estimators_losses() {
    for device in doubles() {
        let maps = var(&images(21, (2, 2, 3, 20)).reshape((2, 2, 3, 4, 5)).unwrap(), device);
        let target = var(&images(22, (2, 3, 4, 5)), device);
        let present = Tensor::new(&[[1u8, 0, 1], [1, 1, 0]], device).unwrap();
        for present in [None, Some(&present)] {
            check(std::slice::from_ref(&maps), || heat_map_distance(&maps, &target, present));
        }
        let [rows, others] = [23, 24].map(|seed| images(seed, (1, 1, 3, 4)).reshape((3, 4)).unwrap());
        let (logits, other) = (var(&rows, device), var(&others, device));
        let classes = Tensor::new(&[3u32, 0, 1], device).unwrap();
        check(std::slice::from_ref(&logits), || cross_entropy(&(logits.as_tensor() * 3.0)?, &classes));
        check(std::slice::from_ref(&logits), || squared_error(&logits, &other));
    }
}

#[test]
fn self_regularization_for_each_transform() {
    for device in doubles() {
        let network = refiner(&Parameters::new(4, device), 3).frozen();
        for transform in [
            FeatureTransform::Identity,
            FeatureTransform::Derivatives,
            FeatureTransform::MeanColor,
            FeatureTransform::Network(Box::new(network)),
        ] {
            check_transform(&SelfRegularization::new(transform), device);
        }
    }
}

#[test]
fn the_task_consistency_for_each_kind() {
    for (device, (kind, shape)) in doubles().flat_map(|device| {
        let shapes: [(Consistency, &[usize]); 4] = [
            (Consistency::Direction, &[5, 3]),
            (Consistency::Points, &[2, 2, 3, 5, 7]),
            (Consistency::Class, &[3, 4]),
            (Consistency::Vector, &[3, 2]),
        ];
        shapes.map(|shape| (device, shape))
    }) {
        let count: usize = shape.iter().product();
        let drawn = |seed| var(&images(seed, (1, 1, 1, count)).reshape(shape).unwrap(), device);
        let (refined, synthetic) = (drawn(30), drawn(31));
        check(std::slice::from_ref(&refined), || kind.loss(&(refined.as_tensor() * 3.0)?, &synthetic));
        let loss = kind.loss(&refined, &synthetic).unwrap();
        assert!(loss.backward().unwrap().get(&synthetic).is_none(), "{kind:?}");
        let none = scalar(&kind.loss(&refined, &refined.copy().unwrap()).unwrap());
        assert!(none.abs() < 1e-12 && scalar(&loss) > 0.1, "{kind:?}: {none}, {loss}");
    }
}

fn check_transform(regularization: &SelfRegularization, device: &Device) {
    let [refined, synthetic] = [2, 3].map(|seed| var(&images(seed, (2, 3, 5, 7)), device));
    check(std::slice::from_ref(&refined), || regularization.loss(&refined, &synthetic));
    // Weights without a gradient of their own.
    let weights = (images(29, (2, 1, 5, 7)) + 1.5).unwrap();
    let weights = weights.to_dtype(DType::F64).unwrap().to_device(device).unwrap();
    check(std::slice::from_ref(&refined), || {
        regularization.weighted_loss(&refined, &synthetic, Some(&weights))
    });
    let loss = regularization.loss(&refined, &synthetic).unwrap();
    assert!(loss.backward().unwrap().get(&synthetic).is_none(), "{regularization:?}");
}

/// Checks the refiner's loss (eq. 4), through both networks, for each of the refiner's parameters.
#[test]
fn the_refiners_whole_loss() {
    for device in doubles() {
        let [refiner_parameters, parameters] = [5, 6].map(|seed| Parameters::new(seed, device));
        let refiner = refiner(&refiner_parameters, 1);
        let discriminator = discriminator(&parameters, true).frozen();
        let synthetic = var(&images(7, (2, 1, 7, 10)), device).detach();
        let regularization = SelfRegularization::new(FeatureTransform::Identity);
        let vars: Vec<_> = refiner_parameters.vars().into_iter().map(|(_, var)| var).collect();
        check(&vars, || {
            let refined = refiner.forward(&synthetic)?;
            let realism = adversarial(&discriminator.forward(&refined)?, Target::Real)?;
            realism + regularization.loss(&refined, &synthetic)?
        });
    }
}

#[test]
fn the_discriminators_loss_local_and_global() {
    for (device, local) in doubles().flat_map(|device| [(device, true), (device, false)]) {
        let parameters = Parameters::new(8, device);
        let discriminator = discriminator(&parameters, local);
        let images = var(&images(9, (2, 1, 9, 14)), device);
        let vars = parameters.vars().into_iter().map(|(_, var)| var).chain([images.clone()]);
        check(&vars.collect::<Vec<_>>(), || adversarial(&discriminator.forward(&images)?, Target::Refined));
    }
}

/// With u and v constant, the gradient through σ = uᵀ W v is exact for any u and v.
#[test]
fn the_discriminators_loss_with_spectral_norms() {
    for device in doubles() {
        let parameters = Parameters::new(26, device);
        let config = DiscriminatorConfig { spectral_norm: true, ..eye_layers() };
        let vb = parameters.var_builder().to_dtype(DType::F64);
        let discriminator = Discriminator::new(&config, 1, vb).unwrap();
        discriminator.iterate_norms(2).unwrap();
        let images = var(&images(27, (2, 1, 9, 14)), device);
        let vars = parameters.vars().into_iter().map(|(_, var)| var).chain([images.clone()]);
        check(&vars.collect::<Vec<_>>(), || adversarial(&discriminator.forward(&images)?, Target::Refined));
    }
}

fn refiner(parameters: &Parameters, channels: usize) -> Refiner {
    let vb = parameters.var_builder().to_dtype(DType::F64);
    Refiner::new(&refiner_config(3, Border::Replicate), channels, vb).unwrap()
}

fn discriminator(parameters: &Parameters, local: bool) -> Discriminator {
    let vb = parameters.var_builder().to_dtype(DType::F64);
    Discriminator::new(&DiscriminatorConfig { local, ..eye_layers() }, 1, vb).unwrap()
}

fn var(tensor: &Tensor, device: &Device) -> Var {
    Var::from_tensor(&tensor.to_dtype(DType::F64).unwrap().to_device(device).unwrap()).unwrap()
}

/// Compares the derivative along a random direction for each variable. `STEP` is small enough not to cross
/// the kinks of ReLU and |·|.
fn check(vars: &[Var], loss: impl Fn() -> Result<Tensor>) {
    const STEP: f64 = 1e-6;
    let gradients = loss().unwrap().backward().unwrap();
    for (var_idx, var) in vars.iter().enumerate() {
        let gradient = gradients.get(var).unwrap();
        let start = var.copy().unwrap().detach();
        let direction = images(100 + var_idx as u64, (1, 1, 1, var.elem_count()));
        let direction = direction.reshape(var.shape()).unwrap().to_dtype(DType::F64).unwrap();
        let direction = direction.to_device(var.device()).unwrap();
        let at = |offset: f64| {
            var.set(&(&start + (&direction * offset).unwrap()).unwrap()).unwrap();
            scalar(&loss().unwrap())
        };
        let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        var.set(&start).unwrap();
        let expected = scalar(&(gradient * &direction).unwrap().sum_all().unwrap());
        let scale = norm(gradient) * norm(&direction);
        assert!(scale > 0.0, "variable {var_idx} has no gradient");
        let error = (difference - expected).abs() / scale;
        assert!(error < 1e-7, "variable {var_idx}: {difference} instead of {expected}");
    }
}
