//! Runs that go on from a trained refiner, and augmented ones.

use simgan_data::{Augmentation, Augmented};

use super::*;
use crate::{Flip, RandomCrop, Start};

/// Trains a run of `n` steps and returns its folder.
fn trained(config: &TrainConfig, n: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), config).unwrap();
    let mut trainer = trainer(config.clone());
    steps(&mut trainer, n);
    trainer.save(&run.checkpoints()).unwrap();
    dir
}

fn weights(trainer: &Trainer, file: &str) -> Vec<u8> {
    snapshot(trainer).into_iter().find(|(name, _)| name == file).unwrap().1
}

#[test]
fn a_new_run_goes_on_from_the_refiner_and_its_discriminator() {
    let before = config(3);
    let dir = trained(&before, 8);
    let start = Start::open(&dir.path().join("run")).unwrap();
    let layers =
        "discriminator.layers=[{conv={kernel=3, stride=2, features=6}}, {max_pool={kernel=3, stride=1}}]";
    let set = [layers, "data.batch=4", "history.capacity=6", "ema.decay=0.5"].map(str::to_owned);
    let config = start.resolve(None, None, &set).unwrap();
    assert_eq!(config.refiner, before.refiner); // not the recipe's
    assert_eq!((config.schedule.pretrain_refiner, config.schedule.pretrain_discriminator), (0, 0));
    assert!(config.start.from.ends_with("step-00000008") && config.start.crc32c.len() == 8);
    let trainer = trainer(config.clone());
    let folder = dir.path().join("run/checkpoints/step-00000008");
    for file in ["refiner.safetensors", "discriminator.safetensors"] {
        assert_eq!(weights(&trainer, file), std::fs::read(folder.join(file)).unwrap(), "{file}");
    }
    assert_eq!(trainer.steps_done(), 0);
    assert!(trainer.history.is_empty());
    // The configuration alone says it all: it can be run again.
    let again = TrainConfig::resolve(None, Some(&config.resolved()), &[]).unwrap();
    assert_eq!(again, config);
    // Another discriminator begins anew, and is pretrained.
    let other = start.resolve(None, None, &set[1..]).unwrap();
    assert_eq!((other.schedule.pretrain_refiner, other.schedule.pretrain_discriminator), (0, 50));
    self::trainer(other);
    let asked = ["schedule.pretrain_refiner=7".to_owned(), layers.to_owned()];
    assert_eq!(start.resolve(None, None, &asked).unwrap().schedule.pretrain_refiner, 7);
}

#[test]
fn what_contradicts_the_refiner_is_refused_with_both_values() {
    let dir = trained(&config(1), 3);
    let start = Start::open(&dir.path().join("run")).unwrap();
    let refused = |set: &str| start.resolve(None, None, &[set.to_owned()]).unwrap_err().to_string();
    let error = refused("refiner.features=32");
    assert!(
        error.contains("`refiner.features` cannot be 32: 4, as in the refiner to start from, "),
        "{error}"
    );
    assert!(refused("data.channels=3").contains("`data.channels` cannot be 3: 1, as in"));
    // A refiner that has changed since the run was configured.
    let mut config = start.resolve(None, None, &["data.batch=4".to_owned()]).unwrap();
    config.start.crc32c = "00000000".to_owned();
    let error = Trainer::new(config, &sources(), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("another refiner than start.crc32c says"), "{error}");
    let error = Start::open(&dir.path().join("none")).unwrap_err().to_string();
    assert!(error.contains("no such folder"), "{error}");
}

#[test]
fn a_damaged_start_is_refused() {
    let dir = trained(&config(1), 3);
    let folder = dir.path().join("run/checkpoints/step-00000003");
    std::fs::write(folder.join("discriminator.safetensors"), "cut").unwrap();
    let error = Start::open(&folder).unwrap_err().to_string();
    assert!(error.contains("discriminator.safetensors is damaged"), "{error}");
}

/// Sources as a run opens them: the adapters are those of `data.flip` and `data.random_crop`.
fn augmented(seed: u64) -> Sources {
    let crop = Some(simgan_data::Size { width: 11, height: 7 });
    let with = |source, seed| {
        let augmentation = Augmentation { flip: true, crop, seed };
        Arc::new(Augmented::new(source, augmentation).unwrap())
    };
    Sources { synthetic: with(sources().synthetic, seed), real: with(sources().real, seed + 1), tone: None }
}

#[test]
fn an_augmented_run_resumes_exactly() {
    let mut config = config(5);
    config.data.flip = Flip::Horizontal;
    config.data.random_crop = "11x7".parse::<RandomCrop>().unwrap();
    let new = |seed| Trainer::new(config.clone(), &augmented(seed), &Device::Cpu).unwrap();
    let mut whole = new(3);
    let reports = steps(&mut whole, 11);
    assert_ne!(steps(&mut new(4), 11), reports, "another seed");
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
    let mut first = new(3);
    steps(&mut first, 4);
    first.save(&run.checkpoints()).unwrap();
    let mut resumed = Trainer::resume(&run, config.clone(), &augmented(3), &Device::Cpu).unwrap();
    assert_eq!(steps(&mut resumed, 7), reports[4..]);
    assert_eq!(snapshot(&resumed), snapshot(&whole));
}
