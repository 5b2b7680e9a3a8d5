//! What the screen shows of a run, from its events.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use simgan_data::ValueRange;
use simgan_train::{Event, Judgement, LossConfig, Phase, ScheduleConfig, StepReport, TrainConfig};

use super::curve::Curve;

/// Maximum number of steps that the figures are means over.
const WINDOW: usize = 50;

/// A run as its events tell it. Times are since the program began to watch.
#[derive(Clone, Debug)]
pub(super) struct Dashboard {
    pub(super) run: PathBuf,
    pub(super) device: String,
    pub(super) loss: LossConfig,
    /// The values that −1 and 1 stand for, in the images' own unit, unless it is their bit depth's whole scale.
    pub(super) range: Option<ValueRange>,
    pub(super) total_steps: u64,
    /// Steps done in all phases.
    pub(super) step: u64,
    pub(super) refiner_loss: Curve,
    pub(super) discriminator_loss: Curve,
    pub(super) accuracy_real: Curve,
    pub(super) accuracy_refined: Curve,
    /// Updates of the classifier done and in total, while a checkpoint is judged.
    pub(super) judging: Option<(u64, u64)>,
    pub(super) best: Option<(u64, Judgement)>,
    pub(super) samples: Option<PathBuf>,
    pub(super) checkpoint: Option<PathBuf>,
    schedule: ScheduleConfig,
    /// The last steps, all of one phase.
    recent: VecDeque<StepReport>,
    /// When this process's first step of the phase was done, and its number in the phase.
    phase_began: Option<(Duration, u64)>,
    /// When the last step was done.
    seen: Duration,
}

impl Dashboard {
    pub(super) fn new(run: &Path, device: String, config: &TrainConfig) -> Self {
        Self {
            run: run.to_owned(),
            device,
            loss: config.loss.clone(),
            range: config.data.range.fixed(),
            total_steps: 0,
            step: 0,
            refiner_loss: Curve::default(),
            discriminator_loss: Curve::default(),
            accuracy_real: Curve::default(),
            accuracy_refined: Curve::default(),
            judging: None,
            best: None,
            samples: None,
            checkpoint: None,
            schedule: config.schedule.clone(),
            recent: VecDeque::new(),
            phase_began: None,
            seen: Duration::ZERO,
        }
    }

    /// Takes an event that happened before this process began to watch.
    pub(super) fn recall(&mut self, event: &Event) {
        match event {
            Event::Step(report) => self.draw_on(report),
            event => self.see(event, Duration::ZERO),
        }
    }

    /// Takes an event that happens at `now`.
    pub(super) fn see(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Start { step, total_steps, .. } => (self.step, self.total_steps) = (*step, *total_steps),
            Event::Step(report) => self.see_step(report, now),
            Event::Samples { path, .. } => self.samples = Some(path.clone()),
            Event::Checkpoint { path, .. } => self.checkpoint = Some(path.clone()),
            Event::Judging { done, total, .. } => self.judging = Some((*done, *total)),
            Event::Judged { step, judgement, is_best } => {
                self.judging = None;
                if *is_best {
                    self.best = Some((*step, *judgement));
                }
            }
            // They are in the log or end the program.
            Event::Warning(_) | Event::Failed { .. } | Event::Finish(_) => {}
        }
    }

    fn see_step(&mut self, report: &StepReport, now: Duration) {
        self.draw_on(report);
        self.seen = now;
        if self.phase() != Some(report.phase) {
            self.recent.clear();
            self.phase_began = Some((now, report.phase_step));
        }
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(report.clone());
    }

    fn draw_on(&mut self, report: &StepReport) {
        let step = report.step;
        self.step = step;
        if let Some(refiner) = &report.refiner {
            self.refiner_loss.push(step, refiner.loss);
        }
        if let Some(discriminator) = &report.discriminator {
            self.discriminator_loss.push(step, discriminator.loss);
            self.accuracy_real.push(step, discriminator.accuracy_real);
            self.accuracy_refined.push(step, discriminator.accuracy_refined);
        }
    }

    /// The phase of the last step.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.recent.back().map(|report| report.phase)
    }

    /// Steps done in the phase, and its length.
    pub(super) fn phase_steps(&self) -> (u64, u64) {
        let Some(last) = self.recent.back() else { return (0, 0) };
        let length = match last.phase {
            Phase::PretrainRefiner => self.schedule.pretrain_refiner,
            Phase::PretrainDiscriminator => self.schedule.pretrain_discriminator,
            Phase::Adversarial => self.schedule.steps,
        };
        (last.phase_step, length)
    }

    /// The time that the rest of the phase will take at its pace so far; phases differ in speed, so that the
    /// others' remain unknown.
    pub(super) fn phase_left(&self) -> Option<Duration> {
        let (began, first) = self.phase_began?;
        let (done, length) = self.phase_steps();
        let n_timed = done.checked_sub(first).filter(|n| *n > 0)?;
        let per_step = self.seen.saturating_sub(began).as_secs_f64() / n_timed as f64;
        Some(Duration::from_secs_f64(per_step * length.saturating_sub(done) as f64))
    }

    /// Number of steps that [`mean`](Self::mean) covers.
    pub(super) fn n_averaged(&self) -> usize {
        self.recent.len()
    }

    /// The mean of a figure over the last steps of the phase that have it.
    pub(super) fn mean(&self, figure: impl Fn(&StepReport) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.recent.iter().filter_map(figure).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}
