//! Tests gaze errors with known values, the baselines, and the gaze network on an easy task.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_data::{Annotations, Direction, Image, MemorySource, Pixels, Sample, names};
use simgan_eval::{
    EvalError, GazeErrors, GazeTraining, LabelledImages, angle_deg, gaze_features, mean_gaze,
    nearest_neighbours, predict_gaze, train_gaze_estimator,
};
use simgan_metrics::kernel_distance;
use simgan_models::GazeEstimatorConfig;

fn degrees(pitch: f32, yaw: f32) -> Direction {
    Direction::from_pitch_yaw(pitch.to_radians(), yaw.to_radians())
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
}

#[test]
fn angles_are_those_on_the_sphere() {
    close(angle_deg(degrees(10.0, 0.0), degrees(-5.0, 0.0)), 15.0);
    close(angle_deg(degrees(0.0, -20.0), degrees(0.0, 30.0)), 50.0);
    // At 60° of pitch, 10° of yaw span a smaller angle: the haversine formula gives 4.9952°.
    close(angle_deg(degrees(60.0, 0.0), degrees(60.0, 10.0)), 4.9952);
    close(angle_deg(degrees(0.0, 0.0), degrees(0.0, 180.0)), 180.0);
    let gaze = degrees(3.0, 4.0);
    close(angle_deg(gaze, gaze), 0.0);
    let tiny = angle_deg(degrees(0.0, 0.0), degrees(0.001, 0.0));
    assert!((tiny - 0.001).abs() < 1e-6, "{tiny}");
}

#[test]
fn errors_of_known_predictions() {
    let truth = vec![degrees(0.0, 0.0); 4];
    let predicted = [degrees(2.0, 0.0), degrees(6.9, 0.0), degrees(7.1, 0.0), degrees(-30.0, 0.0)];
    let errors = GazeErrors::new(&predicted, &truth).unwrap();
    assert_eq!(errors.n_images, 4);
    close(errors.mean_deg, 46.0 / 4.0);
    close(errors.median_deg, 7.0);
    close(errors.within_7deg, 0.5);
    close(errors.pitch_offset_deg, -14.0 / 4.0);
    close(errors.yaw_offset_deg, 0.0);
    assert!(matches!(GazeErrors::new(&predicted, &truth[..3]), Err(EvalError::Mismatch(_))));
    assert!(matches!(GazeErrors::new(&[], &[]), Err(EvalError::TooFew { .. })));
}

/// Calibration removes a constant offset and nothing else.
#[test]
fn calibration_removes_a_constant_offset() {
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    let truth: Vec<_> =
        (0..50).map(|_| [stream.random_range(-20.0..20.0), stream.random_range(-30.0..30.0)]).collect();
    let gazes =
        |dp: f32, dy: f32| truth.iter().map(|[pitch, yaw]| degrees(pitch + dp, yaw + dy)).collect::<Vec<_>>();
    let errors = GazeErrors::calibrated(&gazes(3.0, -4.0), &gazes(0.0, 0.0), 9).unwrap();
    assert_eq!(errors.n_images, 41);
    close(errors.mean_deg, 0.0);
    let mut scattered = gazes(3.0, -4.0);
    for (idx, gaze) in scattered.iter_mut().enumerate() {
        let scatter = if idx % 2 == 0 { 5f32 } else { -5.0 };
        *gaze = Direction::from_pitch_yaw(gaze.pitch() + scatter.to_radians(), gaze.yaw());
    }
    assert!(GazeErrors::calibrated(&scattered, &gazes(0.0, 0.0), 9).unwrap().mean_deg > 4.0);
    assert!(GazeErrors::calibrated(&gazes(0.0, 0.0), &gazes(0.0, 0.0), 50).is_err());
    assert!(GazeErrors::calibrated(&gazes(0.0, 0.0), &gazes(0.0, 0.0), 0).is_err());
}

/// Dark images with a bright spot whose position encodes the gaze.
fn spots(seed: u64, count: usize) -> LabelledImages {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let (height, width) = (20, 25);
    let (mut values, mut gazes) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (x, y): (f32, f32) = (stream.random_range(5.0..20.0), stream.random_range(4.0..16.0));
        gazes.push(degrees(10.0 - y, 2.0 * (12.5 - x)));
        for pixel in 0..height * width {
            let (dx, dy) = ((pixel % width) as f32 + 0.5 - x, (pixel / width) as f32 + 0.5 - y);
            values.push(2.0 * (-(dx * dx + dy * dy) / 8.0).exp() - 1.0);
        }
    }
    let images = Tensor::from_vec(values, (count, 1, height, width), &Device::Cpu).unwrap();
    LabelledImages::new(images, gazes).unwrap()
}

/// A small network for [`spots`].
fn small_network() -> GazeEstimatorConfig {
    let (features, hidden) = ([4, 4, 6, 8, 12], vec![20]);
    GazeEstimatorConfig { height: 20, width: 25, features, hidden, ..GazeEstimatorConfig::eye_gaze() }
}

