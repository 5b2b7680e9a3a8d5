//! What a resume allows, and what it refuses.

use simgan_data::OnError;

use super::*;
use crate::{ConfigError, TrainError};

/// A run with a checkpoint after `n` steps.
fn run_of(config: &TrainConfig, n: usize) -> (tempfile::TempDir, RunDir) {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), config).unwrap();
    let mut first = trainer(config.clone());
    steps(&mut first, n);
    first.save(&run.checkpoints()).unwrap();
    (dir, run)
}

fn resume(run: &RunDir, config: &TrainConfig, sources: &Sources) -> Result<Trainer, TrainError> {
    Trainer::resume(run, config.clone(), sources, &Device::Cpu)
}

/// The same images elsewhere, and skipping unreadable ones, change no step.
#[test]
fn data_that_moved_is_the_same_run() {
    let mut moved = config(4);
    let mut whole = trainer(moved.clone());
    let reports = steps(&mut whole, 9);
    let (_dir, run) = run_of(&moved, 5);
    moved.data.synthetic = vec!["/elsewhere/synthetic".to_owned()];
    moved.data.on_error = OnError::Skip;
    let mut resumed = resume(&run, &moved, &sources()).unwrap();
    assert_eq!(steps(&mut resumed, 4), reports[5..]);
    let dir = tempfile::tempdir().unwrap();
    resumed.save(dir.path()).unwrap();
    // Once more, although config.toml now tells the new place and an older checkpoint was written before.
    run.write_config(&moved).unwrap();
    resume(&run, &moved, &sources()).unwrap();
}

#[test]
fn other_images_are_refused_by_name_wherever_they_lie() {
    let (_dir, run) = run_of(&config(4), 5);
    let swapped = Sources { synthetic: sources().real, real: sources().synthetic, tone: None };
    let other = Sources { synthetic: sources().synthetic, real: crate::testing::noise(7, 100), tone: None };
    for (sources, reason) in [(swapped, "11 then, 7 now"), (other, "as many as then, 7")] {
        let error = resume(&run, &config(4), &sources).err().unwrap();
        assert!(
            matches!(error, TrainError::OtherImages { .. }) && error.to_string().contains(reason),
            "{error}"
        );
        assert!(!error.hint().unwrap().to_string().contains("delete"));
    }
}

#[test]
fn a_checkpoint_of_an_older_version_knows_no_content_and_does_not_move() {
    let (dir, run) = run_of(&config(4), 5);
    let state = run.checkpoints().join("step-00000005/state.toml");
    let text = std::fs::read_to_string(&state).unwrap();
    // What that version wrote: no content, and a checksum that includes the places.
    let mut table: toml::Table = text.parse().unwrap();
    table.remove("content").unwrap();
    let crc = crc32c::crc32c(config(4).identity().as_bytes());
    table.insert("config_crc32c".to_owned(), i64::from(crc).into());
    std::fs::write(&state, table.to_string()).unwrap();
    let mut config = config(4);
    resume(&run, &config, &sources()).unwrap();
    config.data.on_error = OnError::Skip;
    resume(&run, &config, &sources()).unwrap();
    config.data.real = vec![dir.path().display().to_string()];
    let error = resume(&run, &config, &sources()).err().unwrap();
    assert!(
        matches!(&error, TrainError::Config(ConfigError::Resumed { key, .. }) if key == "data.real"),
        "{error}"
    );
}

#[test]
fn fewer_steps_than_are_done_change_nothing() {
    let (_dir, run) = run_of(&config(4), 9);
    let error = resume(&run, &config(2), &sources()).err().unwrap();
    assert!(error.to_string().contains("done 9 steps in all phases, 8 are asked for"), "{error}");
    let again = resume(&run, &config(3), &sources()).unwrap();
    assert!(again.is_done());
}

#[test]
fn a_history_of_other_images_is_refused_before_it_takes_memory() {
    let (_dir, run) = run_of(&config(4), 7);
    let folder = run.checkpoints().join("step-00000007");
    let history = folder.join("history.safetensors");
    let images = Tensor::zeros((1, 1, 5, 7), candle_core::DType::F32, &Device::Cpu).unwrap();
    simgan_models::write_tensors(&history, &[("images".to_owned(), images)]).unwrap();
    let mark = simgan_models::run_folder::FileMark::of(&history).unwrap();
    let state = folder.join("state.toml");
    let mut table: toml::Table = std::fs::read_to_string(&state).unwrap().parse().unwrap();
    let files = table["files"].as_table_mut().unwrap();
    files.insert("history.safetensors".to_owned(), toml::Value::try_from(mark).unwrap());
    std::fs::write(&state, table.to_string()).unwrap();
    let error = resume(&run, &config(4), &sources()).err().unwrap().to_string();
    assert!(error.contains("the history has images [1, 1, 5, 7] instead of [1, 9, 13]"), "{error}");
}

/// Weights that are finite and yet overflow: D's layers would hide the NaN, and the history keep it.
#[test]
fn refined_images_that_are_not_finite_stop_the_run_by_name() {
    let mut config = config(2);
    config.schedule.pretrain_refiner = 0;
    let mut trainer = trainer(config);
    for (_, var) in trainer.refiner.parameters().vars() {
        var.set(&var.affine(3e38, 0.0).unwrap()).unwrap();
    }
    let error = trainer.step().unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("step 1: the refiner's output is not finite in the discriminator's pretraining"),
        "{told}"
    );
    assert!(error.hint().unwrap().to_string().contains("optim.refiner.lr"));
    let dir = tempfile::tempdir().unwrap();
    let error = trainer.save(dir.path()).unwrap_err().to_string();
    assert!(error.contains("not finite"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
