//! Selects the best checkpoint during a run.

#[cfg(test)]
mod tests;

use std::path::Path;

use simgan_metrics::MetricsError;
use simgan_models::run_folder::checkpoint_name;

use crate::{Best, Event, Judgement, RunDir, SelectionConfig, TrainConfig, TrainError};

/// Judges the refiner of the checkpoint in the given folder, and tells of its own updates: done and in total.
pub(super) type Judge<'a> =
    dyn FnMut(&Path, &mut dyn FnMut(u64, u64)) -> Result<Judgement, MetricsError> + 'a;

/// The run's judge and the best checkpoint so far.
pub(super) struct Selecting<'a> {
    judge: &'a mut Judge<'a>,
    pub(super) best: Option<Best>,
    /// The last judged step.
    judged: Option<u64>,
}

impl<'a> Selecting<'a> {
    /// Restores the selection at `step`: the best intact checkpoint in `events` or `best.toml`. `events` must
    /// not go beyond `step`.
    pub(super) fn resume(
        judge: &'a mut Judge<'a>,
        run: &RunDir,
        events: &[Event],
        step: u64,
        limits: &SelectionConfig,
    ) -> Result<Self, TrainError> {
        let judged: Vec<Best> = events
            .iter()
            .filter_map(|event| match event {
                Event::Judged { step, judgement, .. } => Some(Best::new(*step, *judgement)),
                _ => None,
            })
            .collect();
        let last = judged.iter().map(|best| best.step).max();
        // `best.toml` may name a later step, which the resumed run has yet to repeat.
        let named = Best::read(run.path())?.filter(|best| best.step <= step);
        let mut known: Vec<Best> = judged.into_iter().chain(named).collect();
        // Of equal judgements the earlier step wins, as in `judge`.
        known.sort_by(|a, b| a.judgement.compare(&b.judgement, limits).then(a.step.cmp(&b.step)));
        let best = known.into_iter().find(|best| best.open(run.path()).is_ok());
        if let Some(best) = &best {
            best.write(run.path())?;
        }
        Ok(Self { judge, best, judged: last })
    }

    /// Whether the refiner at `step` is due and not yet judged: at every `selection.every`-th step within the
    /// adversarial phase, and at its end.
    pub(super) fn is_due(&self, step: u64, config: &TrainConfig) -> bool {
        let schedule = &config.schedule;
        let pretraining = schedule.pretrain_refiner + schedule.pretrain_discriminator;
        let is_last = step == pretraining + schedule.steps;
        let is_due = is_last || super::is_due(step, config.selection.every.steps());
        step > pretraining && is_due && self.judged != Some(step)
    }

    /// Judges the checkpoint of `step`; the flag tells whether it is the best so far.
    pub(super) fn judge(
        &mut self,
        run: &RunDir,
        step: u64,
        limits: &SelectionConfig,
        updated: &mut dyn FnMut(u64, u64),
    ) -> Result<(Judgement, bool), TrainError> {
        let path = run.checkpoints().join(checkpoint_name(step));
        let judgement = (self.judge)(&path, updated)
            .map_err(|source| TrainError::Judge { path, source: Box::new(source) })?;
        self.judged = Some(step);
        let is_better = |best: &Best| judgement.compare(&best.judgement, limits).is_lt();
        let is_best = self.best.as_ref().is_none_or(is_better);
        if is_best {
            self.best = Some(Best::new(step, judgement));
        }
        Ok((judgement, is_best))
    }
}
