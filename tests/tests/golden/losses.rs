use candle_core::{DType, Device, Module, Result, Tensor};
use simgan_kernels::{Conv2d, conv2d};
use simgan_losses::{
    AdversarialLoss, Consistency, FeatureTransform, Gaps, SelfRegularization, Target, adversarial,
    cross_entropy, gaze_distance, heat_map_distance, squared_error,
};

use crate::devices::{devices, tolerance};
use crate::support::{Golden, assert_close, scalar, var};

/// The map of logits is not square and has several images, so that a wrong order of axes fails.
#[test]
fn the_adversarial_loss_equals_pytorch() {
    for size in ["local", "global"] {
        check(&format!("adversarial_{size}_real"), "logits", |logits, _| adversarial(logits, Target::Real));
        check(&format!("adversarial_{size}_refined"), "logits", |logits, _| {
            adversarial(logits, Target::Refined)
        });
    }
}

#[test]
fn the_adversarial_loss_of_large_logits_equals_pytorch() {
    check("adversarial_large", "logits", |logits, _| adversarial(logits, Target::Real));
}

/// Some patches lie on the margin of the hinge, where its gradient is 0.
#[test]
fn the_other_adversarial_losses_equal_pytorch() {
    for (name, kind) in [("least_squares", AdversarialLoss::LeastSquares), ("hinge", AdversarialLoss::Hinge)]
    {
        for (target_name, target) in [("real", Target::Real), ("refined", Target::Refined)] {
            check(&format!("{name}_{target_name}"), "logits", |logits, _| {
                kind.of_discriminator(logits, target, None)
            });
        }
    }
    check("least_squares_real", "logits", |logits, _| AdversarialLoss::LeastSquares.of_refiner(logits, None));
    check("hinge_refiner", "logits", |logits, _| AdversarialLoss::Hinge.of_refiner(logits, None));
}

#[test]
fn self_regularization_equals_pytorch_for_each_transform() {
    for (name, transform) in [
        ("identity", FeatureTransform::Identity),
        ("derivatives", FeatureTransform::Derivatives),
        ("mean_color", FeatureTransform::MeanColor),
    ] {
        check_transform(name, &SelfRegularization::new(transform));
    }
    for device in devices() {
        let network = FeatureTransform::Network(Box::new(Layer(kernel(device))));
        check_transform_on(device, "network", &SelfRegularization::new(network));
    }
}

#[test]
fn weighted_self_regularization_equals_pytorch() {
    for (name, transform) in [
        ("identity", FeatureTransform::Identity),
        ("derivatives", FeatureTransform::Derivatives),
        ("mean_color", FeatureTransform::MeanColor),
    ] {
        let regularization = SelfRegularization::new(transform);
        check(&format!("weighted_{name}"), "refined", |refined, golden| {
            let synthetic = golden.get(&format!("weighted_{name}/synthetic"));
            regularization.weighted_loss(refined, synthetic, Some(golden.get("weights")))
        });
    }
}

#[test]
fn the_task_consistency_equals_pytorch() {
    for (name, kind) in [
        ("direction", Consistency::Direction),
        ("points", Consistency::Points),
        ("class", Consistency::Class),
        ("vector", Consistency::Vector),
    ] {
        check(&format!("consistency_{name}"), "refined", |refined, golden| {
            kind.loss(refined, golden.get(&format!("consistency_{name}/synthetic")))
        });
    }
}

fn check_transform(name: &str, regularization: &SelfRegularization) {
    for device in devices() {
        check_transform_on(device, name, regularization);
    }
}

fn check_transform_on(device: &Device, name: &str, regularization: &SelfRegularization) {
    check_on(device, &format!("psi_{name}"), "refined", |refined, golden| {
        regularization.loss(refined, golden.get(&format!("psi_{name}/synthetic")))
    });
}

#[test]
fn the_gaze_loss_equals_pytorch() {
    check("gaze", "predicted", |predicted, golden| gaze_distance(predicted, golden.get("gaze/target")));
}

#[test]
fn the_heat_map_loss_equals_pytorch() {
    check("heat_maps", "maps", |maps, golden| heat_map_distance(maps, golden.get("heat_maps/target"), None));
    check("present_heat_maps", "maps", |maps, golden| {
        let get = |name: &str| golden.get(&format!("present_heat_maps/{name}"));
        heat_map_distance(maps, get("target"), Some(get("present")))
    });
}

#[test]
fn the_losses_of_classes_and_vectors_equal_pytorch() {
    check("cross_entropy", "logits", |logits, golden| {
        cross_entropy(logits, &golden.get("cross_entropy/classes").to_dtype(DType::U32)?)
    });
    check("squared_error", "predicted", |predicted, golden| {
        squared_error(predicted, golden.get("squared_error/target"))
    });
}

/// A tiny learned transform.
struct Layer(Tensor);

impl Module for Layer {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        conv2d(images, &self.0, None, Conv2d::default())?.tanh()
    }
}

fn kernel(device: &Device) -> Tensor {
    Golden::open("losses", device).get("psi_network/kernel").clone()
}

fn check(case: &str, input: &str, loss: impl Fn(&Tensor, &Golden) -> Result<Tensor>) {
    for device in devices() {
        check_on(device, case, input, &loss);
    }
}

/// Pixels are missing at random in both, and the sizes are odd: every kind of step occurs, and some in the refined images alone.
#[test]
fn the_gap_loss_equals_pytorch() {
    for (case, device) in ["wide", "tall", "narrow"]
        .into_iter()
        .flat_map(|case| devices().iter().map(move |device| (case, device)))
    {
        let golden = Golden::open("gaps", device);
        let get = |name: &str| golden.get(&format!("{case}/{name}"));
        let measured = var(get("measured"));
        let loss = Gaps::of(get("real")).unwrap().loss(get("values"), &measured, get("shown")).unwrap();
        let expected = golden.scalar(&format!("{case}/value"));
        assert!((scalar(&loss) - expected).abs() <= 1e-5 * expected, "{case}: {loss} instead of {expected}");
        let gradients = loss.backward().unwrap();
        assert_close(case, gradients.get(&measured).unwrap(), get("gradient"), 1e-5);
    }
}

fn check_on(device: &Device, case: &str, input: &str, loss: impl Fn(&Tensor, &Golden) -> Result<Tensor>) {
    let golden = Golden::open("losses", device);
    let input = var(golden.get(&format!("{case}/{input}")));
    let value = loss(&input, &golden).unwrap();
    let expected = golden.scalar(&format!("{case}/value"));
    let tolerance = tolerance(device, 1e-5);
    assert!(
        (scalar(&value) - expected).abs() <= tolerance * expected.abs(),
        "{case}: {value} instead of {expected}"
    );
    let gradients = value.backward().unwrap();
    assert_close(case, gradients.get(&input).unwrap(), golden.get(&format!("{case}/gradient")), 1e-5);
}
