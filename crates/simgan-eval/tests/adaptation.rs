//! Adaptation to toy images whose labels are known.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/spots.rs"]
mod spots;

use simgan_data::{Annotation, Class, Direction};
use simgan_eval::evaluation::NetworkSize;
use simgan_eval::{
    Adaptation, AdaptationTraining, EstimatorTraining, InputShape, LabelledImages, TaskKind, TaskSpec,
    TrainedEstimator, predict, train_estimator,
};
use simgan_metrics::{Warp, turned};
use spots::{BRIGHT, Look, even, spots};

/// Spots of half the width.
const SMALL: Look = Look { ground: -0.6, spot: 1.2, width: 1.2, noise: 0.02 };

const TRAINING: AdaptationTraining = AdaptationTraining {
    steps: 150,
    batch: 24,
    lr: 1e-3,
    weight: 1.0,
    decay: 0.95,
    roll_deg: 30,
    seed: 3,
    depth: false,
};

fn trained(renders: &LabelledImages) -> TrainedEstimator {
    let task = TaskSpec::gaze().task();
    let shape = InputShape { channels: 1, height: 24, width: 24, extra: 0 };
    let layers = task.estimator(NetworkSize::Quarter, shape).unwrap();
    let training = EstimatorTraining { steps: 150, batch: 32, lr: 0.003, ..EstimatorTraining::default() };
    train_estimator(&*task, &layers, renders, &training).unwrap()
}

fn error_deg(estimator: &TrainedEstimator, images: &LabelledImages) -> f64 {
    let task = TaskSpec::gaze().task();
    let answers = predict(&*task, estimator, images.inputs()).unwrap();
    task.errors(&answers, images.labels()).unwrap().figure("error_deg").unwrap()
}

/// Mean angle between the answer to a turned image and the turned answer.
fn inconsistency_deg(estimator: &TrainedEstimator, images: &LabelledImages) -> f64 {
    let task = TaskSpec::gaze().task();
    let (images_turned, warp) = turned(images.images(), 0.35, false).unwrap();
    let answers = predict(&*task, estimator, images.inputs()).unwrap();
    let expected: Vec<_> = answers.iter().map(|answer| task.carried(answer, &warp).unwrap()).collect();
    let found = predict(&*task, estimator, &images.inputs().with_images(images_turned).unwrap()).unwrap();
    task.errors(&found, &expected).unwrap().figure("error_deg").unwrap()
}

/// Images of another look, without labels: the error on them falls, and answers turn with the images.
#[test]
fn another_look_is_adapted_to() {
    let task = TaskSpec::gaze().task();
    let renders = spots(&even(600, [24.0, 24.0], 1), BRIGHT, 2);
    let real = spots(&even(300, [24.0, 24.0], 3), SMALL, 4);
    let test = spots(&even(300, [24.0, 24.0], 5), SMALL, 6);
    let estimator = trained(&renders);
    let before = [error_deg(&estimator, &test), inconsistency_deg(&estimator, &test)];
    let mut adaptation = Adaptation::new(&*task, &estimator, &renders, real.images(), TRAINING).unwrap();
    let mut agreed = Vec::new();
    while !adaptation.is_done() {
        agreed.push(adaptation.update().unwrap().agreed);
    }
    adaptation.finish().unwrap();
    let after = [error_deg(&estimator, &test), inconsistency_deg(&estimator, &test)];
    assert!(before[0] > 3.5, "the looks do not differ: {before:?}");
    assert!(after[0] < 0.8 * before[0] && after[1] < 0.8 * before[1], "{before:?} {after:?}");
    assert!(agreed[140..].iter().sum::<f64>() / 10.0 > 0.5, "{agreed:?}");
}

/// Five updates, a restart and four are nine updates, bit for bit; another estimator is refused.
#[test]
fn an_interrupted_adaptation_goes_on() {
    let task = TaskSpec::gaze().task();
    let renders = spots(&even(80, [20.0, 20.0], 1), BRIGHT, 2);
    let real = spots(&even(60, [20.0, 20.0], 3), SMALL, 4);
    let training = AdaptationTraining { steps: 9, batch: 8, ..TRAINING };
    let values = |estimator: &TrainedEstimator| -> Vec<Vec<f32>> {
        let tensors = estimator.parameters.tensors();
        tensors.iter().map(|(_, tensor)| tensor.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    let run = |estimator: &TrainedEstimator, until: usize, folder: Option<&std::path::Path>| {
        let mut adaptation = Adaptation::new(&*task, estimator, &renders, real.images(), training).unwrap();
        let went_on = folder.is_some_and(|folder| adaptation.restore(folder).unwrap());
        while adaptation.n_done() < until {
            adaptation.update().unwrap();
        }
        match (folder, adaptation.is_done()) {
            (Some(folder), false) => adaptation.save(folder).unwrap(),
            _ => adaptation.finish().unwrap(),
        }
        went_on
    };
    let whole = trained(&renders);
    run(&whole, 9, None);
    let folder = tempfile::tempdir().unwrap();
    for (until, expected) in [(2, false), (5, true), (9, true)] {
        let estimator = trained(&renders);
        assert_eq!(run(&estimator, until, Some(folder.path())), expected);
        assert_eq!(values(&estimator) == values(&whole), until == 9);
    }
    assert!(simgan_eval::is_adaptation_only(folder.path()));
    let other = trained(&real);
    let mut adaptation = Adaptation::new(&*task, &other, &renders, real.images(), training).unwrap();
    let error = adaptation.restore(folder.path()).unwrap_err().to_string();
    assert!(error.contains("another estimator"), "{error}");
    Adaptation::forget(folder.path()).unwrap();
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

/// A gaze turns as the points of the image do; a class stays; numbers follow in no known way.
#[test]
fn labels_turn_with_the_image() {
    let warp = Warp::turning([40, 30], 0.5);
    let gaze = TaskSpec::gaze().task();
    let direction = Direction::from_pitch_yaw(0.2, -0.3);
    let [x, y, z] = direction.vector();
    let turned = gaze.carried(&direction.into(), &warp).unwrap().as_direction().unwrap().vector();
    let [right, down] = warp.point([20.0 + 10.0 * x, 15.0 + 10.0 * y]);
    assert!((turned[0] - (right - 20.0) / 10.0).abs() < 1e-5, "{turned:?}");
    assert!((turned[1] - (down - 15.0) / 10.0).abs() < 1e-5 && (turned[2] - z).abs() < 1e-6, "{turned:?}");
    let class = TaskSpec::new("class", TaskKind::Class, 3).task();
    let label: Annotation = Class(2).into();
    assert_eq!(class.carried(&label, &warp), Some(label));
    let numbers = TaskSpec::new("age", TaskKind::Vector, 1).task();
    let label: Annotation = simgan_data::Vector::unknown(vec![3.0]).into();
    assert_eq!(numbers.carried(&label, &warp), None);
    let images = spots(&even(4, [5.0, 5.0], 1), BRIGHT, 2);
    let labelled = LabelledImages::new(images.inputs().clone(), vec![label; 4]).unwrap();
    let estimator = trained(&images);
    let error = Adaptation::new(&*numbers, &estimator, &labelled, images.images(), TRAINING).err().unwrap();
    assert!(error.to_string().contains("`age` is vector"), "{error}");
}
