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

/// Images that are black but for a block at the right.
pub(super) fn half_black(n: usize, brightness: u8) -> Arc<dyn Source> {
    let (width, height) = SIZE;
    let sample = |index: usize| {
        let level = |i: usize| if i % width < 9 { 0 } else { brightness + (i * 37 % 50) as u8 };
        let values = (0..width * height).map(level).collect();
        Sample::new(format!("half-{index}"), Image::new(1, height, width, Pixels::U8(values)))
    };
    Arc::new(MemorySource::new((0..n).map(sample).collect()).unwrap())
}

/// The patches that count are those around the block, in images from the history too, and a run goes on
/// exactly.
#[test]
fn patches_without_content_do_not_count() {
    let black = Sources { synthetic: half_black(11, 40), real: half_black(7, 200), tone: None };
    let mut config = config(6);
    config.discriminator.patches = crate::Patches::Content;
    config.discriminator.translation = 1;
    let start = |config: &TrainConfig| Trainer::new(config.clone(), &black, &Device::Cpu).unwrap();
    let mut whole = start(&config);
    let reports = steps(&mut whole, 12);
    let all = TrainConfig {
        discriminator: crate::DiscriminatorSection {
            patches: crate::Patches::All,
            ..config.discriminator.clone()
        },
        ..config.clone()
    };
    assert_ne!(reports, steps(&mut start(&all), 12));
    let history = whole.history.images().unwrap().unwrap();
    assert_eq!(history.dims()[1..], [2, SIZE.1, SIZE.0], "the marks lie beside the image");
    let marks: Vec<Vec<f32>> = history.narrow(1, 1, 1).unwrap().flatten_from(1).unwrap().to_vec2().unwrap();
    let expected: Vec<f32> = (0..SIZE.0 * SIZE.1).map(|i| f32::from(u8::from(i % SIZE.0 >= 9))).collect();
    assert!(marks.iter().all(|marks| *marks == expected), "x marks them, whatever R made of it");
    // Weights are 0 where only black is seen, of refined images by what they were made of.
    let x = Tensor::from_vec(expected.clone(), (1, 1, SIZE.1, SIZE.0), &Device::Cpu).unwrap();
    let x = x.affine(1.5, -1.0).unwrap();
    whole.config.discriminator.translation = 0;
    let erased = x.affine(0.0, -1.0).unwrap();
    let marked = whole.marked(&erased, &x).unwrap();
    let weights: Vec<Vec<f32>> = whole
        .seen(&marked)
        .unwrap()
        .weights
        .unwrap()
        .squeeze(0)
        .unwrap()
        .squeeze(0)
        .unwrap()
        .to_vec2()
        .unwrap();
    for row in &weights {
        assert_eq!(row[..3], [0.0; 3], "{row:?}");
        assert!(row[5] > 1.5 && row[6] == row[5], "{row:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
    let mut first = start(&config);
    steps(&mut first, 8);
    first.save(&run.checkpoints()).unwrap();
    let mut resumed = Trainer::resume(&run, config, &black, &Device::Cpu).unwrap();
    assert_eq!(steps(&mut resumed, 4), reports[8..]);
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
