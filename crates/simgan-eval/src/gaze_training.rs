use candle_core::{Module, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use simgan_data::{Direction, Sampler};
use simgan_losses::gaze_distance;
use simgan_metrics::augmented;
use simgan_models::{GazeEstimator, GazeEstimatorConfig, Parameters, for_batches, forward_batched};
use simgan_optim::{fit_adam, half_cosine};

use crate::{EvalError, LabelledImages};

/// Images per forward pass.
const AT_ONCE: usize = 256;

/// Settings of the gaze network's training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GazeTraining {
    /// Number of updates.
    pub steps: usize,
    /// Images per update.
    pub batch: usize,
    /// Initial learning rate of Adam; it falls to 0 along half a cosine.
    pub lr: f64,
    /// Seed of the weights, the order of images and their augmentation.
    pub seed: u64,
    /// Whether each batch is [`augmented`].
    pub augment: bool,
}

impl Default for GazeTraining {
    /// The paper's learning rate and batch (§3.1); it does not give the number of updates.
    fn default() -> Self {
        Self { steps: 2000, batch: 512, lr: 0.001, seed: 0, augment: false }
    }
}

/// Trains the gaze network on labelled images (§3.1: L2 loss on the gaze vector).
///
/// During training the targets are standardized (mean 0, spread 1), so that the last layer's initial outputs
/// match their scale; this multiplies the paper's loss by a constant. The returned network predicts gaze
/// vectors.
///
/// # Errors
///
/// If the images do not fit `config`, a batch or the steps are 0, or the loss is not finite.
pub fn train_gaze_estimator(
    config: &GazeEstimatorConfig,
    images: &LabelledImages,
    training: &GazeTraining,
) -> Result<GazeEstimator, EvalError> {
    train_gaze_estimator_watched(config, images, training, &mut || Ok(()))
}

/// Trains as [`train_gaze_estimator`] does and calls `after_update` after each update; its error ends the
/// training.
///
/// # Errors
///
/// Those of [`train_gaze_estimator`] and of `after_update`.
pub(crate) fn train_gaze_estimator_watched(
    config: &GazeEstimatorConfig,
    images: &LabelledImages,
    training: &GazeTraining,
    after_update: &mut dyn FnMut() -> Result<(), EvalError>,
) -> Result<GazeEstimator, EvalError> {
    if training.batch == 0 || training.steps == 0 {
        return Err(EvalError::Mismatch("the gaze network's batch and steps must be at least 1".into()));
    }
    let parameters = Parameters::new(training.seed, images.images().device());
    let network = GazeEstimator::new(config, parameters.var_builder())?;
    let mut sampler = Sampler::new(images.gazes().len(), training.seed);
    let mut augmentation = ChaCha8Rng::seed_from_u64(training.seed);
    let targets = images.targets()?;
    let scale = TargetScale::of(&targets)?;
    let targets = scale.standardized(&targets)?;
    let loss = |step_idx: usize| {
        let batch: Vec<_> = sampler.next_batch(training.batch).into_iter().map(|idx| idx as u32).collect();
        let batch = Tensor::new(batch, targets.device())?;
        let mut inputs = images.images().index_select(&batch, 0)?;
        if training.augment {
            inputs = augmented(&inputs, &mut augmentation)?;
        }
        let predicted = network.forward(&inputs)?;
        let loss = gaze_distance(&predicted, &targets.index_select(&batch, 0)?)?;
        Ok((loss, half_cosine(training.lr, step_idx, training.steps)))
    };
    fit_adam(parameters.vars(), training.steps, loss, after_update)?;
    scale.fold_into(&parameters)?;
    Ok(network)
}

/// Mean of the true gaze vectors, `(1, 3)`, and their root mean square distance from it along one image axis.
struct TargetScale {
    mean: Tensor,
    spread: f64,
}

impl TargetScale {
    fn of(targets: &Tensor) -> Result<Self, EvalError> {
        let mean = targets.mean_keepdim(0)?;
        let variance = targets.broadcast_sub(&mean)?.sqr()?.sum(1)?.mean_all()?.to_scalar::<f32>()?;
        // Unit vectors vary in two dimensions, hence the 2. Identical gazes have no spread to scale by.
        let spread = (f64::from(variance) / 2.0).sqrt();
        Ok(Self { mean, spread: if spread > 1e-4 { spread } else { 1.0 } })
    }

    fn standardized(&self, targets: &Tensor) -> Result<Tensor, EvalError> {
        Ok((targets.broadcast_sub(&self.mean)? / self.spread)?)
    }

    /// Folds the scale into the last layer, so that the network predicts gaze vectors.
    fn fold_into(&self, parameters: &Parameters) -> Result<(), EvalError> {
        for (name, var) in parameters.vars() {
            match name.as_str() {
                "head.weight" => var.set(&(var.as_tensor() * self.spread)?)?,
                "head.bias" => var.set(&((var.as_tensor() * self.spread)? + self.mean.squeeze(0)?)?)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Predicts the gaze in each image of `(N, C, H, W)`, 256 at a time.
///
/// # Errors
///
/// If the images do not fit the network, or an output is not a direction.
pub fn predict_gaze(network: &GazeEstimator, images: &Tensor) -> Result<Vec<Direction>, EvalError> {
    let mut gazes = Vec::new();
    for_batches(images, AT_ONCE, |batch| {
        for answer in network.forward(batch)?.to_vec2::<f32>()? {
            let answer = [answer[0], answer[1], answer[2]];
            gazes.push(Direction::from_vector(answer).ok_or(EvalError::NoDirection { answer })?);
        }
        Ok::<_, EvalError>(())
    })?;
    Ok(gazes)
}

/// Returns the network's features `(N, d)` of images `(N, C, H, W)`, computed 256 at a time, for
/// [`kernel_distance`](simgan_metrics::kernel_distance).
///
/// # Errors
///
/// If there are no images, or they do not fit the network.
pub fn gaze_features(network: &GazeEstimator, images: &Tensor) -> Result<Tensor, EvalError> {
    if images.dim(0)? == 0 {
        return Err(EvalError::TooFew { what: "features", found: 0, needed: 1 });
    }
    forward_batched(images, AT_ONCE, |batch| Ok(network.features(batch)?))
}