#[test]
fn networks_and_neighbours_beat_the_mean() {
    let (training, test) = (spots(2, 300), spots(3, 60));
    let mean = mean_gaze(training.gazes()).unwrap();
    let mean = GazeErrors::new(&vec![mean; 60], test.gazes()).unwrap();
    let neighbours = nearest_neighbours(&training, test.images(), 3).unwrap();
    let neighbours = GazeErrors::new(&neighbours, test.gazes()).unwrap();
    let config = small_network();
    let options = GazeTraining { steps: 150, batch: 32, lr: 0.005, ..GazeTraining::default() };
    let network = train_gaze_estimator(&config, &training, &options).unwrap();
    let predicted = predict_gaze(&network, test.images()).unwrap();
    let network = GazeErrors::new(&predicted, test.gazes()).unwrap();
    assert!(neighbours.mean_deg < 0.4 * mean.mean_deg, "{neighbours:?} {mean:?}");
    assert!(network.mean_deg < 0.4 * mean.mean_deg, "{network:?} {mean:?}");

    let again = train_gaze_estimator(&config, &training, &options).unwrap();
    assert_eq!(predict_gaze(&again, test.images()).unwrap(), predicted, "one seed, one network");
    let augmented = GazeTraining { augment: true, steps: 400, lr: 0.002, ..options };
    let augmented = train_gaze_estimator(&config, &training, &augmented).unwrap();
    let changed = predict_gaze(&augmented, test.images()).unwrap();
    assert_ne!(changed, predicted);
    let augmented = GazeErrors::new(&changed, test.gazes()).unwrap();
    assert!(augmented.mean_deg < 0.5 * mean.mean_deg, "{augmented:?} {mean:?}");
}

/// Features of the same domain lie close together, those of another domain far away.
#[test]
fn features_tell_sets_apart() {
    let config = small_network();
    let options = GazeTraining { steps: 60, batch: 32, lr: 0.005, ..GazeTraining::default() };
    let (left, right) = (spots(6, 300), spots(7, 120));
    let network = train_gaze_estimator(&config, &left, &options).unwrap();
    let features = |images: &Tensor| gaze_features(&network, images).unwrap();
    let (here, there) = (features(left.images()), features(right.images()));
    assert_eq!((here.dims(), there.dims()), ([300, 20].as_slice(), [120, 20].as_slice()));
    let last = features(&left.images().narrow(0, 299, 1).unwrap());
    let difference = (here.narrow(0, 299, 1).unwrap() - last).unwrap().abs().unwrap().max_all().unwrap();
    assert!(difference.to_scalar::<f32>().unwrap() < 1e-5, "batches change nothing");
    let far = kernel_distance(&here, &features(&(right.images() * 0.3).unwrap())).unwrap();
    let (near, none) = (kernel_distance(&here, &there).unwrap(), kernel_distance(&here, &here).unwrap());
    assert!(far > 0.0 && near.abs() < 0.2 * far && none.abs() < 0.1 * far, "{none} {near} {far}");
    assert!(gaze_features(&network, &right.images().narrow(0, 0, 0).unwrap()).is_err());
    assert!(gaze_features(&network, &right.images().narrow(2, 0, 19).unwrap()).is_err());
}

#[test]
fn each_image_is_its_own_nearest_neighbour() {
    let images = spots(4, 20);
    let nearest = nearest_neighbours(&images, images.images(), 1).unwrap();
    assert!(GazeErrors::new(&nearest, images.gazes()).unwrap().mean_deg < 1e-4);
    assert!(matches!(nearest_neighbours(&images, images.images(), 21), Err(EvalError::TooFew { .. })));
    assert!(nearest_neighbours(&images, images.images(), 0).is_err());
}

#[test]
fn labels_are_read_and_missed() {
    let sample = |name: &str, gaze: Option<Direction>| {
        let image = Image::new(1, 1, 2, Pixels::U8(vec![0, 255]));
        let annotations: Annotations =
            gaze.into_iter().map(|gaze| (names::GAZE.into(), gaze.into())).collect();
        Sample { annotations, ..Sample::new(name, image) }
    };
    let gaze = degrees(1.0, 2.0);
    let source = MemorySource::new(vec![sample("a.png", Some(gaze)), sample("b.png", None)]).unwrap();
    let read = LabelledImages::read(&source, [0], &Device::Cpu).unwrap();
    assert_eq!(read.images().flatten_all().unwrap().to_vec1::<f32>().unwrap(), [-1.0, 1.0]);
    assert_eq!(read.gazes(), [gaze]);
    let error = LabelledImages::read(&source, 0..2, &Device::Cpu).unwrap_err().to_string();
    assert!(error.contains("`b.png` has no gaze label"), "{error}");
    assert!(matches!(LabelledImages::read(&source, [], &Device::Cpu), Err(EvalError::TooFew { .. })));
    assert!(read.with_images(Tensor::cat(&[read.images(), read.images()], 0).unwrap()).is_err());
}
