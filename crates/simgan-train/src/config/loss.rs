use simgan_losses::{AdversarialLoss, Landmarks, Psi};
use simgan_settings::{Limit, Range, settings};
use toml::Value;

use super::{ConfigError, Recipe, STEPS, Section, TrainConfig};

pub(super) const SECTION: Section = Section::new("loss", LossConfig::DOC, &[LossConfig::SETTINGS]);

settings! {
    /// What R minimises (eq. 4): `adversarial` × the adversarial loss, a mean over patches, plus `lambda` ×
    /// the mean of |ψ(R(x)) − ψ(x)| over pixels.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LossConfig {
        /// Weight λ of the self-regularization. Both terms are means, over patches and over pixels in [−1,
        /// 1], so λ is independent of batch and image size. The paper sums both terms: with 126 patches and
        /// 1,925 pixels (55 × 35), this λ is 1925 / 126 = 15.28 × the paper's.
        lambda: f64 = WEIGHT,
        /// Feature transform ψ under which R(x) stays close to x (§2.1).
        psi: Psi = Range::OneOf(&["identity", "derivatives", "mean-color", "network"]),
        /// For psi = "network", the folder of an earlier run's checkpoint; otherwise empty. ψ is then that
        /// refiner, frozen and without its last convolution.
        psi_model: String = Range::Form("a folder, or empty", Value::is_str),
        /// Weight of R's adversarial term, 1 in eq. 4. 0 is an ablation: R then only learns to copy its
        /// input.
        adversarial: f64 = WEIGHT,
        /// The adversarial loss of both networks, on a patch's score s = logit of "real" − logit of
        /// "refined". "cross-entropy" is the paper's (eq. 2 and 3). "least-squares" draws s of real images to
        /// 1 and of refined ones to −1 (LSGAN: Mao et al., ICCV 2017). "hinge" leaves D no gradient beyond
        /// these values, and R raises s without limit (Lim and Ye, 2017).
        #[serde(default)]
        adversarial_kind: AdversarialLoss = Range::OneOf(&["cross-entropy", "least-squares", "hinge"]),
        /// Weight in the self-regularization of the pixels around the labelled points of a synthetic image
        /// (lids and iris, joints, …), where the others have 1. Each image's weights are then divided by
        /// their mean, so that λ means the same; points outside the image have no part. 1 turns it off and
        /// reads no labels; otherwise an image without labelled points is an error.
        #[serde(default = "plain_weight")]
        landmark_weight: f64 = Range::Number(Limit::Including(1.0), Limit::None),
        /// Distance from a labelled point within which `landmark_weight` applies, in pixels of the networks'
        /// images.
        #[serde(default = "landmark_radius")]
        landmark_radius: f64 = Range::above(0.0),
        /// Weight λ_g of the task consistency: the estimator at `consistency_model` should say of R(x) what
        /// it says of x. The difference is 1 − cos of the angle for directions, the squared distance of heat
        /// maps for points, the Kullback–Leibler divergence for classes, and the squared difference for
        /// vectors. It counts in the adversarial phase only. 0 turns it off.
        #[serde(default)]
        consistency: f64 = WEIGHT,
        /// The folder of that estimator, made by `simgan estimate train` or `simgan evaluate --save` from
        /// images of the same size, channels and range; empty without `consistency`. It stays fixed. Train it
        /// with augmentation, or it reacts to the look that R must change. A resume needs the same weights.
        #[serde(default)]
        consistency_model: String = Range::Form("a folder, or empty", Value::is_str),
        /// Steps of the adversarial phase over which `consistency` rises linearly from 0. 0 stands for a
        /// fifth of `schedule.steps` as the run begins; its config.toml holds the number.
        #[serde(default)]
        consistency_ramp: u64 = Range::Whole(0, STEPS),
        /// With refiner.noise_channels, weight of a reward for differences between R(x, z1) and R(x, z2), so that
        /// R does not ignore z: the mean of |R(x, z1) − R(x, z2)| over pixels for a distance 1 of the noises, as
        /// far as `diversity_bound`. λ then acts on the mean of the two. Without noise it has no effect.
        #[serde(default = "diversity")]
        diversity: f64 = WEIGHT,
        /// The difference, of pixels in [−1, 1] for a distance 1 of the noises, beyond which there is no more
        /// reward. Two draws of z are 1.4 apart.
        #[serde(default = "diversity_bound")]
        diversity_bound: f64 = Range::Number(Limit::Excluding(0.0), Limit::Including(1.0)),
        /// With refiner.holes, what a pixel that R takes for not measured counts in the self-regularization, in place
        /// of its difference: more makes holes fewer.
        #[serde(default = "missing")]
        missing: f64 = WEIGHT,
        /// With refiner.holes, weight of the gap loss: among pixels with the same steps between their neighbours, as
        /// many should be missing as in the real images. ½ the mean over pixels of (f − r)² / (r + 0.02), f and r being
        /// the shares. D alone does not settle how many. It counts in the adversarial phase only. 0 turns it off.
        #[serde(default)]
        gaps: f64 = WEIGHT,
        /// Weight of the film loss, for refined films that do not flicker: the mean of |(R(x') − R(x)) − (x' − x)|
        /// over pixels, x' being the frame after x. The synthetic images must be films: folders of frames, or a
        /// simulator with film_frames. A batch is then one half frames, one half the next ones, and both get the
        /// same noise. 0 turns it off.
        #[serde(default)]
        film: f64 = WEIGHT,
    }
}

