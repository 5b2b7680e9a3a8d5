//! Priors of toy images whose labels are known.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/spots.rs"]
mod spots;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use simgan_data::Annotation;
use simgan_eval::evaluation::NetworkSize;
use simgan_eval::{EstimatorTraining, EvalError, LabelledImages, Priors, Task, TaskSpec, find_priors};
use simgan_metrics::Strength;
use spots::{BRIGHT, Look, bell, even, spots};

/// Pitch and yaw of the "real" images: mean and deviation in degrees.
const REAL: [[f32; 2]; 2] = [[-8.0, 4.0], [9.0, 6.0]];

fn real(look: Look) -> LabelledImages {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let gazes: Vec<_> =
        (0..400).map(|_| REAL.map(|[mean, deviation]| mean + deviation * bell(&mut rng))).collect();
    spots(&gazes, look, 6)
}

fn training() -> EstimatorTraining {
    EstimatorTraining {
        steps: 250,
        batch: 32,
        lr: 0.003,
        augment: true,
        strength: Strength::Strong,
        ..EstimatorTraining::default()
    }
}

fn found(task: &dyn Task, renders: &LabelledImages, real: &LabelledImages) -> Result<Priors, EvalError> {
    let quarter = NetworkSize::Quarter;
    find_priors(task, renders, real.images(), quarter, &training(), &mut || Ok(()))
}

/// Renders look anywhere, real images elsewhere and otherwise: their mean is found to 1.5°, their spread to a
/// quarter, and renders with the weights have both.
#[test]
fn another_distribution_is_recovered() {
    let task = TaskSpec::gaze().task();
    let renders = spots(&even(1500, [24.0, 28.0], 1), BRIGHT, 2);
    let real = real(Look { ground: -0.4, spot: 0.9, width: 2.6, noise: 0.06 });
    let found = found(&*task, &renders, &real).unwrap();
    let before = &found.rounds[0];
    let weights = found.weights(&*task, renders.labels()).unwrap();
    for (axis, [mean, deviation]) in REAL.into_iter().enumerate() {
        let (mean, deviation, last) = (f64::from(mean), f64::from(deviation), found.last()[axis]);
        assert!((last.mean - mean).abs() < 1.5, "{last:?}");
        assert!((last.deviation / deviation - 1.0).abs() < 0.25, "{last:?}");
        assert!(last.slope > 0.5 && last.slope < 1.1, "{last:?}");
        let (wide, near) = (before[axis].renders, found.weighted[axis]);
        assert!((near.mean - mean).abs() < 1.7 && (near.deviation / deviation - 1.0).abs() < 0.5, "{near:?}");
        assert!(wide.deviation > 13.0 && near.high - near.low < 0.8 * (wide.high - wide.low), "{near:?}");
    }
    let (sum, square) = weights.iter().fold((0.0, 0.0), |(sum, square), w| (sum + w, square + w * w));
    assert!((sum * sum / square / found.n_effective - 1.0).abs() < 1e-9);
    assert!(found.n_effective < 800.0 && found.n_effective > 75.0, "{}", found.n_effective);
    let [least, most] = [f64::min, f64::max].map(|of| weights.iter().copied().reduce(of).unwrap());
    assert!(least >= 0.2 * 0.2 - 1e-12 && most <= 25.0 + 1e-9, "{least} {most}");
}

#[test]
fn what_has_no_priors_is_refused_by_name() {
    let joints = TaskSpec::new("joints", simgan_eval::TaskKind::Points, 2);
    let images = spots(&even(60, [5.0, 5.0], 3), BRIGHT, 4);
    let error = found(&*joints.task(), &images, &images).err().unwrap();
    assert!(error.to_string().contains("`joints` is points"), "{error}");
    let gaze = TaskSpec::gaze().task();
    let error = found(&*gaze, &images, &images).err().unwrap().to_string();
    assert!(error.contains("held-out renders: 12 images"), "{error}");
    // Labels that the images do not show are not followed.
    let renders = spots(&even(300, [20.0, 20.0], 3), BRIGHT, 4);
    let other = spots(&even(300, [20.0, 20.0], 9), BRIGHT, 4);
    let shuffled = LabelledImages::new(renders.inputs().clone(), other.labels().to_vec()).unwrap();
    let error = found(&*gaze, &shuffled, &renders).err().unwrap().to_string();
    assert!(error.contains("pitch") || error.contains("yaw"), "{error}");
    assert!(shuffled.labels().iter().all(|label| matches!(label, Annotation::Direction(_))));
}
