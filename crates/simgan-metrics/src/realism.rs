use candle_core::{Module, Tensor};
use serde::{Deserialize, Serialize};
use simgan_data::Sampler;
use simgan_losses::{Target, adversarial};
use simgan_models::{Discriminator, DiscriminatorConfig, Parameters, for_batches};
use simgan_optim::fit_adam;

use crate::{MetricsError, share_interval};

/// Batch size for held-out images.
const AT_ONCE: usize = 256;

/// How well a newly trained classifier tells held-out real and refined images apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Realism {
    /// Accuracy on held-out images, in [0, 1]; 0.5, the chance level, is ideal.
    pub accuracy: f64,
    /// 95 % confidence interval (Wilson's) of the accuracy. It covers the sampling of images only, not the
    /// training.
    pub interval: [f64; 2],
    /// Number of held-out images, half of them real.
    pub n_images: usize,
}

/// Training parameters of the classifier in [`realism`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RealismTraining {
    /// Number of updates.
    pub steps: usize,
    /// Real and refined images per update, each.
    pub batch: usize,
    /// Learning rate of Adam.
    pub lr: f64,
    /// Seed of the initial weights, the split into halves and the order of images.
    pub seed: u64,
}

impl Default for RealismTraining {
    fn default() -> Self {
        Self { steps: 300, batch: 32, lr: 0.001, seed: 0 }
    }
}

/// Trains a classifier with the discriminator's layers on half of the images and tests it on the other half.
///
/// The classifier decides once per image, on logits averaged over its patches. The larger set is reduced to
/// the size of the smaller one, so that both count equally.
///
/// # Errors
///
/// If a set has fewer than four images, the sizes differ, or training fails.
pub fn realism(real: &Tensor, refined: &Tensor, training: &RealismTraining) -> Result<Realism, MetricsError> {
    realism_watched(real, refined, training, &mut || ())
}

/// Measures as [`realism`] does and calls `after_update` after each update of the classifier.
///
/// # Errors
///
/// As [`realism`].
pub fn realism_watched(
    real: &Tensor,
    refined: &Tensor,
    training: &RealismTraining,
    after_update: &mut dyn FnMut(),
) -> Result<Realism, MetricsError> {
    let ((n_real, channels, ..), (n_refined, ..)) = (real.dims4()?, refined.dims4()?);
    if real.dims()[1..] != refined.dims()[1..] {
        return Err(MetricsError::Mismatch(format!(
            "real images {:?}, refined {:?}",
            real.dims(),
            refined.dims()
        )));
    }
    let found = n_real.min(n_refined);
    if found < 4 {
        return Err(MetricsError::TooFew { what: "realism", found, needed: 4 });
    }
    let (real_train, real_test) = halves(real, found, training.seed)?;
    let (refined_train, refined_test) = halves(refined, found, training.seed)?;
    let config = DiscriminatorConfig { local: false, ..DiscriminatorConfig::eye_gaze() };
    let classifier = train(&config, channels, [&real_train, &refined_train], training, after_update)?;
    let n_right = n_taken_for(&classifier, &real_test, Target::Real)?
        + n_taken_for(&classifier, &refined_test, Target::Refined)?;
    let n_images = real_test.dim(0)? + refined_test.dim(0)?;
    let interval = share_interval(n_right as u64, n_images as u64);
    Ok(Realism { accuracy: n_right as f64 / n_images as f64, interval, n_images })
}

/// Splits `count` random images into two disjoint halves, for training and testing.
fn halves(images: &Tensor, count: usize, seed: u64) -> Result<(Tensor, Tensor), MetricsError> {
    let chosen = batch(images, &mut Sampler::new(images.dim(0)?, seed), count)?;
    let n_train = count / 2;
    Ok((chosen.narrow(0, 0, n_train)?, chosen.narrow(0, n_train, count - n_train)?))
}

fn train(
    config: &DiscriminatorConfig,
    channels: usize,
    [real, refined]: [&Tensor; 2],
    training: &RealismTraining,
    after_update: &mut dyn FnMut(),
) -> Result<Discriminator, MetricsError> {
    let parameters = Parameters::new(training.seed, real.device());
    let classifier = Discriminator::new(config, channels, parameters.var_builder())?;
    let mut samplers =
        (Sampler::new(real.dim(0)?, training.seed), Sampler::new(refined.dim(0)?, training.seed));
    let loss = |_| {
        let real = batch(real, &mut samplers.0, training.batch)?;
        let refined = batch(refined, &mut samplers.1, training.batch)?;
        let loss = (adversarial(&classifier.forward(&real)?, Target::Real)?
            + adversarial(&classifier.forward(&refined)?, Target::Refined)?)?;
        Ok::<_, MetricsError>((loss, training.lr))
    };
    let updated = || {
        after_update();
        Ok(())
    };
    fit_adam(parameters.vars(), training.steps, loss, updated)?;
    Ok(classifier.frozen())
}

fn batch(images: &Tensor, sampler: &mut Sampler, n: usize) -> Result<Tensor, MetricsError> {
    let chosen: Vec<_> = sampler.next_batch(n).into_iter().map(|idx| idx as u32).collect();
    Ok(images.index_select(&Tensor::new(chosen, images.device())?, 0)?)
}

/// Returns how many images the classifier assigns to `target`.
fn n_taken_for(classifier: &Discriminator, images: &Tensor, target: Target) -> Result<usize, MetricsError> {
    let mut n_taken = 0;
    for_batches(images, AT_ONCE, |batch| {
        let share = simgan_losses::accuracy(&classifier.forward(batch)?, target, None)?;
        n_taken += (share * batch.dim(0)? as f64).round() as usize;
        Ok::<_, MetricsError>(())
    })?;
    Ok(n_taken)
}