/// What runs before these settings had.
const fn plain_weight() -> f64 {
    1.0
}

const fn landmark_radius() -> f64 {
    2.0
}

const WEIGHT: Range = Range::Number(Limit::Including(0.0), Limit::None);

/// [open] As strong as λ would pull pixels back.
fn diversity() -> f64 {
    5.0
}

/// [open] Two draws then differ by 0.1 on average, as far as R moves pixels from the render.
fn diversity_bound() -> f64 {
    0.07
}

/// [open] Far less than a missing pixel differs, so that λ does not forbid it.
fn missing() -> f64 {
    0.02
}

impl LossConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        let all = Self {
            // [open] Measured on eyes, from renders to photographs: at 2, R changed pixels by 0.21 on
            // average, lids and sclera included; at 5, by 0.12, and contrast, blur and grain still
            // transferred.
            lambda: 5.0,
            psi: Psi::Identity, // §2.1: identity unless stated
            psi_model: String::new(),
            adversarial: 1.0,                                // eq. 4
            adversarial_kind: AdversarialLoss::CrossEntropy, // eq. 2 and 3
            landmark_weight: plain_weight(),
            landmark_radius: landmark_radius(),
            consistency: 0.0,
            consistency_model: String::new(),
            consistency_ramp: 0,
            diversity: diversity(),
            diversity_bound: diversity_bound(),
            missing: missing(),
            gaps: 0.0,
            film: 0.0,
        };
        match recipe {
            // [open] Depths stay; holes are as frequent as the sensor's.
            Recipe::Depth => Self { lambda: 60.0, missing: 0.05, gaps: 30.0, ..all },
            Recipe::Demo | Recipe::EyeGaze | Recipe::HandPose => all,
        }
    }

    /// Replaces a 0 that stands for a number of steps, as
    /// [`DiscriminatorSection`](super::DiscriminatorSection) does.
    pub(super) fn settle(&mut self, steps: u64) {
        if self.consistency > 0.0 && self.consistency_ramp == 0 {
            self.consistency_ramp = (steps / 5).max(1);
        }
    }

    /// Returns λ_g after so many steps of the adversarial phase.
    pub(crate) fn consistency_after(&self, steps: u64) -> f64 {
        self.consistency * (steps as f64 / self.consistency_ramp.max(1) as f64).min(1.0)
    }

    /// The weights of pixels around labelled points; `None` if all count the same.
    pub(crate) fn landmarks(&self) -> Option<Landmarks> {
        let landmarks = Landmarks { weight: self.landmark_weight, radius_px: self.landmark_radius };
        (self.landmark_weight != 1.0).then_some(landmarks)
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    let LossConfig { psi, psi_model, .. } = &config.loss;
    let fits = (*psi == Psi::Network) != psi_model.is_empty();
    let allowed = "the folder of a checkpoint with psi = \"network\", and empty without it";
    ConfigError::unless(fits, "loss.psi_model", format!("\"{psi_model}\""), allowed)?;
    let LossConfig { consistency, consistency_model, .. } = &config.loss;
    let fits = (*consistency > 0.0) != consistency_model.is_empty();
    let allowed = "the folder of an estimator with consistency above 0, and empty without it";
    ConfigError::unless(fits, "loss.consistency_model", format!("\"{consistency_model}\""), allowed)?;
    let LossConfig { film, landmark_weight, .. } = config.loss;
    let has_pairs = config.data.batch.is_multiple_of(2) && landmark_weight == 1.0;
    let allowed = "0 (off) unless data.batch is even and loss.landmark_weight is 1";
    ConfigError::unless(film == 0.0 || has_pairs, "loss.film", film, allowed)
}
