//! Guards networks and losses against known mistakes of public implementations of the paper. One more, a
//! missing activation, fails the comparison with PyTorch.

use candle_core::{Device, Module, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use simgan_losses::{FeatureTransform, HistoryBuffer, SelfRegularization, Target, accuracy, adversarial};
use simgan_models::{Border, DiscriminatorConfig, RefinerConfig};

use crate::support::{eye_layers, images, new_discriminator, new_refiner, norm, refiner_config, scalar, var};

/// Mistake: the history is never filled or never sampled, or always returns the same images.
#[test]
fn the_discriminator_is_shown_the_past() {
    let mut history = HistoryBuffer::new(12);
    let mut stream = ChaCha8Rng::seed_from_u64(0);
    let mut seen_ages = std::collections::BTreeSet::new();
    for step in 0..40 {
        let fresh = Tensor::full(step as f32, (6, 1, 2, 3), &Device::Cpu).unwrap();
        let shown = history.mix(&fresh, &mut stream).unwrap();
        let shown: Vec<f32> =
            shown.narrow(3, 0, 1).unwrap().narrow(2, 0, 1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let ages: Vec<_> = shown.iter().map(|birth| step - *birth as i32).collect();
        if step > 0 {
            assert_eq!(
                ages.iter().filter(|age| **age == 0).count(),
                3,
                "half of the batch is fresh: {ages:?}"
            );
        }
        seen_ages.extend(ages);
    }
    assert!(seen_ages.len() > 8, "images of many ages are shown: {seen_ages:?}");
}

/// Mistake: NCHW logits are reshaped to (−1, 2) without moving the channel axis last, which pairs the logits
/// of neighbouring patches. Here every patch is decided, whereas pairs of neighbours have equal logits.
#[test]
fn a_patchs_two_logits_are_its_channels() {
    let real = Tensor::full(20f32, (3, 1, 2, 4), &Device::Cpu).unwrap();
    let logits = Tensor::cat(&[&real, &real.neg().unwrap()], 1).unwrap();
    assert!(scalar(&adversarial(&logits, Target::Real).unwrap()) < 1e-6);
    assert!((scalar(&adversarial(&logits, Target::Refined).unwrap()) - 40.0).abs() < 1e-4);
    assert_eq!(accuracy(&logits, Target::Real, None).unwrap(), 1.0);
    assert_eq!(accuracy(&logits, Target::Refined, None).unwrap(), 0.0);
}

/// Mistake: a ReLU on the two logits, which are then never negative.
#[test]
fn logits_take_both_signs() {
    let (discriminator, parameters) = new_discriminator(3, &DiscriminatorConfig::eye_gaze(), 1, &Device::Cpu);
    for (name, var) in parameters.vars() {
        if name == "conv5.bias" {
            var.set(&Tensor::new(&[-5f32, 5.0], &Device::Cpu).unwrap()).unwrap();
        }
    }
    let logits = discriminator.forward(&images(4, (2, 1, 35, 55))).unwrap();
    let real: f32 = logits.narrow(1, 0, 1).unwrap().max_all().unwrap().to_scalar().unwrap();
    let refined: f32 = logits.narrow(1, 1, 1).unwrap().min_all().unwrap().to_scalar().unwrap();
    assert!(real < 0.0 && refined > 0.0, "{real} {refined}");
}

/// Mistake: a refiner step without the adversarial term. The adversarial loss has a gradient for every
/// parameter of R, even through a frozen discriminator, and a step along it lowers the loss.
#[test]
fn the_refiner_learns_from_the_discriminator() {
    let (refiner, parameters) = new_refiner(5, &refiner_config(3, Border::Replicate), 1, &Device::Cpu);
    let (discriminator, _) = new_discriminator(6, &eye_layers(), 1, &Device::Cpu);
    let discriminator = discriminator.frozen();
    let synthetic = images(7, (2, 1, 15, 22));
    let realism = || adversarial(&discriminator.forward(&refiner.forward(&synthetic)?)?, Target::Real);
    let before = realism().unwrap();
    let gradients = before.backward().unwrap();
    for (name, var) in parameters.vars() {
        let gradient = gradients.get(&var).unwrap_or_else(|| panic!("no gradient reached {name}"));
        assert!(norm(gradient) > 0.0, "{name}");
        var.set(&(var.as_tensor() - (gradient * 2.0).unwrap()).unwrap().detach()).unwrap();
    }
    let after = realism().unwrap();
    assert!(scalar(&after) < scalar(&before), "{after} after {before}");
}

/// Mistake: the input is in [0, 1] and the output in [−1, 1]. R's output covers exactly the range of its
/// input, and its parameters can express the identity on it.
#[test]
fn the_refiners_output_has_its_inputs_range() {
    let config = RefinerConfig { blocks: 0, features: 2, stem_kernel: 1, ..RefinerConfig::eye_gaze() };
    let (refiner, parameters) = new_refiner(0, &config, 1, &Device::Cpu);
    let set = |name: &str, values: &[f32]| {
        let (_, var) = parameters.vars().into_iter().find(|(known, _)| known == name).unwrap();
        var.set(&Tensor::from_slice(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
    };
    // relu(x) − relu(−x) = x, before the tanh
    set("stem.weight", &[1.0, -1.0]);
    set("stem.bias", &[0.0, 0.0]);
    set("head.bias", &[0.0]);
    set("head.weight", &[0.1, -0.1]);
    let dark_to_bright =
        Tensor::new(&[-1f32, -0.5, 0.0, 0.5, 1.0], &Device::Cpu).unwrap().reshape((1, 1, 1, 5)).unwrap();
    let refined = undo_tanh(&refiner.forward(&dark_to_bright).unwrap());
    assert!(norm(&((refined * 10.0).unwrap() - &dark_to_bright).unwrap()) < 1e-5);
    set("head.weight", &[100.0, -100.0]);
    let refined: Vec<f32> =
        refiner.forward(&dark_to_bright).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(refined, [-1.0, -1.0, 0.0, 1.0, 1.0]);
}

/// Mistake: the effect of λ depends on the batch or the image size. Repeating or enlarging images changes
/// neither loss, and hence not their balance.
#[test]
fn losses_depend_neither_on_batch_nor_on_image_size() {
    let (refined, synthetic) = (images(8, (2, 3, 4, 6)), images(9, (2, 3, 4, 6)));
    let logits = images(10, (2, 2, 4, 6));
    for transform in [FeatureTransform::Identity, FeatureTransform::MeanColor] {
        let regularization = SelfRegularization::new(transform);
        let drift = |repeat: &dyn Fn(&Tensor) -> Tensor| {
            scalar(&regularization.loss(&repeat(&refined), &repeat(&synthetic)).unwrap())
        };
        assert_same(drift);
    }
    assert_same(|repeat| scalar(&adversarial(&repeat(&logits), Target::Real).unwrap()));
    // A constant slope: derivatives have one value everywhere, whatever the size.
    for (width, height) in [(5, 4), (9, 16)] {
        let slope = Tensor::arange(0f32, width as f32, &Device::Cpu).unwrap();
        let slope = (slope.reshape((1, 1, 1, width)).unwrap() * 0.25).unwrap();
        let slope = slope.broadcast_as((2, 1, height, width)).unwrap();
        let loss =
            SelfRegularization::new(FeatureTransform::Derivatives).loss(&slope, &slope.zeros_like().unwrap());
        let n_horizontal = height * (width - 1);
        let n_all = n_horizontal + (height - 1) * width;
        let expected = 0.25 * n_horizontal as f64 / n_all as f64;
        assert!((scalar(&loss.unwrap()) - expected).abs() < 1e-6);
    }
}

fn assert_same(loss: impl Fn(&dyn Fn(&Tensor) -> Tensor) -> f64) {
    let once = loss(&Tensor::clone);
    let more_images = loss(&|tensor| Tensor::cat(&[tensor, tensor, tensor], 0).unwrap());
    let larger_images = loss(&|tensor| Tensor::cat(&[tensor, tensor], 3).unwrap());
    assert!((once - more_images).abs() < 1e-6 && (once - larger_images).abs() < 1e-6);
}

/// Mistake of the framework: the gradient of |0| is 1, which pushes R away from the identity.
#[test]
fn where_refined_equals_synthetic_nothing_pulls() {
    for transform in [FeatureTransform::Identity, FeatureTransform::Derivatives, FeatureTransform::MeanColor]
    {
        let refined = var(&images(11, (1, 3, 3, 4)));
        let loss =
            SelfRegularization::new(transform).loss(&refined, &refined.copy().unwrap().detach()).unwrap();
        assert_eq!(norm(loss.backward().unwrap().get(&refined).unwrap()), 0.0);
    }
}

fn undo_tanh(tensor: &Tensor) -> Tensor {
    // artanh(y) = ln((1 + y) / (1 − y)) / 2
    let ratio = ((tensor + 1.0).unwrap() / (1.0 - tensor).unwrap()).unwrap();
    (ratio.log().unwrap() * 0.5).unwrap()
}
