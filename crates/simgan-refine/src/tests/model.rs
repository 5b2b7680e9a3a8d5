//! Which checkpoint a model's path names.

use std::fs;
use std::sync::Arc;

use candle_core::Device;
use simgan_data::{Image, MemorySource, Pixels, Sample, Source};
use simgan_train::{Recipe, Sources, TrainConfig, Trainer};

use super::RefineModel;

#[test]
fn the_model_is_a_run_or_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let open = |name: &str| RefineModel::open(&path(name), &Device::Cpu);
    let refused = |name: &str| open(name).err().unwrap().to_string();
    fs::create_dir_all(path("new/checkpoints")).unwrap();
    for (name, reason) in [("none", "no such folder"), ("", "neither"), ("new", "no checkpoint yet")] {
        assert!(refused(name).contains(reason), "{}", refused(name));
    }
    let checkpoints = path("run/checkpoints");
    fs::create_dir_all(&checkpoints).unwrap();
    let mut trainer = trainer();
    for _ in 0..2 {
        trainer.step().unwrap();
        trainer.save(&checkpoints).unwrap();
    }
    assert!(open("run").unwrap().folder().ends_with("step-00000002"));
    assert!(open("run/checkpoints/step-00000001").unwrap().folder().ends_with("step-00000001"));
    for step in ["step-00000002", "step-00000001"] {
        let file = checkpoints.join(step).join("refiner.safetensors");
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        if step == "step-00000002" {
            assert!(open("run").unwrap().folder().ends_with("step-00000001"), "a damaged one is passed over");
        }
    }
    assert!(refused("run").contains("refiner.safetensors"), "{}", refused("run"));
}

/// A checkpoint on its own is verified like one of a run.
#[test]
fn damage_is_found_in_a_checkpoint_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = trainer();
    trainer.step().unwrap();
    let checkpoint = trainer.save(folder.path()).unwrap();
    let open = || RefineModel::open(checkpoint.path(), &Device::Cpu);
    open().unwrap();
    for name in ["refiner.safetensors", "refiner.toml"] {
        let path = checkpoint.path().join(name);
        let good = fs::read(&path).unwrap();
        let mut bytes = good.clone();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = open().err().unwrap();
        assert!(error.to_string().contains(&format!("{name} is damaged")), "{error}");
        assert!(!error.hint().unwrap().to_string().contains("delete"));
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn the_best_checkpoint_is_taken_while_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let checkpoints = run.join("checkpoints");
    fs::create_dir_all(&checkpoints).unwrap();
    let mut trainer = trainer();
    for _ in 0..2 {
        trainer.step().unwrap();
        trainer.save(&checkpoints).unwrap();
    }
    // Version 1 of the format.
    let best = "version = 1\nstep = 1\ncheckpoint = \"checkpoints/step-00000001\"\n\n\
                [judgement]\naccuracy = 0.7\nchange = 0.1\n";
    fs::write(run.join("best.toml"), best).unwrap();
    let open = || RefineModel::open(run, &Device::Cpu);
    assert!(open().unwrap().folder().ends_with("step-00000001"));
    // A damaged best checkpoint is passed over; without `best.toml` the newest is taken.
    fs::write(checkpoints.join("step-00000001/refiner.safetensors"), "cut").unwrap();
    assert!(open().unwrap().folder().ends_with("step-00000002"));
    fs::write(run.join("best.toml"), "version = 9").unwrap();
    let error = open().err().unwrap().to_string();
    assert!(error.contains("best.toml") && error.contains("version 9"), "{error}");
    fs::remove_file(run.join("best.toml")).unwrap();
    assert!(open().unwrap().folder().ends_with("step-00000002"));
}

/// Builds a trainer of a small refiner on blank images.
fn trainer() -> Trainer {
    let set =
        ["data.batch=2", "data.size=9x7", "refiner.features=4", "refiner.blocks=1", "history.capacity=0"];
    let config = TrainConfig::resolve(Some(Recipe::Demo), None, &set.map(str::to_owned)).unwrap();
    let blank = |index: usize| Sample::new(index.to_string(), Image::new(1, 7, 9, Pixels::U8(vec![100; 63])));
    let source: Arc<dyn Source> = Arc::new(MemorySource::new((0..3).map(blank).collect()).unwrap());
    let sources = Sources { synthetic: Arc::clone(&source), real: source, tone: None };
    Trainer::new(config, &sources, &Device::Cpu).unwrap()
}
