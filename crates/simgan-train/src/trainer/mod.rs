//! Algorithm 1.

mod batches;
mod checks;
mod consistency;
mod network;
mod noise;
mod ranked;
mod refined;
mod samples;
mod seen;
mod state;
#[cfg(test)]
mod tests;
mod translation;

use std::time::Instant;

use candle_core::{Device, Module, Tensor};
use rand_chacha::ChaCha8Rng;
use simgan_data::{Image, Share};
use simgan_losses::{Gaps, HistoryBuffer, SelfRegularization, Target, accuracy};
use simgan_metrics::RealismTraining;
use simgan_models::{Discriminator, Refiner};

use self::batches::Batches;
pub(crate) use self::batches::QUEUE;
use self::consistency::TaskConsistency;
use self::network::{Moment, Network};
use self::refined::{Holes, Refined};
use self::samples::SampleInputs;
use self::seen::Seen;
use crate::content::Content;
use crate::grid::sample_grid;
use crate::streams::Purpose;
use crate::watch::Watch;
use crate::{
    DiscriminatorReport, LossConfig, Phase, Ranks, RefinerJudge, RefinerReport, Sources, StepReport,
    TrainConfig, TrainError, Warning,
};
use simgan_optim::Ema;

/// The two networks and all other training state.
pub struct Trainer {
    config: TrainConfig,
    sources: Sources,
    device: Device,
    refiner: Network<Refiner>,
    discriminator: Network<Discriminator>,
    self_regularization: SelfRegularization,
    consistency: Option<TaskConsistency>,
    history: HistoryBuffer,
    history_stream: ChaCha8Rng,
    /// Renewed for each step, so that a checkpoint need not store its position.
    translation_stream: ChaCha8Rng,
    /// Renewed like [`Self::translation_stream`].
    noise_stream: ChaCha8Rng,
    /// Renewed like [`Self::translation_stream`].
    latent_stream: ChaCha8Rng,
    ema: Option<Ema>,
    batches: Batches,
    samples: SampleInputs,
    watch: Watch,
    warnings: Vec<Warning>,
    n_steps: u64,
    /// Of the real images, with `loss.gaps`.
    gaps: Option<Gaps>,
    content: Content,
    /// This rank's part of every batch.
    share: Share,
    /// `None` if one process trains alone.
    ranks: Option<Box<dyn Ranks>>,
}

