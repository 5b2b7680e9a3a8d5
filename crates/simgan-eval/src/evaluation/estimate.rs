use std::time::{Duration, Instant};

use candle_core::Device;
use simgan_metrics::{RealismTraining, realism_watched};

use super::Plan;
use crate::training::{n_side_by_side, on_threads, train_estimator_watched};
use crate::{EstimatorTraining, EvalError};

/// Updates that a probe makes; the first is slower than the others and does not count.
const PROBED: usize = 4;

impl Plan<'_> {
    /// Estimates how long the work takes on this machine, from a few updates of each kind of network, which
    /// are thrown away. The rest of the work takes little time beside them.
    ///
    /// # Errors
    ///
    /// If the networks cannot be trained on the images.
    pub fn estimate(&self) -> Result<Duration, EvalError> {
        Ok(self.estimate_of(true)? + self.estimate_of(false)?)
    }

    /// Estimates the part that depends on a refiner, or (`false`) the rest.
    ///
    /// # Errors
    ///
    /// As [`Plan::estimate`].
    pub(crate) fn estimate_of(&self, is_refined: bool) -> Result<Duration, EvalError> {
        let n_updates = self.n_updates_of(is_refined);
        let estimator = if n_updates > 0 { self.estimator_update()? } else { Duration::ZERO };
        let n_classified = self.config.seeds * self.config.realism.steps as u64;
        let classifier = self.classifier_update()?;
        Ok(estimator.mul_f64(n_updates as f64) + classifier.mul_f64(n_classified as f64))
    }

    /// How long an update of an estimator takes.
    fn estimator_update(&self) -> Result<Duration, EvalError> {
        let images = self.data.synthetic(1)?;
        let task = self.data.task();
        let layers = task.estimator(self.config.network, self.data.shape()?)?;
        let training = EstimatorTraining { steps: PROBED, ..self.config.training };
        let n_jobs = self.rows().len() * self.config.seeds as usize;
        side_by_side_mean(n_jobs, images.images().device(), &|updates| {
            train_estimator_watched(task, &layers, &images, &training, &mut || {
                updates.note();
                Ok(())
            })?;
            Ok(())
        })
    }

    /// How long an update of the classifier takes; nothing without real images.
    fn classifier_update(&self) -> Result<Duration, EvalError> {
        let Some(real) = self.data.real() else { return Ok(Duration::ZERO) };
        let training = RealismTraining { steps: PROBED, ..self.config.realism };
        side_by_side_mean(self.config.seeds as usize, real.device(), &|updates| {
            realism_watched(real, self.data.probe().images(), &training, &mut || updates.note())?;
            Ok(())
        })
    }
}

/// How long an update takes on average, of `n_jobs` trainings that run side by side as far as threads go: each
/// on its share of them.
fn side_by_side_mean(
    n_jobs: usize,
    device: &Device,
    train: &(dyn Fn(&mut Updates) -> Result<(), EvalError> + Sync),
) -> Result<Duration, EvalError> {
    let n_workers = n_side_by_side(n_jobs, device).max(1);
    let updates = on_threads(rayon::current_num_threads() / n_workers, || {
        let mut updates = Updates::default();
        train(&mut updates).map(|()| updates)
    })??;
    Ok(updates.mean() / n_workers as u32)
}

/// The moments at which updates ended.
#[derive(Default)]
struct Updates {
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Updates {
    fn note(&mut self) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    fn mean(&self) -> Duration {
        let spent = self.first.zip(self.last).map_or(Duration::ZERO, |(first, last)| last - first);
        spent / (PROBED - 1) as u32
    }
}
