//! Losses and what D sees, beyond the paper's: each is off by default, and resumes exactly.

use simgan_data::{Annotations, Augmentation, Augmented, Size};
use simgan_models::{Estimator, EstimatorConfig, Parameters, PlainConfig, save_estimator};

use super::*;
use crate::TrainError;
use crate::testing::SIZE;
use crate::trainer::batches::Cursors;

/// With everything that changes what D sees and how it is judged; the noise ends between two checkpoints.
#[test]
fn a_resumed_run_with_another_discriminator_is_the_same_run() {
    let mut config = config(6);
    config.loss.adversarial_kind = crate::AdversarialLoss::Hinge;
    config.discriminator.network.spectral_norm = true;
    (config.discriminator.noise, config.discriminator.noise_steps) = (0.2, 3);
    let mut whole = trainer(config.clone());
    let reports = steps(&mut whole, 12);
    for k in [2, 5, 8] {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
        let mut first = trainer(config.clone());
        steps(&mut first, k);
        first.save(&run.checkpoints()).unwrap();
        let mut resumed = Trainer::resume(&run, config.clone(), &sources(), &Device::Cpu).unwrap();
        assert_eq!(steps(&mut resumed, 12 - k), reports[k..], "after {k} steps");
        assert_eq!(snapshot(&resumed), snapshot(&whole), "after {k} steps");
    }
}

/// D sees noise from its pretraining on, R in the adversarial phase, until `noise_steps`.
#[test]
fn noise_falls_to_nothing() {
    let run = |noise: f64, noise_steps: u64| {
        let mut config = config(4);
        (config.discriminator.noise, config.discriminator.noise_steps) = (noise, noise_steps);
        steps(&mut trainer(config), 8)
    };
    let (noisy, plain) = (run(0.5, 1), run(0.0, 0));
    assert_eq!(noisy[..3], plain[..3], "D has no part in R's pretraining");
    assert_ne!(noisy[3].discriminator, plain[3].discriminator);
    let mut config = config(4);
    (config.discriminator.noise, config.discriminator.noise_steps) = (0.4, 4);
    let after = [0, 1, 2, 4, 9].map(|steps| config.discriminator.noise_after(steps));
    assert!(
        after.iter().zip([0.4, 0.3, 0.2, 0.0, 0.0]).all(|(found, expected)| (found - expected).abs() < 1e-9)
    );
}

/// The run begins with the norms that its weights have, and each update of D follows them.
#[test]
fn spectral_norms_follow_the_weights() {
    let mut config = config(4);
    config.discriminator.network.spectral_norm = true;
    let mut trainer = trainer(config);
    let vector = |trainer: &Trainer| {
        let tensors = trainer.discriminator.parameters().tensors();
        tensors.iter().find(|(name, _)| name == "conv1.v").unwrap().1.to_vec1::<f32>().unwrap()
    };
    let length = |vector: &[f32]| vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let first = vector(&trainer);
    assert!((length(&first) - 1.0).abs() < 1e-5);
    steps(&mut trainer, 8);
    assert_ne!(vector(&trainer), first);
    assert!((length(&vector(&trainer)) - 1.0).abs() < 1e-5);
}

/// Images with a white dot where their label is.
fn dots(n: usize, name: &'static str) -> Arc<dyn Source> {
    let (width, height) = SIZE;
    let sample = |index: usize| {
        let (x, y) = (2 + index % 9, 1 + index % 7);
        let mut values: Vec<u8> = (0..width * height).map(|i| (i * 37 % 90) as u8).collect();
        values[y * width + x] = 255;
        let annotations = Annotations::from([(name.into(), vec![[x as f32 + 0.5, y as f32 + 0.5]].into())]);
        let image = Image::new(1, height, width, Pixels::U8(values));
        Sample { annotations, ..Sample::new(format!("dot-{index}"), image) }
    };
    Arc::new(MemorySource::new((0..n).map(sample).collect()).unwrap())
}

fn dotted() -> Sources {
    Sources { synthetic: dots(11, "iris"), ..sources() }
}

fn landmarks() -> TrainConfig {
    let mut config = config(4);
    (config.loss.landmark_weight, config.loss.landmark_radius) = (4.0, 1.2);
    config
}

/// Wherever a dot is mirrored or cropped to, the weights follow; a dot that is cropped away has none.
#[test]
fn weights_follow_the_pixels() {
    let crop = Some(Size { width: 9, height: 7 });
    let synthetic = Augmented::new(dots(11, "iris"), Augmentation { flip: true, crop, seed: 1 }).unwrap();
    let sources = Sources { synthetic: Arc::new(synthetic), ..sources() };
    let config = landmarks();
    let cursors = Cursors::new(&sources, config.seed);
    let mut batches = Batches::new(&sources, &config, cursors, Share::WHOLE, &Device::Cpu).unwrap();
    let (mut n_dots, mut n_plain) = (0, 0);
    for _ in 0..8 {
        let (images, weights) = batches.weighted(0).unwrap();
        let rows = |tensor: &Tensor| tensor.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
        for (image, weights) in rows(&images).iter().zip(rows(&weights.unwrap())) {
            match image.iter().position(|value| *value == 1.0) {
                Some(dot) => assert!(weights[dot] > 1.5, "{weights:?}"),
                None => assert!(weights.iter().all(|weight| *weight == 1.0)),
            }
            let n_near = weights.iter().filter(|weight| **weight > 1.0).count();
            assert!(n_near <= 5, "the radius reaches the four neighbours: {n_near}");
            *if n_near > 0 { &mut n_dots } else { &mut n_plain } += 1;
        }
    }
    assert!(n_dots > 10 && n_plain > 2, "{n_dots} {n_plain}");
}

