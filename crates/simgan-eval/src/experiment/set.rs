use std::fmt;

use serde::{Deserialize, Serialize};
use simgan_train::{Channels, Field, LossConfig, TrainConfig};

use super::Variant;
use crate::EvalError;

/// Factor by which λ is divided and multiplied.
const LAMBDA_FACTOR: f64 = 4.0;
/// Updates of R per update of D. §3.1 is ambiguous: "update R twice" and "K_g is set to 50" in one sentence.
const K_G: [usize; 3] = [1, 2, 5];

/// The deviation of the noise that is compared with none, unless the configuration names one.
const NOISE: f64 = 0.1;

/// The weight around labelled points that is compared with 1, unless the configuration names one.
const LANDMARK_WEIGHT: f64 = 4.0;

/// A set of variants to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariantSet {
    /// The configuration as given.
    Refine,
    /// With and without the history of refined images (§2.3).
    History,
    /// Local against global adversarial loss (§2.2).
    Local,
    /// λ/4, λ and 4λ (eq. 4).
    Lambda,
    /// The feature transforms ψ (§2.1) that need no network; mean-color only for colour images.
    Psi,
    /// Updates of R per update of D (§3.1).
    KG,
    /// The adversarial losses: cross-entropy, least squares, hinge.
    Adversarial,
    /// Without and with spectral norms in D.
    SpectralNorm,
    /// Without and with noise on what D sees.
    Noise,
    /// All pixels alike against those around labelled points first in the self-regularization.
    Landmarks,
    /// Without and with the task consistency.
    Consistency,
    /// How much of an image D's decisions depend on: the paper's layers, a middle and a small field.
    Field,
}

impl VariantSet {
    /// Returns the variants: each overrides a few settings of `base`.
    ///
    /// # Errors
    ///
    /// If `base` lacks what a variant would change: a history, a λ above 0, or an estimator for the task
    /// consistency.
    pub(crate) fn variants(self, base: &TrainConfig) -> Result<Vec<Variant>, EvalError> {
        let LossConfig { lambda, landmark_weight, consistency, .. } = base.loss;
        Ok(match self {
            Self::Refine => vec![Variant::new("refined", [])],
            Self::History if base.history.capacity.is_none() => {
                let reason = "history.capacity is 0, so there is no history to go without".to_owned();
                return Err(EvalError::Impossible { reason, hint: "set history.capacity" });
            }
            Self::History => vec![
                Variant::new("history", []),
                Variant::new("no-history", ["history.capacity=0".to_owned()]),
            ],
            Self::Local => vec![
                Variant::new("local", ["discriminator.local=true".to_owned()]),
                Variant::new("global", ["discriminator.local=false".to_owned()]),
            ],
            Self::Lambda if lambda == 0.0 => {
                let reason = "loss.lambda is 0, and so is any part of it".to_owned();
                return Err(EvalError::Impossible { reason, hint: "set loss.lambda" });
            }
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
            Self::Adversarial => ["cross-entropy", "least-squares", "hinge"]
                .map(|kind| Variant::new(kind, [format!("loss.adversarial_kind={kind}")]))
                .into(),
            Self::SpectralNorm => vec![
                Variant::new("plain", ["discriminator.spectral_norm=false".to_owned()]),
                Variant::new("spectral-norm", ["discriminator.spectral_norm=true".to_owned()]),
            ],
            Self::Landmarks => {
                two("landmark-weight", "loss.landmark_weight", 1.0, landmark_weight, LANDMARK_WEIGHT)
            }
            Self::Consistency if consistency == 0.0 => {
                let reason = "loss.consistency is 0, so there is no estimator to agree with".to_owned();
                let hint = "set loss.consistency, and loss.consistency_model to the folder of an estimator";
                return Err(EvalError::Impossible { reason, hint });
            }
            Self::Consistency => {
                let off = ["loss.consistency=0.0".to_owned(), "loss.consistency_model=".to_owned()];
                vec![
                    Variant::new("consistency-0", off),
                    Variant::new(format!("consistency-{consistency}"), []),
                ]
            }
            Self::Noise => two("noise", "discriminator.noise", 0.0, base.discriminator.noise, NOISE),
            Self::Field => fields(),
        })
    }

    /// Its name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refine => "refine",
            Self::History => "history",
            Self::Local => "local",
            Self::Lambda => "lambda",
            Self::Psi => "psi",
            Self::KG => "k-g",
            Self::Adversarial => "adversarial",
            Self::SpectralNorm => "spectral-norm",
            Self::Noise => "noise",
            Self::Landmarks => "landmarks",
            Self::Consistency => "consistency",
            Self::Field => "field",
        }
    }
}

impl fmt::Display for VariantSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Compares the value `off` of a setting with the configured one or, if that is off too, with `usual`.
fn two(name: &str, key: &str, off: f64, configured: f64, usual: f64) -> Vec<Variant> {
    let on = if configured > off { configured } else { usual };
    [off, on].map(|value| Variant::new(format!("{name}-{value}"), [format!("{key}={value:?}")])).into()
}

