use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_data::evenly;
use simgan_metrics::{
    RealismTraining, Spread, gradient_distance, intensity_distance, kernel_distance, realism_watched,
    share_interval,
};

use super::{EvaluationConfig, Watch};
use crate::training::side_by_side;
use crate::{EvalError, Inputs, TrainedEstimator, features};

/// Maximum number of real images for KID: the kernel matrix grows with its square.
const MOST_FEATURES: usize = 1000;

/// Likeness of a set of images to real ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Share of held-out images that a fresh classifier gets right, in [0, 1], over its repetitions; 0.5 is
    /// ideal.
    pub accuracy: Spread,
    /// 95 % confidence interval of the mean accuracy, from the number of held-out images only.
    pub interval: [f64; 2],
    /// Held-out images per repetition, half of them real.
    pub n_images: usize,
    /// Kernel distance (KID) between the two sets in the feature space of estimators trained on synthetic
    /// images, over these networks; it does not use Inception features. Absent without networks.
    #[serde(default, alias = "kid_gaze_features", skip_serializing_if = "Option::is_none")]
    pub kid_features: Option<Spread>,
    /// Earth mover's distance of the pixels' intensities, in units of [−1, 1].
    pub intensity_distance: f64,
    /// Earth mover's distance of the gradients' magnitudes, in units of [−1, 1].
    pub gradient_distance: f64,
}

impl Likeness {
    /// Compares `images`, called `what`, with `real` ones: both `(N, C, H, W)` in [−1, 1].
    pub(super) fn new(
        what: &str,
        real: &Tensor,
        images: &Tensor,
        networks: &[TrainedEstimator],
        config: &EvaluationConfig,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        let n_repetitions = config.seeds as usize;
        watch.begin(format!("realism of {what}"), n_repetitions * config.realism.steps)?;
        let classify = |repetition: usize, after_update: &mut dyn FnMut() -> Result<(), EvalError>| {
            let seed = config.realism.seed.wrapping_add(repetition as u64);
            let training = RealismTraining { seed, ..config.realism };
            // The classifier's training is short, so that a stop may wait for its end.
            let mut outcome = Ok(());
            let mut heard = || {
                if outcome.is_ok() {
                    outcome = after_update();
                }
            };
            let found = realism_watched(real, images, &training, &mut heard)?;
            outcome.map(|()| found)
        };
        let found = side_by_side(n_repetitions, real.device(), &classify, &mut || watch.count(1))?;
        let n_images = found.first().map_or(0, |found| found.n_images);
        let accuracies: Vec<_> = found.iter().map(|found| found.accuracy).collect();
        let none = EvalError::TooFew { what: "repetitions", found: 0, needed: 1 };
        let accuracy = Spread::new(&accuracies).ok_or(none)?;
        let n_right = (accuracy.mean * n_images as f64).round() as u64;
        Ok(Self {
            accuracy,
            interval: share_interval(n_right, n_images as u64),
            n_images,
            kid_features: kid(real, images, networks, watch)?,
            intensity_distance: intensity_distance(real, images)?,
            gradient_distance: gradient_distance(real, images)?,
        })
    }
}

fn kid(
    real: &Tensor,
    images: &Tensor,
    networks: &[TrainedEstimator],
    watch: &mut Watch<'_>,
) -> Result<Option<Spread>, EvalError> {
    let chosen: Vec<_> = evenly(real.dim(0)?, MOST_FEATURES).into_iter().map(|idx| idx as u32).collect();
    let real = real.index_select(&Tensor::new(chosen, real.device())?, 0)?;
    let mut distances = Vec::new();
    for network in networks {
        watch.check()?;
        let features = |images: &Tensor| features(network, &Inputs::new(images.clone(), None)?);
        distances.push(kernel_distance(&features(&real)?, &features(images)?)?);
    }
    Ok(Spread::new(&distances))
}
