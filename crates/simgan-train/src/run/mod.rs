//! The training loop and its output.

mod selecting;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use simgan_data::{ImageFile, ImageFormat};
use simgan_models::run_folder::checkpoint_name;

use self::selecting::{Judge, Selecting};
use crate::event::METRICS_VERSION;
use crate::metrics::Metrics;
use crate::run_dir::{CHECKPOINTS_DIR, METRICS_FILE, SAMPLES_DIR, TENSORBOARD_DIR};
use crate::summary::Recent;
use crate::tensorboard::{PngImage, Writer};
use crate::{Best, Event, RunDir, StepReport, Summary, TrainError, Trainer, checkpoint, read_metrics};

/// Trains until all steps are done or `stop` is set, and writes the run's files.
///
/// `observe` receives every event, in order. After `stop` is set, the loop finishes the current step and
/// writes a checkpoint. `run` must be the folder that `trainer` was resumed from, or a new one; its
/// `config.toml` gets the trainer's configuration. With `[selection]` on, the loop judges checkpoints, names
/// the best in the run's `best.toml` and never removes it.
///
/// # Errors
/// An image cannot be read, a loss is not finite, a checkpoint cannot be judged, or a file cannot be written.
/// Earlier checkpoints stay intact, and the run can be resumed.
pub fn run(
    trainer: &mut Trainer,
    run: &RunDir,
    observe: &mut dyn FnMut(&Event),
    stop: &AtomicBool,
) -> Result<Summary, TrainError> {
    let judge = trainer.judge()?;
    let mut judge = judge.map(|judge| {
        move |checkpoint: &Path, updated: &mut dyn FnMut(u64, u64)| judge.judge_watched(checkpoint, updated)
    });
    run_with(trainer, run, judge.as_mut().map(|judge| judge as &mut Judge<'_>), observe, stop)
}

/// Runs like [`run`] with any judge, so that tests can dictate its judgements.
fn run_with<'a>(
    trainer: &mut Trainer,
    run: &'a RunDir,
    judge: Option<&'a mut Judge<'a>>,
    observe: &'a mut dyn FnMut(&Event),
    stop: &AtomicBool,
) -> Result<Summary, TrainError> {
    let mut recorder = Recorder::open(trainer, run, judge, observe)?;
    // Only now: a resume that is refused leaves the run as it was.
    if run.config()? != *trainer.config() {
        run.write_config(trainer.config())?;
    }
    let trained = train(trainer, Some(&mut recorder), stop).and_then(|()| recorder.finish(trainer));
    trained.inspect_err(|error| recorder.fail(trainer.steps_done(), error))
}

/// Trains as a rank that writes nothing, until all steps are done or any rank is asked to stop.
///
/// # Errors
/// As [`run`], except for files.
pub fn follow(trainer: &mut Trainer, stop: &AtomicBool) -> Result<(), TrainError> {
    train(trainer, None, stop)
}

fn train(
    trainer: &mut Trainer,
    mut recorder: Option<&mut Recorder<'_>>,
    stop: &AtomicBool,
) -> Result<(), TrainError> {
    if let Some(recorder) = &mut recorder {
        recorder.start(trainer)?;
    }
    while !trainer.is_done() && !trainer.agrees_to_stop(stop.load(Ordering::Relaxed))? {
        let report = trainer.step()?;
        if let Some(recorder) = &mut recorder {
            recorder.step(trainer, report)?;
        }
    }
    Ok(())
}

/// Records events in the run's folder and passes them to the observer.
struct Recorder<'a> {
    run: &'a RunDir,
    observe: &'a mut dyn FnMut(&Event),
    metrics: Metrics,
    tensorboard: Writer,
    recent: Recent,
    selecting: Option<Selecting<'a>>,
    started: Instant,
    samples: Option<(u64, PathBuf)>,
    checkpoint: Option<(u64, PathBuf)>,
}

