//! Several ranks train what one process trains.

use std::sync::atomic::AtomicBool;
use std::thread;

use candle_core::safetensors;
use simgan_data::OnError;

use super::*;
use crate::testing::Thread;
use crate::{RanksError, follow, run};

const N_STEPS: usize = 12;

/// Steps of each phase with everything random switched on; the batch is no power of two.
fn shared(steps: u64) -> TrainConfig {
    let mut config = config(steps);
    config.data.batch = 6;
    config.discriminator.translation = 2;
    (config.discriminator.noise, config.discriminator.noise_steps) = (0.05, 6);
    config.discriminator.patches = crate::Patches::Content;
    config.ema.decay = Some(0.9);
    config
}

/// Runs `work` on each of `count` ranks; returns the results in the order of the ranks.
fn on_ranks<T: Send>(count: usize, work: impl Fn(Thread) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let spawn = |rank| scope.spawn(|| work(rank));
        let threads: Vec<_> = Thread::ranks(count).into_iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

type Files = Vec<(String, Vec<u8>)>;

/// Trains `n` steps on `count` ranks.
fn trained(count: usize, n: usize) -> Vec<(Vec<StepReport>, Files)> {
    on_ranks(count, |rank| {
        let mut trainer = trainer(shared(6));
        trainer.join(Box::new(rank)).unwrap();
        (steps(&mut trainer, n), snapshot(&trainer))
    })
}

/// Checks that the tensors of two checkpoints agree up to rounding, and that all else is equal.
fn assert_close(left: &Files, right: &Files) {
    assert_eq!(left.len(), right.len());
    for ((name, left), (_, right)) in left.iter().zip(right) {
        if !name.ends_with(".safetensors") {
            // `state.toml` has the checksums of the tensors.
            continue;
        }
        let read = |bytes: &[u8]| safetensors::load_buffer(bytes, &Device::Cpu).unwrap();
        let (left, right) = (read(left), read(right));
        assert_eq!(left.len(), right.len(), "{name}");
        for (key, left) in left {
            let values = |tensor: &Tensor| -> Vec<f32> {
                let flat = tensor.flatten_all().unwrap().to_dtype(candle_core::DType::F32);
                flat.unwrap().to_vec1().unwrap()
            };
            for (left, right) in values(&left).into_iter().zip(values(&right[&key])) {
                assert!((left - right).abs() < 2e-4, "{name} {key}: {left} {right}");
            }
        }
    }
}

#[test]
fn ranks_train_what_one_process_trains() {
    let mut alone = trainer(shared(6));
    let reports = steps(&mut alone, N_STEPS);
    for count in [2, 3] {
        let ranks = trained(count, N_STEPS);
        for (of_rank, files) in &ranks {
            assert_eq!((of_rank, files), (&ranks[0].0, &ranks[0].1), "every rank has the same bits");
        }
        for (alone, shared) in reports.iter().zip(&ranks[0].0) {
            for ((name, alone), (_, shared)) in alone.scalars().iter().zip(shared.scalars()) {
                assert!((alone - shared).abs() < 1e-3 * alone.abs().max(1.0), "{name}: {alone} {shared}");
            }
        }
        assert_close(&snapshot(&alone), &ranks[0].1);
    }
}

#[test]
fn a_run_resumes_with_another_number_of_ranks() {
    let mut whole = trainer(shared(6));
    steps(&mut whole, N_STEPS);
    let dir = tempfile::tempdir().unwrap();
    let run_dir = RunDir::create(&dir.path().join("run"), &shared(6)).unwrap();
    on_ranks(2, |rank| {
        let mut trainer = trainer(shared(6));
        let is_first = rank.rank() == 0;
        trainer.join(Box::new(rank)).unwrap();
        steps(&mut trainer, 8);
        is_first.then(|| trainer.save(&run_dir.checkpoints()).unwrap());
    });
    for count in [1, 3] {
        let resumed = on_ranks(count, |rank| {
            let path = run_dir.path();
            let mut trainer = Trainer::resume_unlocked(path, shared(6), &sources(), &Device::Cpu).unwrap();
            trainer.join(Box::new(rank)).unwrap();
            steps(&mut trainer, N_STEPS - 8);
            snapshot(&trainer)
        });
        assert_close(&snapshot(&whole), &resumed[0]);
    }
}

#[test]
fn one_rank_writes_the_run_and_all_end_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let ended = on_ranks(2, |rank| {
        let (is_first, stop) = (rank.rank() == 0, AtomicBool::new(false));
        let mut trainer = trainer(shared(6));
        trainer.join(Box::new(rank)).unwrap();
        if is_first {
            let run_dir = RunDir::create(&path, &shared(6)).unwrap();
            // Ctrl-C reaches one rank alone.
            let mut observe =
                |event: &crate::Event| stop.store(event.step() >= 7, std::sync::atomic::Ordering::Relaxed);
            run(&mut trainer, &run_dir, &mut observe, &stop).unwrap();
        } else {
            follow(&mut trainer, &stop).unwrap();
        }
        trainer.steps_done()
    });
    assert_eq!(ended, [7, 7]);
    let newest = crate::run_dir::newest_checkpoint(&path).unwrap().checkpoint.unwrap();
    assert!(newest.path().ends_with("step-00000007"));
}

#[test]
fn what_ranks_cannot_share_is_refused() {
    let refused = |count, config: TrainConfig| {
        on_ranks(count, |rank| trainer(config.clone()).join(Box::new(rank)).unwrap_err().to_string())
    };
    assert_eq!(refused(4, shared(1))[1], "a batch of 6 images cannot be shared equally by 4 ranks");
    let mut skipping = shared(1);
    skipping.data.on_error = OnError::Skip;
    assert_eq!(refused(2, skipping)[0], "data.on_error=skip needs the whole batch in one process");
    let differing = on_ranks(2, |rank| {
        let config = TrainConfig { seed: rank.rank() as u64, ..shared(1) };
        trainer(config).join(Box::new(rank)).unwrap_err()
    });
    for error in differing {
        assert!(matches!(error, TrainError::Ranks(RanksError::Differ { what: "their settings" })), "{error}");
    }
}
