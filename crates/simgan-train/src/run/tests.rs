use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use candle_core::Device;

use super::*;
use crate::run_dir::newest_checkpoint;
use crate::testing::{SIZE, config, sources};
use crate::{TrainConfig, WarningKind, read_metrics};

/// Trains a new run at `path`, or continues an existing one, until `stop_at` steps are done.
fn train_until(path: &Path, config: &TrainConfig, stop_at: u64) -> (Summary, Vec<Event>) {
    let run_dir = if path.exists() { RunDir::open(path) } else { RunDir::create(path, config) }.unwrap();
    let mut trainer = Trainer::resume(&run_dir, config.clone(), &sources(), &Device::Cpu).unwrap();
    let stop = AtomicBool::new(false);
    let mut events = Vec::new();
    let mut observe = |event: &Event| {
        if matches!(event, Event::Step(report) if report.step == stop_at) {
            stop.store(true, Ordering::Relaxed);
        }
        events.push(event.clone());
    };
    let summary = run(&mut trainer, &run_dir, &mut observe, &stop).unwrap();
    (summary, events)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// Returns the steps in `metrics.jsonl` without their speed.
fn steps_of(path: &Path) -> Vec<StepReport> {
    let events = read_metrics(&path.join(METRICS_FILE)).unwrap();
    let step = |event| match event {
        Event::Step(report) => Some(StepReport { images_per_sec: 0.0, ..report }),
        _ => None,
    };
    events.into_iter().filter_map(step).collect()
}

#[test]
fn a_run_leaves_what_is_promised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs/one");
    let mut config = config(5); // 3 + 3 + 5 steps
    config.output.keep_every = Some(4);
    let (summary, events) = train_until(&path, &config, u64::MAX);
    assert!(summary.is_complete());
    assert_eq!((summary.step, summary.total_steps, summary.n_averaged), (11, 11, 5));
    assert!(summary.refiner.is_some() && summary.discriminator.is_some());
    assert_eq!(
        names(&path),
        ["checkpoints", "config.toml", "metrics.jsonl", "run.lock", "samples", "tensorboard"]
    );
    // A checkpoint every second step and at the end; the last two and the multiples of 4 are kept.
    assert_eq!(
        names(&path.join(CHECKPOINTS_DIR)),
        ["step-00000004", "step-00000008", "step-00000010", "step-00000011"]
    );
    assert_eq!(
        names(&path.join(CHECKPOINTS_DIR).join("step-00000011")),
        [
            "discriminator.safetensors",
            "history.safetensors",
            "optimizers.safetensors",
            "refiner.safetensors",
            "refiner.toml",
            "state.toml"
        ]
    );
    assert_eq!(
        names(&path.join(SAMPLES_DIR)),
        ["step-00000004.png", "step-00000008.png", "step-00000011.png"]
    );
    let grid = ImageFile::open(&path.join(SAMPLES_DIR).join("step-00000011.png")).unwrap();
    assert_eq!(grid.image().spec().width, 8 * (SIZE.0 * 10 + 4) + 4);
    assert_eq!(names(&path.join(TENSORBOARD_DIR)).len(), 1);
    let lines: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    let text = fs::read_to_string(path.join(METRICS_FILE)).unwrap();
    assert!(text.lines().eq(&lines), "{text}");
    assert_eq!(read_metrics(&path.join(METRICS_FILE)).unwrap().len(), events.len());
    assert_eq!(crate::run_dir::config_of_run(&path).unwrap(), config);
    assert_eq!(summary.checkpoint, Some(PathBuf::from("checkpoints/step-00000011")));
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_end() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    train_until(&whole, &config(6), u64::MAX);
    for stop_at in [2, 5, 9] {
        let (summary, _) = train_until(&parts, &config(6), stop_at);
        assert!(!summary.is_complete());
        assert_eq!((summary.step, summary.checkpoint.clone()), (stop_at, Some(checkpoint_path(stop_at))));
    }
    train_until(&parts, &config(6), u64::MAX);
    assert_eq!(steps_of(&parts), steps_of(&whole));
    let newest = |path: &Path| path.join(CHECKPOINTS_DIR).join("step-00000012");
    for name in names(&newest(&whole)) {
        assert_eq!(
            fs::read(newest(&parts).join(&name)).unwrap(),
            fs::read(newest(&whole).join(&name)).unwrap(),
            "{name}"
        );
    }
    let grid = Path::new(SAMPLES_DIR).join("step-00000012.png");
    assert_eq!(fs::read(parts.join(&grid)).unwrap(), fs::read(whole.join(&grid)).unwrap());
}

