mod holes;
mod options;
mod precision;
mod ranks;
mod refined;
mod resume;
mod start;
mod tone;

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use simgan_data::{MemorySource, Pixels, Registry, Role, Sample, Source, Want};

use super::*;
use crate::DataRange;
use crate::testing::{config, sources};
use crate::{Checkpoint, RunDir};

fn trainer(config: TrainConfig) -> Trainer {
    Trainer::new(config, &sources(), &Device::Cpu).unwrap()
}

fn steps(trainer: &mut Trainer, n: usize) -> Vec<StepReport> {
    (0..n).map(|_| StepReport { images_per_sec: 0.0, ..trainer.step().unwrap() }).collect()
}

/// Returns the name and content of every file in a checkpoint of the trainer.
fn snapshot(trainer: &Trainer) -> Vec<(String, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = trainer.save(dir.path()).unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(checkpoint.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

#[test]
fn the_phases_follow_the_schedule() {
    let reports = steps(&mut trainer(config(4)), 10);
    let phases: Vec<_> = reports.iter().map(|report| (report.phase, report.phase_step)).collect();
    use Phase::*;
    assert_eq!(
        phases[..4],
        [(PretrainRefiner, 1), (PretrainRefiner, 2), (PretrainRefiner, 3), (PretrainDiscriminator, 1)]
    );
    assert_eq!(phases[5..8], [(PretrainDiscriminator, 3), (Adversarial, 1), (Adversarial, 2)]);
    let updated: Vec<_> =
        reports.iter().map(|report| (report.refiner.is_some(), report.discriminator.is_some())).collect();
    assert_eq!(
        updated[..7],
        [
            (true, false),
            (true, false),
            (true, false),
            (false, true),
            (false, true),
            (false, true),
            (true, true)
        ]
    );
}

#[test]
fn the_refiner_gets_its_adversarial_term() {
    let report = steps(&mut trainer(config(1)), 7).pop().unwrap().refiner.unwrap();
    let adversarial = report.adversarial.unwrap();
    assert!((report.loss - (adversarial + 2.0 * report.self_regularization)).abs() < 1e-6, "{report:?}");
    // The term is not merely reported: a different weight of it yields different weights of R.
    let run = |weight: f64| {
        let mut config = config(1);
        config.loss.adversarial = weight;
        let mut trainer = trainer(config);
        steps(&mut trainer, 7);
        snapshot(&trainer)
    };
    assert_ne!(run(1.0), run(0.0));
}

#[test]
fn pretraining_brings_the_refiner_to_its_input() {
    let mut config = config(0);
    config.schedule.pretrain_refiner = 150;
    config.optim.refiner.lr = 0.005;
    let reports = steps(&mut trainer(config), 150);
    let change = |report: &StepReport| report.refiner.as_ref().unwrap().change;
    assert!(
        change(&reports[149]) < 0.3 * change(&reports[0]),
        "{} {}",
        change(&reports[0]),
        change(&reports[149])
    );
}

#[test]
fn the_discriminator_learns_and_meets_the_history() {
    let mut config = config(0);
    config.schedule.pretrain_discriminator = 60;
    let reports = steps(&mut trainer(config), 63);
    let first = reports[3].discriminator.as_ref().unwrap();
    assert_eq!(first.accuracy_history, None, "there is no history before the first step");
    let last = reports[62].discriminator.as_ref().unwrap();
    assert!(last.accuracy() > 0.95 && last.accuracy_history.unwrap() > 0.95, "{last:?}");
    assert!(last.loss < first.loss);
}

#[test]
fn one_seed_gives_one_run_and_another_seed_another() {
    let run = |seed: u64| {
        let mut trainer = trainer(TrainConfig { seed, ..config(4) });
        (steps(&mut trainer, 9), snapshot(&trainer))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// Resumes in the middle of each phase, with every stateful feature switched on.
#[test]
fn a_resumed_run_is_the_same_run() {
    let mut config = config(6);
    config.ema.decay = Some(0.9);
    config.discriminator.translation = 2;
    config.optim.discriminator = crate::OptimizerConfig {
        kind: crate::OptimizerKind::Sgd,
        momentum: 0.5,
        lr_steps: vec![(2, 0.001)],
        ..config.optim.discriminator
    };
    let mut whole = trainer(config.clone());
    let reports = steps(&mut whole, 12);
    for k in [1, 4, 7, 11] {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
        let mut first = trainer(config.clone());
        steps(&mut first, k);
        first.save(&run.checkpoints()).unwrap();
        drop(first);
        let mut resumed = Trainer::resume(&run, config.clone(), &sources(), &Device::Cpu).unwrap();
        assert_eq!(resumed.steps_done(), k as u64);
        assert_eq!(steps(&mut resumed, 12 - k), reports[k..], "after {k} steps");
        assert_eq!(snapshot(&resumed), snapshot(&whole), "after {k} steps");
    }
}

/// Both networks learn from shifted images, R only in the adversarial phase.
#[test]
fn a_translation_changes_what_both_networks_learn() {
    let run = |translation: usize, n: usize| {
        let mut config = config(4);
        config.discriminator.translation = translation;
        let reports = steps(&mut trainer(config), n);
        let last = reports.last().unwrap().clone();
        (last.refiner, last.discriminator)
    };
    assert_eq!(run(2, 3), run(0, 3), "D has no part in R's pretraining");
    assert_ne!(run(2, 4).1, run(0, 4).1);
    let [(moved, _), (still, _)] = [run(2, 7), run(0, 7)];
    assert_ne!(moved.unwrap().adversarial, still.unwrap().adversarial);
}

#[test]
fn numbers_of_threads_change_nothing() {
    let run = |workers: usize| {
        let mut config = config(3);
        config.data.workers = workers;
        steps(&mut trainer(config), 9)
    };
    assert_eq!(run(1), run(5));
}

#[test]
fn the_average_is_what_a_checkpoint_offers() {
    let mut config = config(2);
    config.ema.decay = Some(0.9);
    let mut trainer = trainer(config);
    let before = trainer.sample_grid().unwrap();
    steps(&mut trainer, 8);
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = trainer.save(dir.path()).unwrap();
    let refiner = simgan_models::load_refiner(checkpoint.path(), &Device::Cpu).unwrap();
    let refined = refiner.forward(&trainer.samples.synthetic).unwrap();
    let grid = sample_grid(&trainer.samples.synthetic, &refined, &trainer.samples.real).unwrap();
    assert_eq!(trainer.sample_grid().unwrap(), grid);
    assert_ne!(before, grid);
    let raw = trainer.refiner.frozen.forward(&trainer.samples.synthetic).unwrap();
    assert_ne!(sample_grid(&trainer.samples.synthetic, &raw, &trainer.samples.real).unwrap(), grid);
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_before_its_weights() {
    let mut config = config(2);
    config.loss.lambda = 1e300; // infinite in f32
    let mut trainer = trainer(config);
    let before = snapshot(&trainer);
    let error = trainer.step().unwrap_err();
    assert!(error.to_string().contains("step 1: the refiner's loss is inf"), "{error}");
    assert!(error.hint().unwrap().to_string().contains("optim.refiner.lr"), "{error}");
    let weights = |files: &[(String, Vec<u8>)]| {
        files.iter().find(|(name, _)| name == "refiner.safetensors").unwrap().1.clone()
    };
    assert_eq!(weights(&snapshot(&trainer)), weights(&before));
}

#[test]
fn weights_that_are_not_finite_are_never_saved() {
    let mut config = config(2);
    config.optim.refiner =
        crate::OptimizerConfig { kind: crate::OptimizerKind::Sgd, lr: 1e300, ..config.optim.refiner };
    let mut trainer = trainer(config);
    trainer.step().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = trainer.save(dir.path()).unwrap_err().to_string();
    assert!(error.contains("is not finite"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn another_configuration_or_other_images_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config(2)).unwrap();
    let mut first = trainer(config(2));
    steps(&mut first, 2);
    let checkpoint: Checkpoint = first.save(&run.checkpoints()).unwrap();
    let mut other = config(2);
    other.loss.lambda = 9.0;
    let resume = |config, sources: &Sources| {
        Trainer::resume(&run, config, sources, &Device::Cpu).err().unwrap().to_string()
    };
    assert!(resume(other.clone(), &sources()).contains("`loss.lambda` is 9.0"));
    // config.toml edited by hand
    run.write_config(&other).unwrap();
    let error = resume(other, &sources());
    assert!(
        error.contains("another configuration") && error.contains(&checkpoint.path().display().to_string()),
        "{error}"
    );
    run.write_config(&config(2)).unwrap();
    let swapped = Sources { synthetic: sources().real, real: sources().synthetic, tone: None };
    assert!(resume(config(2), &swapped).contains("images"));
}

#[test]
fn images_that_cannot_be_read_are_skipped_counted_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    for index in 0..8 {
        std::fs::write(dir.path().join(format!("{index}.png")), "no image").unwrap();
    }
    let sample = sources().synthetic.sample(0, Want::Image).unwrap();
    simgan_data::ImageFile::new(sample.image, simgan_data::ImageFormat::Png)
        .save(&dir.path().join("8.png"))
        .unwrap();
    let mut config = config(2);
    config.data.real = vec![dir.path().to_str().unwrap().to_owned()];
    let real = crate::sources::open_all(&config.data.real, &config.data, Role::Real, 0, &Registry::default())
        .unwrap();
    let sources = Sources { real, ..sources() };
    let error = Trainer::new(config.clone(), &sources, &Device::Cpu).err().unwrap();
    assert!(error.to_string().contains(".png"), "{error}");
    assert!(error.hint().unwrap().to_string().contains("skip such files"), "{error}");
    config.data.on_error = simgan_data::OnError::Skip;
    let mut trainer = Trainer::new(config, &sources, &Device::Cpu).unwrap();
    let reports = steps(&mut trainer, 5);
    assert!(reports[4].n_skipped > 0);
    let warnings = trainer.take_warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.contains(".png"), "{warnings:?}");
}

#[test]
fn a_refiner_trained_before_is_a_transform() {
    let dir = tempfile::tempdir().unwrap();
    let mut earlier = trainer(config(1));
    steps(&mut earlier, 3);
    let checkpoint = earlier.save(dir.path()).unwrap();
    let mut learned = config(4);
    learned.loss.psi = crate::Psi::Network;
    learned.loss.psi_model = checkpoint.path().display().to_string();
    let report = steps(&mut trainer(learned.clone()), 1).remove(0).refiner.unwrap();
    assert!(report.self_regularization > 0.0 && report.self_regularization != report.change, "{report:?}");

    learned.loss.psi_model = dir.path().display().to_string(); // a folder, but no checkpoint
    let error = Trainer::new(learned.clone(), &sources(), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("refiner.toml"), "{error}");
    learned.loss.psi_model.clear();
    let error = Trainer::new(learned, &sources(), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("loss.psi_model"), "{error}");
}

#[test]
fn depth_needs_a_range_which_its_checkpoints_hold() {
    let depth = |n: usize| -> Arc<dyn Source> {
        let (width, height) = crate::testing::SIZE;
        let sample = |index: usize| {
            let values = (0..width * height).map(|i| (1200 + (i * 37 + index * 101) % 800) as u16).collect();
            Sample::new(index.to_string(), Image::new(1, height, width, Pixels::U16(values)))
        };
        Arc::new(MemorySource::new((0..n).map(sample).collect()).unwrap())
    };
    let sources = Sources { synthetic: depth(9), real: depth(7), tone: None };
    let mut unknown = config(1);
    unknown.data.range = DataRange::Auto;
    let error = Trainer::new(unknown, &sources, &Device::Cpu).err().unwrap();
    assert!(error.hint().unwrap().to_string().contains("data.range = full"), "{error}");
    for (range, expected) in [("1000..2000", Some([1000.0, 2000.0])), ("full", None)] {
        let mut config = config(1);
        config.data.range = range.parse().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let checkpoint = Trainer::new(config, &sources, &Device::Cpu).unwrap().save(dir.path()).unwrap();
        assert_eq!(simgan_models::load_refiner_images(checkpoint.path()).unwrap().range, expected);
    }
}
