//! A run of n steps equals, bit for bit, one that is killed (SIGKILL) after k steps and resumed for n − k,
//! with real processes.
//!
//! A test spawns its own binary to run `child`, which trains in the folder named by an environment variable.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use candle_core::Device;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_data::{Image, MemorySource, Pixels, Sample, Source};
use simgan_train::{Event, Recipe, RunDir, Sources, StepReport, TrainConfig, Trainer, read_metrics, run};

/// Environment variable with the run's folder; without it, `child` does nothing.
const RUN: &str = "SIMGAN_TEST_RUN";
/// Milliseconds that the child waits after each event, so that it can be killed in mid-run.
const DELAY: &str = "SIMGAN_TEST_DELAY";

fn config() -> TrainConfig {
    let set = [
        "data.batch=8",
        "refiner.features=12",
        "refiner.blocks=1",
        "discriminator.layers=[{conv={kernel=3, stride=2, features=24}}, {max_pool={kernel=3, stride=1}}]",
        "history.capacity=10",
        "schedule.pretrain_refiner=5",
        "schedule.pretrain_discriminator=5",
        "schedule.steps=20",
        "schedule.k_g=2",
        "optim.discriminator.kind=sgd",
        "optim.discriminator.momentum=0.5",
        "ema.decay=0.9",
        "output.log_every=1",
        "output.sample_every=0",
        "output.checkpoint_every=3",
    ];
    TrainConfig::resolve(Some(Recipe::Demo), None, &set.map(str::to_owned)).unwrap()
}

fn noise(n: usize, brightness: u8) -> Arc<dyn Source> {
    let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
    let mut sample = |index: usize| {
        let pixels = (0..33 * 21).map(|_| brightness + rng.random_range(0..50)).collect();
        Sample::new(index.to_string(), Image::new(1, 21, 33, Pixels::U8(pixels)))
    };
    Arc::new(MemorySource::new((0..n).map(&mut sample).collect()).unwrap())
}

/// The body of a training process; not a test in itself.
#[test]
fn child() {
    let Ok(path) = std::env::var(RUN) else { return };
    let delay = Duration::from_millis(std::env::var(DELAY).unwrap().parse().unwrap());
    let path = Path::new(&path);
    let run_dir = if path.exists() { RunDir::open(path) } else { RunDir::create(path, &config()) }.unwrap();
    let sources = Sources { synthetic: noise(23, 40), real: noise(19, 180), tone: None };
    let mut trainer = Trainer::resume(&run_dir, config(), &sources, &Device::Cpu).unwrap();
    let mut observe = |_: &Event| std::thread::sleep(delay);
    run(&mut trainer, &run_dir, &mut observe, &AtomicBool::new(false)).unwrap();
}

fn spawn(path: &Path, delay_ms: u64, threads: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child"]).env(RUN, path).env(DELAY, delay_ms.to_string());
    command.env("RAYON_NUM_THREADS", threads.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn train(path: &Path, threads: usize) {
    assert!(spawn(path, 0, threads).wait().unwrap().success());
}

/// Returns every file of the last checkpoint with its content.
fn last_checkpoint(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = path.join("checkpoints/step-00000030");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into(), fs::read(&path).unwrap()))
        .collect()
}

/// Returns the logged report of each step without its speed.
fn steps(path: &Path) -> Vec<StepReport> {
    let events = read_metrics(&path.join("metrics.jsonl")).unwrap();
    let step = |event| match event {
        Event::Step(report) => Some(StepReport { images_per_sec: 0.0, ..report }),
        _ => None,
    };
    events.into_iter().filter_map(step).collect()
}

/// Starts a process and kills it shortly after it has written a checkpoint at or after `step`.
fn train_and_kill(path: &Path, step: u64) {
    let mut child = spawn(path, 25, 2);
    let deadline = Instant::now() + Duration::from_secs(120);
    let written = || {
        let newest = simgan_train::run_dir::newest_checkpoint(path);
        newest.ok().and_then(|newest| newest.checkpoint).is_some_and(|checkpoint| checkpoint.step() >= step)
    };
    while !written() {
        assert!(
            Instant::now() < deadline && child.try_wait().unwrap().is_none(),
            "no checkpoint at step {step}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(35)); // into the steps after the checkpoint
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
}

#[test]
fn a_killed_run_resumes_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    train(&whole, 2);
    for step in [3, 6, 18] {
        train_and_kill(&killed, step);
        assert!(!killed.join("checkpoints/step-00000030").exists(), "killed too late to test anything");
    }
    train(&killed, 2);
    assert_eq!(steps(&killed).len(), 30);
    assert_eq!(steps(&killed), steps(&whole));
    assert_eq!(last_checkpoint(&killed), last_checkpoint(&whole));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let dir = tempfile::tempdir().unwrap();
    let [one, three] = [1, 3].map(|threads| {
        let path = dir.path().join(threads.to_string());
        train(&path, threads);
        (steps(&path), last_checkpoint(&path))
    });
    assert_eq!(one, three);
}