impl<'a> Recorder<'a> {
    fn open(
        trainer: &Trainer,
        run: &'a RunDir,
        judge: Option<&'a mut Judge<'a>>,
        observe: &'a mut dyn FnMut(&Event),
    ) -> Result<Self, TrainError> {
        let step = trainer.steps_done();
        let metrics_path = run.path().join(METRICS_FILE);
        // Opening drops the lines after `step`, so it must come before `read_metrics` below.
        let metrics = Metrics::open(&metrics_path, step)?;
        let selection = &trainer.config().selection;
        let resume = |judge| Selecting::resume(judge, run, &read_metrics(&metrics_path)?, step, selection);
        let selecting = judge.map(resume).transpose()?;
        let tensorboard_dir = run.path().join(TENSORBOARD_DIR);
        let tensorboard = match step {
            0 => Writer::create(&tensorboard_dir),
            _ => Writer::resume(&tensorboard_dir, step + 1),
        };
        let samples = run.path().join(SAMPLES_DIR);
        std::fs::create_dir_all(&samples).map_err(TrainError::io(&samples))?;
        let checkpoints = run.checkpoints();
        std::fs::create_dir_all(&checkpoints).map_err(TrainError::io(&checkpoints))?;
        Ok(Self {
            run,
            observe,
            metrics,
            tensorboard: tensorboard.map_err(TrainError::io(&tensorboard_dir))?,
            recent: Recent::default(),
            selecting,
            started: Instant::now(),
            samples: None,
            checkpoint: (step > 0).then(|| (step, checkpoint_path(step))),
        })
    }

    fn start(&mut self, trainer: &mut Trainer) -> Result<(), TrainError> {
        let (n_synthetic, n_real) = trainer.n_images();
        self.record(&Event::Start {
            version: METRICS_VERSION,
            step: trainer.steps_done(),
            total_steps: trainer.total_steps(),
            phase: trainer.phase(),
            n_synthetic,
            n_real,
        })?;
        trainer.take_warnings().into_iter().try_for_each(|warning| self.record(&Event::Warning(warning)))?;
        self.judge(trainer) // a crash may have come between a checkpoint and its judgement
    }

    /// Records a completed step and writes whatever is due after it.
    fn step(&mut self, trainer: &mut Trainer, report: StepReport) -> Result<(), TrainError> {
        let output = trainer.config().output.clone();
        let step = report.step;
        self.recent.push(report.clone());
        let event = Event::Step(report);
        if is_due(step, Some(output.log_every)) {
            self.write_scalars(&event)?;
            self.metrics.append(&event)?;
        }
        (self.observe)(&event);
        for warning in trainer.take_warnings() {
            self.record(&Event::Warning(warning))?;
        }
        if is_due(step, output.sample_every) {
            self.write_samples(trainer)?;
        }
        if is_due(step, output.checkpoint_every) {
            self.write_checkpoint(trainer)?;
        }
        self.judge(trainer)
    }

    /// Writes the samples and the checkpoint of the last step unless they exist, and returns the summary.
    fn finish(&mut self, trainer: &mut Trainer) -> Result<Summary, TrainError> {
        let step = trainer.steps_done();
        let written = |at: &Option<(u64, PathBuf)>| at.as_ref().is_some_and(|(at, _)| *at == step);
        if trainer.is_done() && step > 0 && !written(&self.samples) {
            self.write_samples(trainer)?;
        }
        if step > 0 && !written(&self.checkpoint) {
            self.write_checkpoint(trainer)?;
        }
        let summary = self.summary(trainer);
        self.record(&Event::Finish(summary.clone()))?;
        Ok(summary)
    }

    fn summary(&self, trainer: &Trainer) -> Summary {
        let path = |at: &Option<(u64, PathBuf)>| at.as_ref().map(|(_, path)| path.clone());
        Summary {
            step: trainer.steps_done(),
            total_steps: trainer.total_steps(),
            phase: self.recent.phase().unwrap_or(trainer.phase()),
            n_averaged: self.recent.n(),
            refiner: self.recent.refiner(),
            discriminator: self.recent.discriminator(),
            range: trainer.config().data.range.fixed(),
            images_per_sec: self.recent.images_per_sec(),
            elapsed_secs: self.started.elapsed().as_secs_f64(),
            n_skipped: trainer.n_skipped(),
            run: self.run.path().to_owned(),
            checkpoint: path(&self.checkpoint),
            best: self.best().map(|best| best.checkpoint.clone()),
            samples: path(&self.samples),
        }
    }

