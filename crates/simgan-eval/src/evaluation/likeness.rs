use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::{EvaluationConfig, Watch};
use crate::{EvalError, RealismTraining, Spread, realism, share_interval};

/// How like real images a set of images is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Share of held-out images that a fresh classifier tells right, in [0, 1], over its repetitions; 0.5 is ideal.
    pub accuracy: Spread,
    /// 95 % confidence interval of the mean accuracy for the number of held-out images alone.
    pub interval: [f64; 2],
    /// Held-out images of one repetition, half of them real.
    pub n_images: usize,
}

impl Likeness {
    /// Compares `images` with `real` ones: both `(N, C, H, W)` in [−1, 1].
    pub(super) fn new(
        real: &Tensor,
        images: &Tensor,
        config: &EvaluationConfig,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        let (mut accuracies, mut n_images) = (Vec::new(), 0);
        for repetition in 0..config.seeds {
            watch.advance(0)?;
            let training = RealismTraining { seed: config.realism.seed + repetition, ..config.realism };
            let found = realism(real, images, &training)?;
            accuracies.push(found.accuracy);
            n_images = found.n_images;
        }
        let none = EvalError::TooFew { what: "repetitions", found: 0, needed: 1 };
        let accuracy = Spread::new(&accuracies).ok_or(none)?;
        let n_right = (accuracy.mean * n_images as f64).round() as u64;
        Ok(Self { accuracy, interval: share_interval(n_right, n_images as u64), n_images })
    }
}