impl Trainer {
    /// Runs one step of the current phase; in the adversarial phase, one iteration of Algorithm 1.
    ///
    /// # Errors
    /// An image cannot be read, or a loss or gradient is not finite. A failed update leaves its weights
    /// unchanged, but do not call `step` again, since earlier parts of the step took effect: resume from a
    /// checkpoint.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        let started = Instant::now();
        self.translation_stream = Purpose::Translation.stream_of_step(self.config.seed, self.n_steps);
        self.noise_stream = Purpose::Noise.stream_of_step(self.config.seed, self.n_steps);
        self.latent_stream = Purpose::Latent.stream_of_step(self.config.seed, self.n_steps);
        let (phase, phase_step) = self.schedule_at(self.n_steps);
        let schedule = &self.config.schedule;
        let (k_g, k_d) = match phase {
            Phase::PretrainRefiner => (1, 0),
            Phase::PretrainDiscriminator => (0, 1),
            Phase::Adversarial => (schedule.k_g, schedule.k_d),
        };
        let refiner: Vec<_> = (0..k_g).map(|_| self.update_refiner()).collect::<Result<_, _>>()?;
        let discriminator: Vec<_> =
            (0..k_d).map(|_| self.update_discriminator()).collect::<Result<_, _>>()?;
        self.n_steps += 1;
        // An update of R takes a synthetic batch, an update of D a synthetic and a real one.
        let n_images = self.config.data.batch * (k_g + 2 * k_d);
        let report = StepReport {
            step: self.n_steps,
            phase,
            phase_step: phase_step + 1,
            refiner: RefinerReport::mean(&refiner),
            discriminator: DiscriminatorReport::mean(&discriminator),
            images_per_sec: n_images as f64 / started.elapsed().as_secs_f64(),
            n_skipped: self.batches.n_skipped(),
        };
        self.warnings.extend(self.watch.observe(&report));
        Ok(report)
    }

    /// Updates R's weights θ on a synthetic batch to reduce L_R (eq. 4): lines 3–5 of Algorithm 1. Before the
    /// adversarial phase, L_R is the self-regularization alone.
    ///
    /// # Errors
    /// As [`Self::step`], of which it is a part.
    pub fn update_refiner(&mut self) -> Result<RefinerReport, TrainError> {
        let LossConfig { lambda, adversarial: weight, adversarial_kind: adversarial, .. } = self.config.loss;
        let (synthetic, weights) = self.batches.weighted(self.n_steps)?;
        let batch = self.refined(&synthetic)?;
        let distance = self.distance(&batch, &synthetic, weights)?; // ‖ψ(x̃) − ψ(x)‖₁, eq. 4
        let Refined { all: refined, rendered, values, holes, diversity, .. } = &batch; // x̃ = R(x)
        let mut loss = (&distance * lambda)?;
        let film = self.film_loss(refined, rendered)?;
        let gaps = self.gap_loss(&batch)?;
        let (mut realism, mut consistency) = (None, None);
        if self.phase() == Phase::Adversarial {
            let Seen { images: seen, weights } = self.seen(&self.marked(refined, rendered)?)?;
            let logits = self.discriminator.frozen.forward(&seen)?;
            let passing = adversarial.of_refiner(&logits, weights.as_ref())?; // − log(1 − D(x̃)), eq. 3
            loss = (loss + (&passing * weight)?)?;
            realism = Some(scalar(&passing)?);
            if let Some(task) = &self.consistency {
                let difference = task.loss(refined, rendered)?;
                loss = (loss + (&difference * self.config.loss.consistency_after(self.moment().iteration))?)?;
                consistency = Some(scalar(&difference)?);
            }
            if let Some(diversity) = diversity {
                loss = (loss - (diversity * self.config.loss.diversity)?)?;
            }
            if let Some(gaps) = &gaps {
                loss = (loss + (gaps * self.config.loss.gaps)?)?;
            }
            if let Some(film) = &film {
                loss = (loss + (film * self.config.loss.film)?)?;
            }
        }
        let (moment, ranks) = (self.moment(), self.ranks.as_deref_mut());
        let (loss, gradient_norm) = self.refiner.descend(&loss, moment, ranks)?;
        self.ema.as_mut().map(Ema::update).transpose()?;
        let change = scalar(&(values.detach() - rendered)?.abs()?.mean_all()?)?;
        let missing = holes.as_ref().map(Holes::share).transpose()?;
        let [change, self_regularization] = self.means([change, scalar(&distance)?])?;
        let adversarial = realism.map(|own| self.means([own])).transpose()?.map(|[mean]| mean);
        let diversity = diversity.as_ref().map(scalar).transpose()?;
        let film = film.as_ref().map(scalar).transpose()?;
        let gaps = gaps.as_ref().map(scalar).transpose()?;
        Ok(RefinerReport {
            loss,
            adversarial,
            self_regularization,
            consistency,
            change,
            gradient_norm,
            diversity,
            film,
            missing,
            gaps,
        })
    }

    /// Updates D's weights φ on a batch of each domain to reduce L_D (eq. 2): lines 7–10 of Algorithm 1. Half
    /// of the refined images come from the history (§2.3).
    ///
    /// # Errors
    /// As [`Self::step`], of which it is a part.
    pub fn update_discriminator(&mut self) -> Result<DiscriminatorReport, TrainError> {
        let synthetic = self.batches.synthetic(self.n_steps)?;
        let real = self.batches.real(self.n_steps)?;
        // x̃ = R(x) with the current θ; every rank keeps the whole history
        let fresh = self.refined_for_discriminator(&synthetic)?;
        let fresh = self.whole(&self.marked(&fresh, &synthetic)?)?;
        // D's layers may hide a NaN, which the history would keep.
        self.refiner.check_output(&fresh, self.moment())?;
        // Computed before `mix`, which adds to the history; in the first step the history is empty.
        let n_fresh = fresh.dim(0)? - self.history.len().min(fresh.dim(0)? / 2);
        let refined = self.history.mix(&fresh, &mut self.history_stream)?; // the fresh ones first
        let refined = self.own(&refined)?;
        let (refined, real) = (self.seen(&refined)?, self.seen(&self.marked(&real, &real)?)?);
        self.discriminator.module.iterate_norms(1)?; // with `discriminator.spectral_norm`
        let logits_refined = self.discriminator.module.forward(&refined.images)?;
        let logits_real = self.discriminator.module.forward(&real.images)?;
        let (of_refined, of_real) = (refined.weights.as_ref(), real.weights.as_ref());
        let adversarial = self.config.loss.adversarial_kind;
        // − log D(x̃), eq. 2
        let loss_refined = adversarial.of_discriminator(&logits_refined, Target::Refined, of_refined)?;
        // − log(1 − D(y)), eq. 2
        let loss_real = adversarial.of_discriminator(&logits_real, Target::Real, of_real)?;
        let loss = (&loss_refined + &loss_real)?;
        let (moment, ranks) = (self.moment(), self.ranks.as_deref_mut());
        let (loss, gradient_norm) = self.discriminator.descend(&loss, moment, ranks)?;
        let (accuracy_refined, accuracy_history) = self.accuracies(&logits_refined, of_refined, n_fresh)?;
        let accuracy_real = accuracy(&logits_real, Target::Real, of_real)?;
        let own = [scalar(&loss_real)?, scalar(&loss_refined)?, accuracy_real];
        let [loss_real, loss_refined, accuracy_real] = self.means(own)?;
        Ok(DiscriminatorReport {
            loss,
            loss_real,
            loss_refined,
            accuracy_real,
            accuracy_refined,
            accuracy_history,
            gradient_norm,
        })
    }

    /// Whether all steps are done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.n_steps >= self.total_steps()
    }

    /// Steps done in all phases.
    #[must_use]
    pub fn steps_done(&self) -> u64 {
        self.n_steps
    }

    /// Total steps of all phases.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        let schedule = &self.config.schedule;
        schedule.pretrain_refiner + schedule.pretrain_discriminator + schedule.steps
    }

    /// The phase of the next step.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.schedule_at(self.n_steps).0
    }

    /// The run's configuration.
    #[must_use]
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Returns the judge configured by `[selection]`, with images from the run's own sources; `None` if
    /// selection is off.
    pub(crate) fn judge(&self) -> Result<Option<RefinerJudge>, TrainError> {
        let TrainConfig { selection, data, seed, .. } = &self.config;
        let training = RealismTraining { seed: *seed, ..RealismTraining::default() };
        let judge =
            |_| RefinerJudge::new(&self.sources, selection.images, data.on_error, training, &self.device);
        Ok(selection.every.steps().map(judge).transpose()?)
    }

    /// Returns the phase of the step after `n_steps`, and the number of steps already done in that phase.
    fn schedule_at(&self, n_steps: u64) -> (Phase, u64) {
        let schedule = &self.config.schedule;
        let discriminator_from = schedule.pretrain_refiner;
        let adversarial_from = discriminator_from + schedule.pretrain_discriminator;
        match n_steps {
            n if n < discriminator_from => (Phase::PretrainRefiner, n),
            n if n < adversarial_from => (Phase::PretrainDiscriminator, n - discriminator_from),
            n => (Phase::Adversarial, n - adversarial_from),
        }
    }

    /// Returns the moment of the next step; learning rates begin with Algorithm 1.
    fn moment(&self) -> Moment {
        let (phase, phase_step) = self.schedule_at(self.n_steps);
        let iteration = if phase == Phase::Adversarial { phase_step } else { 0 };
        Moment { n_steps: self.n_steps, phase, iteration }
    }

    /// Numbers of synthetic and of real images.
    #[must_use]
    pub fn n_images(&self) -> (usize, usize) {
        self.batches.n_images()
    }

    /// Number of times that an unreadable image was skipped.
    #[must_use]
    pub fn n_skipped(&self) -> u64 {
        self.batches.n_skipped()
    }

    /// Returns the warnings since the last call, oldest first.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.extend(self.batches.take_warnings());
        warnings
    }

    /// Draws the run's fixed sample images before and after refinement, as in `samples/` of a
    /// [`RunDir`](crate::RunDir). With `[ema]` on, the averaged weights refine.
    ///
    /// # Errors
    /// An operation on tensors failed.
    pub fn sample_grid(&mut self) -> Result<Image, TrainError> {
        self.ema.as_mut().map(Ema::swap).transpose()?;
        let refined = self.refiner.frozen.forward(&self.samples.synthetic);
        // Swap back before `?` can return: training must go on with the raw weights.
        self.ema.as_mut().map(Ema::swap).transpose()?;
        sample_grid(&self.samples.synthetic, &refined?, &self.samples.real)
    }
}

fn scalar(value: &Tensor) -> Result<f64, TrainError> {
    Ok(f64::from(value.to_scalar::<f32>()?))
}