    /// Tries to record `error`. A failure to do so is only logged, since the caller returns `error` itself.
    fn fail(&mut self, step: u64, error: &TrainError) {
        // With the hint: readers of `metrics.jsonl` have nothing but this text.
        let text = error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"));
        if let Err(second) = self.record(&Event::Failed { step, error: text }) {
            tracing::debug!("{second}");
        }
    }

    fn record(&mut self, event: &Event) -> Result<(), TrainError> {
        (self.observe)(event);
        self.metrics.append(event)
    }

    fn write_scalars(&mut self, event: &Event) -> Result<(), TrainError> {
        let Event::Step(report) = event else { return Ok(()) };
        let scalars = report.scalars();
        let values: Vec<(&str, f32)> = scalars.iter().map(|(name, value)| (*name, *value as f32)).collect();
        let written = self.tensorboard.scalars(report.step, &values);
        written.map_err(TrainError::io(self.tensorboard.path()))
    }

    fn write_samples(&mut self, trainer: &mut Trainer) -> Result<(), TrainError> {
        let step = trainer.steps_done();
        let relative = Path::new(SAMPLES_DIR).join(format!("step-{step:08}.png"));
        let path = self.run.path().join(&relative);
        let grid = trainer.sample_grid()?;
        let spec = grid.spec();
        let bytes = ImageFile::new(grid, ImageFormat::Png).encode(&path)?;
        simgan_data::write_atomic(&path, &bytes)?;
        let image =
            PngImage { height: spec.height, width: spec.width, channels: spec.channels, bytes: &bytes };
        let written = self.tensorboard.image(step, "samples", image);
        written.map_err(TrainError::io(self.tensorboard.path()))?;
        self.samples = Some((step, relative.clone()));
        self.record(&Event::Samples { step, path: relative })
    }

    fn write_checkpoint(&mut self, trainer: &Trainer) -> Result<(), TrainError> {
        let step = trainer.steps_done();
        let checkpoints = self.run.checkpoints();
        trainer.save(&checkpoints)?;
        let output = &trainer.config().output;
        checkpoint::retain(
            &checkpoints,
            output.keep_last,
            output.keep_every,
            self.best().map(|best| best.step),
        )?;
        let relative = checkpoint_path(step);
        self.checkpoint = Some((step, relative.clone()));
        self.record(&Event::Checkpoint { step, path: relative })
    }

    fn best(&self) -> Option<&Best> {
        self.selecting.as_ref()?.best.as_ref()
    }

    /// Judges the current step's checkpoint if due, writing it first if necessary.
    fn judge(&mut self, trainer: &Trainer) -> Result<(), TrainError> {
        let (step, config) = (trainer.steps_done(), trainer.config());
        if !self.selecting.as_ref().is_some_and(|selecting| selecting.is_due(step, config)) {
            return Ok(());
        }
        if self.checkpoint.as_ref().is_none_or(|(at, _)| *at != step) {
            self.write_checkpoint(trainer)?;
        }
        let Some(selecting) = &mut self.selecting else { return Ok(()) };
        let observe = &mut *self.observe;
        let mut updated = |done, total| observe(&Event::Judging { step, done, total });
        let (judgement, is_best) = selecting.judge(self.run, step, &config.selection, &mut updated)?;
        // First, since a resume can rebuild `best.toml` from the metrics, but not the reverse.
        self.record(&Event::Judged { step, judgement, is_best })?;
        if is_best && let Some(best) = self.best() {
            best.write(self.run.path())?;
        }
        let scalars = judgement.scalars().map(|(name, value)| (name, value as f32));
        let written = self.tensorboard.scalars(step, &scalars.collect::<Vec<_>>());
        written.map_err(TrainError::io(self.tensorboard.path()))
    }
}

fn checkpoint_path(step: u64) -> PathBuf {
    Path::new(CHECKPOINTS_DIR).join(checkpoint_name(step))
}

fn is_due(step: u64, every: Option<u64>) -> bool {
    every.is_some_and(|every| step.is_multiple_of(every))
}
