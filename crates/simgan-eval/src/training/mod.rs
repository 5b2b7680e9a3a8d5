mod state;
mod together;

use std::cell::OnceCell;

use candle_core::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use simgan_data::{Annotation, Sampler};
use simgan_metrics::{AugmentOptions, Strength, Warp, augmented_with};
use simgan_models::{Estimator, EstimatorConfig, Parameters, Precision, PrecisionName};
use simgan_optim::{Optimizer, Rule, half_cosine};

pub use self::state::is_training_only;
pub(crate) use self::together::{n_side_by_side, on_threads, side_by_side};
use crate::{EvalError, Inputs, LabelledImages, Objective, Task};

/// Maximum number of images per forward pass.
const AT_ONCE: usize = 256;
/// Maximum number of pixels per forward pass, where images are large.
const PIXELS_AT_ONCE: usize = 1 << 20;

/// Settings of an estimator's training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EstimatorTraining {
    /// Number of updates.
    pub steps: usize,
    /// Images per update.
    pub batch: usize,
    /// Initial learning rate of Adam; it falls to 0 along half a cosine.
    pub lr: f64,
    /// Seed of the weights, the order of images and their augmentation.
    pub seed: u64,
    /// Whether each batch is augmented; where points are learned, also by turns and scales that the points
    /// follow.
    pub augment: bool,
    /// How much augmentation changes images; without it, of no effect.
    #[serde(skip_serializing_if = "is_light")]
    pub strength: Strength,
    /// Whether pixels are measurements such as depths: augmentation then moves them and changes none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub depth: bool,
    /// Precision of the numbers that layers multiply.
    #[serde(with = "PrecisionName", skip_serializing_if = "is_f32")]
    pub precision: Precision,
}

impl Default for EstimatorTraining {
    /// The paper's learning rate and batch (§3.1); it does not give the number of updates.
    fn default() -> Self {
        Self {
            steps: 2000,
            batch: 512,
            lr: 0.001,
            seed: 0,
            augment: false,
            strength: Strength::Light,
            depth: false,
            precision: Precision::F32,
        }
    }
}

/// Settings written before there were precisions mean `f32`.
fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

/// Settings written before there were strengths mean light.
fn is_light(strength: &Strength) -> bool {
    *strength == Strength::Light
}

/// A trained estimator and its parameters, which share memory.
#[derive(Clone, Debug)]
pub struct TrainedEstimator {
    /// The network.
    pub network: Estimator,
    /// Its parameters and running statistics.
    pub parameters: Parameters,
}

/// Trains an estimator on labelled images.
///
/// # Errors
///
/// If the images do not fit `config`, there is nothing to learn, a batch or the steps are 0, or the loss is not
/// finite.
pub fn train_estimator(
    task: &dyn Task,
    config: &EstimatorConfig,
    images: &LabelledImages,
    training: &EstimatorTraining,
) -> Result<TrainedEstimator, EvalError> {
    train_estimator_watched(task, config, images, training, &mut || Ok(()))
}

/// Trains as [`train_estimator`] does and calls `after_update` after each update; its error ends the training.
///
/// # Errors
///
/// Those of [`train_estimator`] and of `after_update`.
pub(crate) fn train_estimator_watched(
    task: &dyn Task,
    config: &EstimatorConfig,
    images: &LabelledImages,
    training: &EstimatorTraining,
    after_update: &mut dyn FnMut() -> Result<(), EvalError>,
) -> Result<TrainedEstimator, EvalError> {
    let mut trainer = EstimatorTrainer::new(task, config, images, *training)?;
    while !trainer.is_done() {
        trainer.update()?;
        after_update()?;
    }
    trainer.finish()
}

/// The training of one estimator, update by update; [`EstimatorTrainer::save`] and
/// [`EstimatorTrainer::restore`] interrupt it without changing its result by a bit.
pub struct EstimatorTrainer<'a> {
    task: &'a dyn Task,
    images: &'a LabelledImages,
    training: EstimatorTraining,
    parameters: Parameters,
    network: Estimator,
    objective: Box<dyn Objective>,
    optimizer: Optimizer,
    sampler: Sampler,
    augmentation: ChaCha8Rng,
    n_done: usize,
    /// Checksum of the images and labels, once it is known.
    content: OnceCell<String>,
}

