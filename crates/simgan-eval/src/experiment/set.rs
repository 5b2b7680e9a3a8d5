use std::fmt;

use serde::{Deserialize, Serialize};
use simgan_train::{LossConfig, TrainConfig};

use super::Variant;
use crate::EvalError;

/// λ is divided and multiplied by this.
const LAMBDA_FACTOR: f64 = 4.0;
/// Updates of R for one of D: §3.1 says "update R twice" and "K_g is set to 50" in one sentence.
const K_G: [usize; 3] = [1, 2, 5];

/// Which variants are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariantSet {
    /// The configuration as it is.
    Refine,
    /// With the history of refined images and without (§2.3).
    History,
    /// Local against global adversarial loss (§2.2).
    Local,
    /// λ, a quarter and four times of it (eq. 4).
    Lambda,
    /// The feature transforms ψ (§2.1) that need no network: mean-color where there are colours.
    Psi,
    /// Updates of R for one of D (§3.1).
    KG,
}

impl VariantSet {
    /// The variants: each is `base` with a few settings over it.
    ///
    /// # Errors
    ///
    /// If `base` has not got what is to be left out.
    pub fn variants(self, base: &TrainConfig) -> Result<Vec<Variant>, EvalError> {
        let LossConfig { lambda, .. } = base.loss;
        Ok(match self {
            Self::Refine => vec![Variant::new("refined", [])],
            Self::History if base.history.capacity == 0 => {
                return Err(EvalError::Mismatch(
                    "history.capacity is 0, so there is no history to go without (hint: set it)".into(),
                ));
            }
            Self::History => vec![
                Variant::new("history", []),
                Variant::new("no-history", ["history.capacity=0".to_owned()]),
            ],
            Self::Local => vec![
                Variant::new("local", ["discriminator.local=true".to_owned()]),
                Variant::new("global", ["discriminator.local=false".to_owned()]),
            ],
            Self::Lambda => [lambda / LAMBDA_FACTOR, lambda, lambda * LAMBDA_FACTOR]
                .map(|lambda| Variant::new(format!("lambda-{lambda}"), [format!("loss.lambda={lambda:?}")]))
                .into(),
            Self::Psi => transforms(base.data.channels)
                .iter()
                .map(|psi| {
                    let settings = [format!("loss.psi={psi}"), "loss.psi_model=".to_owned()];
                    Variant::new(format!("psi-{psi}"), settings)
                })
                .collect(),
            Self::KG => {
                K_G.map(|k_g| Variant::new(format!("k-g-{k_g}"), [format!("schedule.k_g={k_g}")])).into()
            }
        })
    }

    /// As it stands in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refine => "refine",
            Self::History => "history",
            Self::Local => "local",
            Self::Lambda => "lambda",
            Self::Psi => "psi",
            Self::KG => "k-g",
        }
    }
}

impl fmt::Display for VariantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn transforms(channels: usize) -> &'static [&'static str] {
    if channels == 3 { &["identity", "derivatives", "mean-color"] } else { &["identity", "derivatives"] }
}
