//! What the losses reject and what the accuracy counts. The workspace's tests compare their values with
//! PyTorch's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor};
use simgan_losses::{
    AdversarialLoss, Consistency, FeatureTransform, Psi, SelfRegularization, Target, accuracy, adversarial,
    cross_entropy, heat_map_distance, squared_error,
};

fn zeros(shape: (usize, usize, usize, usize)) -> Tensor {
    Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn the_accuracy_is_the_fraction_of_patches() {
    // One row of patches: real wins, refined wins, a tie, real wins.
    let logits = Tensor::new(&[[[[3f32, -1.0, 2.0, 0.5]], [[1.0, 0.0, 2.0, -0.5]]]], &Device::Cpu).unwrap();
    assert_eq!(accuracy(&logits, Target::Real, None).unwrap(), 0.5);
    assert_eq!(accuracy(&logits, Target::Refined, None).unwrap(), 0.25);
}

/// A patch without a weight counts for nothing, whatever D says of it, and the others as if they were all.
#[test]
fn weights_leave_patches_out() {
    let of = |scores: &[f32]| {
        let real = Tensor::new(scores, &Device::Cpu).unwrap().reshape((1, 1, 1, scores.len())).unwrap();
        Tensor::cat(&[&real, &real.zeros_like().unwrap()], 1).unwrap()
    };
    let (all, part) = (of(&[0.5, 9.0, -1.5, -9.0]), of(&[0.5, -1.5]));
    let weights = Tensor::new(&[[[[2f32, 0.0, 2.0, 0.0]]]], &Device::Cpu).unwrap();
    let value = |loss: candle_core::Result<Tensor>| loss.unwrap().to_scalar::<f32>().unwrap();
    for kind in [AdversarialLoss::CrossEntropy, AdversarialLoss::LeastSquares, AdversarialLoss::Hinge] {
        for target in [Target::Real, Target::Refined] {
            let weighted = value(kind.of_discriminator(&all, target, Some(&weights)));
            assert!((weighted - value(kind.of_discriminator(&part, target, None))).abs() < 1e-6, "{kind:?}");
            assert!((weighted - value(kind.of_discriminator(&all, target, None))).abs() > 0.1, "{kind:?}");
        }
        let weighted = value(kind.of_refiner(&all, Some(&weights)));
        assert!((weighted - value(kind.of_refiner(&part, None))).abs() < 1e-6, "{kind:?}");
    }
    assert_eq!(accuracy(&all, Target::Real, Some(&weights)).unwrap(), 0.5);
    let others = zeros((1, 1, 2, 2));
    assert!(AdversarialLoss::Hinge.of_refiner(&all, Some(&others)).is_err());
    assert!(accuracy(&all, Target::Real, Some(&others)).is_err());
}

/// No loss prefers a class at chance, and R gains nothing from images that D already takes for real, except
/// by the hinge, whose score has no end.
#[test]
fn every_kind_is_even_at_chance() {
    for kind in [AdversarialLoss::CrossEntropy, AdversarialLoss::LeastSquares, AdversarialLoss::Hinge] {
        let of = |target| {
            kind.of_discriminator(&zeros((1, 2, 1, 3)), target, None).unwrap().to_scalar::<f32>().unwrap()
        };
        assert!((f64::from(of(Target::Real) + of(Target::Refined)) - kind.at_chance()).abs() < 1e-6);
    }
    let score = |kind: AdversarialLoss, real: f32| {
        let logits = Tensor::new(&[[[[real]], [[0f32]]]], &Device::Cpu).unwrap();
        let both = [Target::Real, Target::Refined].map(|target| kind.of_discriminator(&logits, target, None));
        let [real, refined] = both.map(|loss| loss.unwrap().to_scalar::<f32>().unwrap());
        [real, refined, kind.of_refiner(&logits, None).unwrap().to_scalar::<f32>().unwrap()]
    };
    assert_eq!(score(AdversarialLoss::LeastSquares, 0.0), [0.5, 0.5, 0.5]);
    assert_eq!(score(AdversarialLoss::LeastSquares, 1.0), [0.0, 2.0, 0.0]);
    assert_eq!(score(AdversarialLoss::Hinge, 0.0), [1.0, 1.0, 0.0]);
    assert_eq!(score(AdversarialLoss::Hinge, 3.0), [0.0, 4.0, -3.0]);
}

#[test]
fn chance_costs_ln_2() {
    for target in [Target::Real, Target::Refined] {
        let loss = adversarial(&zeros((3, 2, 4, 5)), target).unwrap().to_scalar::<f32>().unwrap();
        assert!((loss - 2f32.ln()).abs() < 1e-6);
    }
}

#[test]
fn settings_name_losses_and_transforms() {
    let logits = Tensor::new(&[[[[3f32, -1.0, 2.0]], [[1.0, 0.0, 2.5]]]], &Device::Cpu).unwrap();
    let kind = AdversarialLoss::CrossEntropy;
    let value = |loss: candle_core::Result<Tensor>| loss.unwrap().to_scalar::<f32>().unwrap();
    for target in [Target::Real, Target::Refined] {
        assert_eq!(value(kind.of_discriminator(&logits, target, None)), value(adversarial(&logits, target)));
    }
    assert_eq!(value(kind.of_refiner(&logits, None)), value(adversarial(&logits, Target::Real)));
    let none = || Err("no network");
    assert!(matches!(Psi::MeanColor.transform(none), Ok(FeatureTransform::MeanColor)));
    assert!(matches!(Psi::Derivatives.transform(none), Ok(FeatureTransform::Derivatives)));
    assert_eq!(Psi::Network.transform(none).unwrap_err(), "no network");
}

#[test]
fn wrong_shapes_are_errors() {
    for logits in [zeros((1, 1, 3, 3)), zeros((0, 2, 3, 3)), zeros((1, 2, 0, 3))] {
        assert!(adversarial(&logits, Target::Real).is_err());
        assert!(AdversarialLoss::LeastSquares.of_discriminator(&logits, Target::Real, None).is_err());
        assert!(AdversarialLoss::Hinge.of_refiner(&logits, None).is_err());
        assert!(accuracy(&logits, Target::Real, None).is_err());
    }
    let identity = SelfRegularization::new(FeatureTransform::Identity);
    assert!(identity.loss(&zeros((1, 1, 2, 3)), &zeros((1, 1, 3, 2))).is_err());
    assert!(identity.loss(&zeros((0, 1, 2, 3)), &zeros((0, 1, 2, 3))).is_err());
    let derivatives = SelfRegularization::new(FeatureTransform::Derivatives);
    let error = derivatives.loss(&zeros((1, 1, 1, 9)), &zeros((1, 1, 1, 9))).unwrap_err().to_string();
    assert!(error.contains("1×9"), "{error}");
}

#[test]
fn outputs_of_another_kind_are_errors() {
    let zeros = |dims: &[usize]| Tensor::ones(dims, DType::F32, &Device::Cpu).unwrap();
    for (kind, good, bad) in [
        (Consistency::Direction, &[4usize, 3][..], &[4usize, 2][..]),
        (Consistency::Points, &[2, 1, 3, 4, 5], &[2, 3, 4, 5]),
        (Consistency::Class, &[4, 10], &[4, 10, 1]),
        (Consistency::Vector, &[4, 2], &[0, 2]),
    ] {
        assert!(kind.loss(&zeros(good), &zeros(good)).is_ok(), "{kind:?}");
        assert!(kind.loss(&zeros(bad), &zeros(bad)).is_err(), "{kind:?}");
    }
    assert!(Consistency::Class.loss(&zeros(&[4, 3]), &zeros(&[4, 2])).is_err());
}

#[test]
fn weights_of_another_size_are_errors() {
    let identity = SelfRegularization::new(FeatureTransform::Identity);
    let images = zeros((2, 3, 4, 5));
    assert!(identity.weighted_loss(&images, &images, Some(&zeros((2, 1, 4, 5)))).is_ok());
    for weights in [(2, 1, 5, 4), (1, 1, 4, 5), (2, 3, 4, 5)] {
        assert!(identity.weighted_loss(&images, &images, Some(&zeros(weights))).is_err());
    }
}

#[test]
fn nan_is_not_hidden() {
    let nan = Tensor::full(f32::NAN, (1, 2, 2, 2), &Device::Cpu).unwrap();
    assert!(adversarial(&nan, Target::Real).unwrap().to_scalar::<f32>().unwrap().is_nan());
    let hinge = AdversarialLoss::Hinge.of_discriminator(&nan, Target::Real, None).unwrap();
    assert!(hinge.to_scalar::<f32>().unwrap().is_nan());
    let change =
        SelfRegularization::new(FeatureTransform::Identity).loss(&nan, &zeros((1, 2, 2, 2))).unwrap();
    assert!(change.to_scalar::<f32>().unwrap().is_nan());
}

#[test]
fn missing_points_count_for_nothing() {
    let maps = Tensor::full(2f32, (2, 1, 2, 1, 3), &Device::Cpu).unwrap();
    let mut target = vec![0f32; 12];
    target[3..6].fill(f32::NAN); // the second point of the first image
    let target = Tensor::from_vec(target, (2, 2, 1, 3), &Device::Cpu).unwrap();
    let loss = |present: [[u8; 2]; 2]| {
        let present = Tensor::new(&present, &Device::Cpu).unwrap();
        heat_map_distance(&maps, &target, Some(&present)).unwrap().to_scalar::<f32>().unwrap()
    };
    assert_eq!(loss([[1, 0], [1, 1]]), 4.0);
    assert_eq!(loss([[0, 0], [0, 1]]), 4.0);
    assert_eq!(loss([[0, 0], [0, 0]]), 0.0);
    assert!(loss([[1, 1], [1, 1]]).is_nan());
}

#[test]
fn estimators_losses_refuse_other_shapes() {
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let maps = zeros(&[2, 1, 3, 4, 5]);
    assert!(heat_map_distance(&maps, &zeros(&[2, 3, 4, 5]), None).is_ok());
    assert!(heat_map_distance(&maps, &zeros(&[2, 3, 5, 4]), None).is_err());
    assert!(heat_map_distance(&maps, &zeros(&[2, 3, 4, 5]), Some(&zeros(&[3, 2]))).is_err());
    assert!(heat_map_distance(&zeros(&[0, 1, 3, 4, 5]), &zeros(&[0, 3, 4, 5]), None).is_err());
    let classes = |classes: &[u32]| Tensor::new(classes, &Device::Cpu).unwrap();
    assert!(cross_entropy(&zeros(&[2, 3]), &classes(&[0, 2])).is_ok());
    assert!(cross_entropy(&zeros(&[2, 3]), &classes(&[0, 3])).is_err());
    assert!(cross_entropy(&zeros(&[2, 3]), &classes(&[0])).is_err());
    assert!(cross_entropy(&zeros(&[0, 3]), &zeros(&[0])).is_err());
    assert!(squared_error(&zeros(&[2, 3]), &zeros(&[2, 3])).is_ok());
    assert!(squared_error(&zeros(&[2, 3]), &zeros(&[3, 2])).is_err());
    assert!(squared_error(&zeros(&[0, 3]), &zeros(&[0, 3])).is_err());
}