fn fields() -> Vec<Variant> {
    let of = |field: Field| Variant::new(format!("field-{field}"), [format!("discriminator.field={field}")]);
    [Field::Paper, Field::Middle, Field::Texture].map(of).into()
}

fn transforms(channels: Channels) -> &'static [&'static str] {
    if channels == Channels::Rgb {
        &["identity", "derivatives", "mean-color"]
    } else {
        &["identity", "derivatives"]
    }
}

#[cfg(test)]
mod tests {
    use simgan_train::Recipe;

    use super::*;

    fn base(settings: &[&str]) -> TrainConfig {
        let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
        TrainConfig::resolve(Some(Recipe::Demo), None, &settings).unwrap()
    }

    /// Each variant's name, with what of the configuration differs from `base`.
    fn differences(set: VariantSet, base: &TrainConfig) -> Vec<String> {
        let of_variant = |variant: Variant| {
            let config = TrainConfig::resolve(None, Some(&base.resolved()), &variant.settings).unwrap();
            let (before, now) = (base.resolved(), config.resolved());
            let lines = before.lines().zip(now.lines()).filter(|(before, now)| before != now);
            let lines: Vec<_> = lines.map(|(_, now)| now).collect();
            format!("{}: {}", variant.name, lines.join(", "))
        };
        set.variants(base).unwrap().into_iter().map(of_variant).collect()
    }

    #[test]
    fn variants_differ_in_one_setting() {
        let demo = base(&[]);
        assert_eq!(differences(VariantSet::Refine, &demo), ["refined: "]);
        assert_eq!(differences(VariantSet::History, &demo), ["history: ", "no-history: capacity = 0"]);
        assert_eq!(differences(VariantSet::Local, &demo), ["local: ", "global: local = false"]);
        let lambdas = ["lambda-1.25: lambda = 1.25", "lambda-5: ", "lambda-20: lambda = 20.0"];
        assert_eq!(differences(VariantSet::Lambda, &demo), lambdas);
        assert_eq!(differences(VariantSet::KG, &demo), ["k-g-1: ", "k-g-2: k_g = 2", "k-g-5: k_g = 5"]);
        let transforms = ["psi-identity: ", "psi-derivatives: psi = \"derivatives\""];
        assert_eq!(differences(VariantSet::Psi, &demo), transforms);
        let kinds = ["cross-entropy: ", "least-squares: ", "hinge: "];
        let kinds = kinds.map(|name| match name.trim_end_matches(": ") {
            "cross-entropy" => name.to_owned(),
            kind => format!("{name}adversarial_kind = \"{kind}\""),
        });
        assert_eq!(differences(VariantSet::Adversarial, &demo), kinds);
        let norms = ["plain: ", "spectral-norm: spectral_norm = true"];
        assert_eq!(differences(VariantSet::SpectralNorm, &demo), norms);
        // Over all steps of the phase, unless the configuration says otherwise.
        let noise = ["noise-0: ", "noise-0.1: noise = 0.1, noise_steps = 400"];
        assert_eq!(differences(VariantSet::Noise, &demo), noise);
        let weights = ["landmark-weight-1: ", "landmark-weight-4: landmark_weight = 4.0"];
        assert_eq!(differences(VariantSet::Landmarks, &demo), weights);
        let judged = base(&["loss.consistency=3", "loss.consistency_model=eyes"]);
        let without = "consistency-0: consistency = 0.0, consistency_model = \"\"";
        assert_eq!(differences(VariantSet::Consistency, &judged), [without, "consistency-3: "]);
        let colour = differences(VariantSet::Psi, &base(&["data.channels=3"]));
        assert_eq!(colour[2], "psi-mean-color: psi = \"mean-color\"");
    }

    #[test]
    fn fields_are_three() {
        let demo = base(&["discriminator.layers=[{conv={kernel=5, stride=1, features=4}}]"]);
        let fields = VariantSet::Field.variants(&demo).unwrap().into_iter().map(|variant| {
            let config = TrainConfig::resolve(None, Some(&demo.resolved()), &variant.settings).unwrap();
            (variant.name, config.discriminator.network.field_px())
        });
        let expected = [("field-paper", 23), ("field-middle", 15), ("field-texture", 9)];
        assert!(fields.eq(expected.map(|(name, field)| (name.to_owned(), field))));
    }

    #[test]
    fn what_is_not_there_cannot_be_left_out() {
        let told = |set: VariantSet, setting| set.variants(&base(&[setting])).unwrap_err().to_string();
        assert!(told(VariantSet::History, "history.capacity=0").contains("history.capacity is 0"));
        assert!(told(VariantSet::Consistency, "seed=1").contains("loss.consistency is 0"));
        assert!(told(VariantSet::Lambda, "loss.lambda=0").contains("loss.lambda is 0"));
    }
}
