use simgan_losses::{AdversarialLoss, Psi};
use simgan_settings::{Limit, Range, settings};
use toml::Value;

use super::{ConfigError, Recipe, Section, TrainConfig};

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
        /// The adversarial loss of both networks, on a patch's score s = logit of "real" − logit of "refined".
        /// "cross-entropy" is the paper's (eq. 2 and 3). "least-squares" draws s of real images to 1 and of refined
        /// ones to −1 (LSGAN: Mao et al., ICCV 2017). "hinge" leaves D no gradient beyond these values, and R
        /// raises s without limit (Lim and Ye, 2017).
        #[serde(default)]
        adversarial_kind: AdversarialLoss = Range::OneOf(&["cross-entropy", "least-squares", "hinge"]),
    }
}

const WEIGHT: Range = Range::Number(Limit::Including(0.0), Limit::None);

impl LossConfig {
    pub(super) fn of(_: Recipe) -> Self {
        Self {
            // [open] Measured on eyes, from renders to photographs: at 2, R changed pixels by 0.21 on
            // average, lids and sclera included; at 5, by 0.12, and contrast, blur and grain still
            // transferred.
            lambda: 5.0,
            psi: Psi::Identity, // §2.1: identity unless stated
            psi_model: String::new(),
            adversarial: 1.0,                                // eq. 4
            adversarial_kind: AdversarialLoss::CrossEntropy, // eq. 2 and 3
        }
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    let LossConfig { psi, psi_model, .. } = &config.loss;
    let fits = (*psi == Psi::Network) != psi_model.is_empty();
    let allowed = "the folder of a checkpoint with psi = \"network\", and empty without it";
    ConfigError::unless(fits, "loss.psi_model", format!("\"{psi_model}\""), allowed)
}