impl<'a> EstimatorTrainer<'a> {
    /// Begins a training.
    ///
    /// # Errors
    ///
    /// If the images do not fit `config`, there is nothing to learn, or a batch or the steps are 0.
    pub fn new(
        task: &'a dyn Task,
        config: &EstimatorConfig,
        images: &'a LabelledImages,
        training: EstimatorTraining,
    ) -> Result<Self, EvalError> {
        if training.batch == 0 || training.steps == 0 {
            return Err(EvalError::Mismatch("the estimator's batch and steps must be at least 1".into()));
        }
        let parameters = Parameters::new(training.seed, images.images().device());
        let network = Estimator::new(config, parameters.var_builder())?.with_precision(training.precision);
        let optimizer = Optimizer::new(parameters.vars(), Rule::adam([0.9, 0.999]), Some(1.0))?;
        Ok(Self {
            task,
            images,
            training,
            network,
            objective: task.objective(images)?,
            optimizer,
            parameters,
            sampler: Sampler::new(images.n_images(), training.seed),
            augmentation: ChaCha8Rng::seed_from_u64(training.seed),
            n_done: 0,
            content: OnceCell::new(),
        })
    }

    /// Number of updates made.
    #[must_use]
    pub const fn n_done(&self) -> usize {
        self.n_done
    }

    /// Whether all updates are made.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.n_done >= self.training.steps
    }

    /// Makes one update with the next batch and returns its loss.
    ///
    /// # Errors
    ///
    /// If the loss is not finite, or the images do not fit the network.
    pub fn update(&mut self) -> Result<f32, EvalError> {
        let batch = self.sampler.next_batch(self.training.batch);
        let batch: Vec<_> = batch.into_iter().map(|idx| idx as u32).collect();
        let batch = Tensor::new(batch, self.images.images().device())?;
        let inputs = self.images.inputs().select(&batch)?;
        let (inputs, warps) = match self.training.augment {
            true => changed(self.task, &inputs, &self.training, &mut self.augmentation)?,
            false => (inputs, None),
        };
        let output = self.network.forward_t(inputs.images(), inputs.extra(), true)?;
        let loss = self.objective.loss(&output, &batch, warps.as_deref())?;
        let lr = half_cosine(self.training.lr, self.n_done, self.training.steps);
        self.optimizer.step(&loss.backward()?, lr)?;
        self.n_done += 1;
        Ok(loss.to_scalar()?)
    }

    /// Returns the trained network, whose outputs mean what [`Task::answers`] reads.
    ///
    /// # Errors
    ///
    /// If its parameters cannot be set.
    pub fn finish(self) -> Result<TrainedEstimator, EvalError> {
        self.objective.finish(&self.parameters)?;
        Ok(TrainedEstimator { network: self.network, parameters: self.parameters })
    }
}

/// Augments a batch; points get to know where they are moved.
fn changed(
    task: &dyn Task,
    inputs: &Inputs,
    training: &EstimatorTraining,
    stream: &mut ChaCha8Rng,
) -> Result<(Inputs, Option<Vec<Warp>>), EvalError> {
    let EstimatorTraining { strength, depth, .. } = *training;
    let turn = task.moves_with_pixels();
    let options = AugmentOptions { strength, turn, depth };
    let (images, warps) = augmented_with(inputs.images(), options, stream)?;
    Ok((inputs.with_images(images)?, turn.then_some(warps)))
}

/// Predicts the label of each image.
///
/// # Errors
///
/// If the images do not fit the network, or an output is no label.
pub fn predict(
    task: &dyn Task,
    estimator: &TrainedEstimator,
    inputs: &Inputs,
) -> Result<Vec<Annotation>, EvalError> {
    let (_, _, height, width) = inputs.images().dims4()?;
    let mut answers = Vec::new();
    for_batches(inputs, |batch| {
        let output = estimator.network.forward_t(batch.images(), batch.extra(), false)?;
        answers.extend(task.answers(&output, [height, width])?);
        Ok(())
    })?;
    Ok(answers)
}

/// Returns the network's features `(N, d)` of each image, for
/// [`kernel_distance`](simgan_metrics::kernel_distance).
///
/// # Errors
///
/// If there are no images, or they do not fit the network.
pub fn features(estimator: &TrainedEstimator, inputs: &Inputs) -> Result<Tensor, EvalError> {
    let mut features = Vec::new();
    for_batches(inputs, |batch| {
        features.push(estimator.network.features(batch.images())?.detach());
        Ok(())
    })?;
    if features.is_empty() {
        return Err(EvalError::TooFew { what: "features", found: 0, needed: 1 });
    }
    Ok(Tensor::cat(&features, 0)?)
}

/// Calls `work` with some inputs at a time, in order, so that memory does not grow with their number.
fn for_batches(
    inputs: &Inputs,
    mut work: impl FnMut(&Inputs) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let (n_images, _, height, width) = inputs.images().dims4()?;
    let at_once = (PIXELS_AT_ONCE / (height * width).max(1)).clamp(1, AT_ONCE);
    for start in (0..n_images).step_by(at_once) {
        work(&inputs.narrow(start, at_once.min(n_images - start))?)?;
    }
    Ok(())
}