#[test]
fn landmarks_change_what_the_refiner_learns_and_resume_exactly() {
    let start = |config: &TrainConfig| Trainer::new(config.clone(), &dotted(), &Device::Cpu).unwrap();
    let reports = steps(&mut start(&landmarks()), 9);
    assert_ne!(reports, steps(&mut start(&config(4)), 9));
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &landmarks()).unwrap();
    let mut first = start(&landmarks());
    steps(&mut first, 5);
    first.save(&run.checkpoints()).unwrap();
    let mut resumed = Trainer::resume(&run, landmarks(), &dotted(), &Device::Cpu).unwrap();
    assert_eq!(steps(&mut resumed, 4), reports[5..]);
}

#[test]
fn an_image_without_points_is_named() {
    let error = Trainer::new(landmarks(), &sources(), &Device::Cpu).err().unwrap();
    assert!(matches!(error, TrainError::NoLandmarks { .. }), "{error}");
    assert!(error.hint().unwrap().to_string().contains("loss.landmark_weight = 1"));
    // Only the first image is looked at before the run begins.
    let first = dotted().synthetic.sample(0, Want::Labels).unwrap();
    let other = sources().synthetic.sample(1, Want::Labels).unwrap();
    let synthetic =
        Arc::new(MemorySource::new(vec![first, Sample { name: "plain".to_owned(), ..other }]).unwrap());
    let mut trainer = Trainer::new(landmarks(), &Sources { synthetic, ..sources() }, &Device::Cpu).unwrap();
    let error = trainer.step().unwrap_err().to_string();
    assert!(error.starts_with("plain: "), "{error}");
}

/// Writes an untrained network of three classes, for images of `width`×9.
fn estimator(folder: &Path, seed: u64, width: usize, about: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let config =
        PlainConfig { height: 9, width, features: vec![3], hidden: 8, outputs: 3, ..PlainConfig::digits() };
    let (config, parameters) = (EstimatorConfig::Plain(config), Parameters::new(seed, &Device::Cpu));
    Estimator::new(&config, parameters.var_builder()).unwrap();
    save_estimator(folder, &config, &about.parse().unwrap(), &parameters).unwrap();
}

const CLASSES: &str = "fit = \"cover\"\n[task]\nname = \"class\"\nkind = \"class\"\nwidth = 3";

fn consistent(folder: &Path) -> TrainConfig {
    let mut config = config(6);
    config.loss.consistency = 20.0;
    config.loss.consistency_ramp = 2;
    config.loss.consistency_model = folder.display().to_string();
    config
}

#[test]
fn the_task_consistency_rises_in_the_adversarial_phase() {
    let dir = tempfile::tempdir().unwrap();
    estimator(dir.path(), 1, 13, CLASSES);
    let [with, without] = [consistent(dir.path()), config(6)].map(|config| steps(&mut trainer(config), 9));
    assert_eq!(with[..6], without[..6], "no part in the pretraining");
    for (idx, weight) in [(6, 0.0), (7, 10.0), (8, 20.0)] {
        let report = with[idx].refiner.as_ref().unwrap();
        let consistency = report.consistency.unwrap();
        assert!(consistency > 0.0);
        let expected = report.adversarial.unwrap() + 2.0 * report.self_regularization + weight * consistency;
        assert!((report.loss - expected).abs() < 1e-5, "{report:?}");
    }
    let change = |reports: &[StepReport], idx: usize| reports[idx].refiner.as_ref().unwrap().change;
    assert_eq!(change(&with, 6), change(&without, 6), "λ_g begins at 0");
    assert_ne!(change(&with, 8), change(&without, 8));
}

#[test]
fn a_resume_needs_the_estimator_that_the_run_began_with() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("estimator");
    estimator(&folder, 1, 13, CLASSES);
    let config = consistent(&folder);
    let reports = steps(&mut trainer(config.clone()), 12);
    let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
    let mut first = trainer(config.clone());
    steps(&mut first, 8);
    first.save(&run.checkpoints()).unwrap();
    let mut resumed = Trainer::resume(&run, config.clone(), &sources(), &Device::Cpu).unwrap();
    assert_eq!(steps(&mut resumed, 4), reports[8..]);
    estimator(&folder, 2, 13, CLASSES);
    let error = Trainer::resume(&run, config, &sources(), &Device::Cpu).err().unwrap();
    assert!(matches!(error, TrainError::OtherEstimator { .. }), "{error}");
}

#[test]
fn an_estimator_of_other_images_is_refused() {
    let refused = |width: usize, about: &str| {
        let dir = tempfile::tempdir().unwrap();
        estimator(dir.path(), 1, width, about);
        Trainer::new(consistent(dir.path()), &sources(), &Device::Cpu).err().unwrap().to_string()
    };
    assert!(refused(14, CLASSES).contains("14x9 pixels, the run has 1 channel(s) and 13x9"));
    assert!(refused(13, &format!("range = [0.0, 10.0]\n{CLASSES}")).contains("0..10, the run's full"));
    assert!(refused(13, &format!("inputs = [\"head_pose\"]\n{CLASSES}")).contains("needs head_pose"));
    assert!(refused(13, "[task]\nkind = \"smell\"").contains("unknown variant"));
}
