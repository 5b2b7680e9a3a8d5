use serde::{Deserialize, Serialize};

use super::{ConfigError, OptimizerConfig, OptimizerKind, Recipe, Section, TrainConfig};

pub(super) const REFINER: Section =
    Section::new("optim.refiner", "How R's weights follow their gradients.", &[OptimizerConfig::SETTINGS]);
pub(super) const DISCRIMINATOR: Section = Section::new(
    "optim.discriminator",
    "How D's weights follow their gradients.",
    &[OptimizerConfig::SETTINGS],
);

/// `[optim]`: one optimizer for each network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// For R.
    pub refiner: OptimizerConfig,
    /// For D.
    pub discriminator: OptimizerConfig,
}

impl OptimConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        let eye_gaze = OptimizerConfig {
            // Algorithm 1 says SGD, on a loss summed over the map's 126 patches: a rate of 0.126 on the mean, at which
            // R's pretraining oscillates at a mean |R(x) − x| of 0.1 to 0.2. Adam's steps do not depend on the loss's
            // scale.
            kind: OptimizerKind::Adam,
            lr: 0.001,           // §3.1
            momentum: 0.0,       // [open] Algorithm 1 says nothing of momentum
            betas: [0.5, 0.999], // usual for adversarial training
            clip_norm: None,
            lr_steps: Vec::new(), // §3.1: constant
        };
        match recipe {
            Recipe::EyeGaze => Self { refiner: eye_gaze.clone(), discriminator: eye_gaze },
            Recipe::Demo => {
                let refiner = OptimizerConfig { lr: 0.0005, ..eye_gaze };
                let discriminator = OptimizerConfig {
                    lr: 4.0 * refiner.lr, // with equal rates D stays too weak to change anything in so few steps
                    ..refiner.clone()
                };
                Self { refiner, discriminator }
            }
            Recipe::HandPose => {
                let optimizer = OptimizerConfig {
                    lr: 0.0002,                         // §3.2
                    lr_steps: vec![(600_000, 0.00005)], // §3.2
                    ..eye_gaze
                };
                Self { refiner: optimizer.clone(), discriminator: optimizer }
            }
        }
    }
}

/// Refuses single values that were asked for but would have no effect.
pub(super) fn refuse_idle<'a>(
    config: &TrainConfig,
    keys: impl Iterator<Item = &'a str>,
) -> Result<(), ConfigError> {
    for key in keys {
        let (optim, name) = match key.strip_prefix("optim.").and_then(|rest| rest.split_once('.')) {
            Some(("refiner", name)) => (&config.optim.refiner, name),
            Some((_, name)) => (&config.optim.discriminator, name),
            None => continue,
        };
        let (other, is_idle) = match optim.kind {
            OptimizerKind::Adam => ("sgd", name == "momentum"),
            OptimizerKind::Sgd => ("adam", name == "betas"),
        };
        let allowed = format!("it belongs to kind = \"{other}\" of the same section");
        ConfigError::unless(!is_idle, key, "set", &allowed)?;
    }
    Ok(())
}
