use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::Device;
use simgan_metrics::MetricsError;

use super::Judge;
use crate::run::run_with;
use crate::run_dir::{BEST_FILE, CHECKPOINTS_DIR, METRICS_FILE};
use crate::testing::{config, sources};
use crate::{
    Best, Event, Every, Judgement, RunDir, Summary, TrainConfig, TrainError, Trainer, read_metrics, run,
};

/// A judge whose accuracy depends on the step's last digit; it can fail at one step.
struct ByStep {
    accuracy: [f64; 10],
    fails_at: u64,
    asked: Vec<u64>,
}

impl ByStep {
    fn new(accuracy: [f64; 10]) -> Self {
        Self { accuracy, fails_at: 0, asked: Vec::new() }
    }

    fn judge(&mut self, checkpoint: &Path) -> Result<Judgement, MetricsError> {
        let step = crate::Checkpoint::open(checkpoint).unwrap().step();
        self.asked.push(step);
        if step == self.fails_at {
            return Err(MetricsError::Mismatch("the judge is tired".to_owned()));
        }
        Ok(Judgement { accuracy: self.accuracy[step as usize % 10], change: 0.1, pupil: None, points: None })
    }
}

/// Accuracies by the last digit of the step: the later, the worse.
const WORSENING: [f64; 10] = [0.8, 0.0, 0.9, 0.0, 0.95, 0.0, 0.0, 0.0, 0.7, 0.0];

/// Returns a configuration of 3 + 3 + `steps` steps with a judgement at every second step of the last phase.
fn selecting(steps: u64) -> TrainConfig {
    let mut config = config(steps);
    config.selection.every = Every::Steps(2);
    config.output.keep_last = 1;
    config
}

/// Trains a new run or continues one until `stop_at` steps are done.
fn train(path: &Path, config: &TrainConfig, judge: &mut ByStep, stop_at: u64) -> Result<Summary, TrainError> {
    let run_dir = if path.exists() { RunDir::open(path) } else { RunDir::create(path, config) }.unwrap();
    let mut trainer = Trainer::resume(&run_dir, config.clone(), &sources(), &Device::Cpu).unwrap();
    let stop = AtomicBool::new(false);
    let mut observe = |event: &Event| {
        if matches!(event, Event::Step(report) if report.step == stop_at) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let mut judge = |checkpoint: &Path, _: &mut dyn FnMut(u64, u64)| judge.judge(checkpoint);
    let judge = config.selection.every.steps().map(|_| &mut judge as &mut Judge<'_>);
    run_with(&mut trainer, &run_dir, judge, &mut observe, &stop)
}

fn checkpoints(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.join(CHECKPOINTS_DIR)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn judged(path: &Path) -> Vec<(u64, f64, bool)> {
    let judged = |event| match event {
        Event::Judged { step, judgement, is_best } => Some((step, judgement.accuracy, is_best)),
        _ => None,
    };
    read_metrics(&path.join(METRICS_FILE)).unwrap().into_iter().filter_map(judged).collect()
}

#[test]
fn the_best_checkpoint_is_kept_named_and_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut judge = ByStep::new(WORSENING);
    let summary = train(&path, &selecting(7), &mut judge, u64::MAX).unwrap();
    // Step 13 is judged as the last one, although it is not a multiple of 2.
    assert_eq!(judged(&path), [(8, 0.7, true), (10, 0.8, false), (12, 0.9, false), (13, 0.0, false)]);
    assert_eq!(checkpoints(&path), ["step-00000008", "step-00000013"]);
    assert_eq!(summary.best.as_deref(), Some(Path::new("checkpoints/step-00000008")));
    let best = Best::read(&path).unwrap().unwrap();
    assert_eq!((best.step, best.judgement.accuracy), (8, 0.7));
    assert!(path.join(best.checkpoint).ends_with("step-00000008"));
}

/// A run interrupted anywhere, even between a checkpoint and its judgement, ends with the same best.
#[test]
fn interruptions_change_no_choice() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let accuracy = [0.8, 0.0, 0.6, 0.0, 0.95, 0.0, 0.7, 0.0, 0.9, 0.0];
    let config = selecting(10);
    train(&whole, &config, &mut ByStep::new(accuracy), u64::MAX).unwrap();
    let mut judge = ByStep::new(accuracy);
    for stop_at in [4, 9] {
        assert!(!train(&parts, &config, &mut judge, stop_at).unwrap().is_complete());
    }
    judge.fails_at = 12;
    let error = train(&parts, &config, &mut judge, u64::MAX).unwrap_err();
    assert!(error.to_string().contains("step-00000012 cannot be judged: the judge is tired"), "{error}");
    assert!(error.hint().unwrap().to_string().contains("selection.every = 0"), "{error}");
    judge.fails_at = 0;
    train(&parts, &config, &mut judge, 14).unwrap();
    train(&parts, &config, &mut judge, u64::MAX).unwrap();
    assert_eq!(judge.asked, [8, 10, 12, 12, 14, 16]);
    assert_eq!(judged(&parts), judged(&whole));
    assert_eq!(judged(&parts).last().unwrap(), &(16, 0.7, false));
    assert_eq!(fs::read(parts.join(BEST_FILE)).unwrap(), fs::read(whole.join(BEST_FILE)).unwrap());
    assert_eq!(Best::read(&parts).unwrap().unwrap().step, 12);
    assert_eq!(checkpoints(&parts), checkpoints(&whole));
}

/// If the best checkpoint is lost, the next best existing one takes its place.
#[test]
fn a_lost_best_gives_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut config = selecting(6);
    config.output.keep_last = 3;
    train(&path, &config, &mut ByStep::new(WORSENING), 11).unwrap();
    assert_eq!(Best::read(&path).unwrap().unwrap().step, 8);
    fs::remove_dir_all(path.join("checkpoints/step-00000008")).unwrap();
    let summary = train(&path, &config, &mut ByStep::new(WORSENING), u64::MAX).unwrap();
    assert_eq!(summary.best.as_deref(), Some(Path::new("checkpoints/step-00000010")));
    assert_eq!(Best::read(&path).unwrap().unwrap().step, 10);
}

#[test]
fn a_run_selects_where_its_configuration_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    // The built-in judge uses the run's own images.
    let run_dir = RunDir::create(&path, &selecting(2)).unwrap();
    let mut trainer = Trainer::new(selecting(2), &sources(), &Device::Cpu).unwrap();
    let mut updates = Vec::new();
    let mut observe = |event: &Event| {
        if let Event::Judging { step, done, total } = event {
            updates.push((*step, *done, *total));
        }
    };
    let summary = run(&mut trainer, &run_dir, &mut observe, &AtomicBool::new(false)).unwrap();
    assert!(updates.into_iter().eq((1..=300).map(|done| (8, done, 300))), "each update is told");
    assert!(!fs::read_to_string(path.join(METRICS_FILE)).unwrap().contains("judging"), "but not recorded");
    assert!(summary.best.is_some() && path.join(BEST_FILE).exists());
    assert_eq!(judged(&path).iter().map(|(step, ..)| *step).collect::<Vec<_>>(), [8]);
    drop(run_dir);
    // Selection turned off on resuming: the choice stays and nothing more is judged.
    let mut config = selecting(4);
    config.selection.every = Every::Never;
    let mut judge = ByStep::new(WORSENING);
    assert_eq!(train(&path, &config, &mut judge, u64::MAX).unwrap().best, None);
    assert_eq!(judge.asked, [0u64; 0]);
    assert_eq!(Best::read(&path).unwrap().unwrap().step, 8);
}