#[test]
fn more_steps_are_a_resume_with_more_steps() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, longer) = (dir.path().join("whole"), dir.path().join("longer"));
    train_until(&whole, &config(4), u64::MAX);
    train_until(&longer, &config(1), u64::MAX);
    train_until(&longer, &config(4), u64::MAX);
    assert_eq!(steps_of(&longer), steps_of(&whole));
}

/// A crash loses the steps after the last checkpoint; the resumed run replaces their lines.
#[test]
fn what_came_after_the_checkpoint_is_repeated_and_not_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, crashed) = (dir.path().join("whole"), dir.path().join("crashed"));
    train_until(&whole, &config(5), u64::MAX);
    let mut config = config(5);
    config.output.keep_last = 3;
    train_until(&crashed, &config, u64::MAX);
    fs::remove_dir_all(crashed.join("checkpoints/step-00000011")).unwrap();
    fs::remove_dir_all(crashed.join("checkpoints/step-00000010")).unwrap();
    let metrics = crashed.join(METRICS_FILE);
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, &text[..text.len() - 7]).unwrap(); // cut short by the crash
    let (_, events) = train_until(&crashed, &config, u64::MAX);
    assert!(matches!(events[0], Event::Start { step: 8, .. }), "{:?}", events[0]);
    assert_eq!(steps_of(&crashed), steps_of(&whole));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    train_until(&path, &config(5), u64::MAX);
    let damaged = path.join("checkpoints/step-00000011/optimizers.safetensors");
    let mut bytes = fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let (summary, events) = train_until(&path, &config(5), u64::MAX);
    assert!(matches!(events[0], Event::Start { step: 10, .. }));
    let Event::Warning(warning) = &events[1] else { panic!("{:?}", events[1]) };
    assert_eq!(warning.kind, WarningKind::DamagedCheckpoint);
    assert!(warning.message.contains("step-00000011") && warning.message.contains("optimizers.safetensors"));
    assert_eq!(summary.step, 11);
    newest_checkpoint(&path).unwrap().checkpoint.unwrap();
    // If all are damaged, resuming fails rather than silently starting over.
    for name in names(&path.join(CHECKPOINTS_DIR)) {
        fs::remove_file(path.join(CHECKPOINTS_DIR).join(name).join("state.toml")).unwrap();
    }
    let run_dir = RunDir::open(&path).unwrap();
    let error = Trainer::resume(&run_dir, config(5), &sources(), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("step-00000011") && error.contains("state.toml"), "{error}");
}

#[test]
fn a_run_that_diverges_says_so_and_keeps_its_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut config = config(5);
    config.optim.refiner.lr_steps = vec![(1, 1e30)];
    let run_dir = RunDir::create(&path, &config).unwrap();
    let mut trainer = Trainer::new(config, &sources(), &Device::Cpu).unwrap();
    let mut last = None;
    let error = run(&mut trainer, &run_dir, &mut |event| last = Some(event.clone()), &AtomicBool::new(false));
    let error = error.unwrap_err();
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("try a lower optim.refiner.lr"), "{hint}");
    let error = error.to_string();
    assert!(error.ends_with("the training has diverged"), "{error}");
    assert!(matches!(last, Some(Event::Failed { error: said, .. }) if said == format!("{error} ({hint})")));
    let checkpoint = newest_checkpoint(&path).unwrap();
    assert!(checkpoint.damaged.is_empty());
    simgan_models::load_refiner(checkpoint.checkpoint.unwrap().path(), &Device::Cpu).unwrap();
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let run_dir = RunDir::create(&path, &config(5)).unwrap();
    // A file in place of the checkpoints' folder: permissions would not stop a test that runs as root.
    fs::remove_dir(path.join(CHECKPOINTS_DIR)).unwrap();
    let mut trainer = Trainer::new(config(5), &sources(), &Device::Cpu).unwrap();
    let mut observe = |event: &Event| {
        if event.step() == 1 {
            fs::remove_dir(path.join(CHECKPOINTS_DIR)).unwrap();
            fs::write(path.join(CHECKPOINTS_DIR), "").unwrap();
        }
    };
    let error = run(&mut trainer, &run_dir, &mut observe, &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(error.contains("checkpoints/.new-step-00000002"), "{error}");
}
