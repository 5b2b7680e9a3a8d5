use serde::{Deserialize, Serialize};

use super::{ConfigError, OptimizerConfig, OptimizerKind, Recipe, Section, TrainConfig};

pub(super) const REFINER: Section =
    Section::new("optim.refiner", "R's optimizer.", &[OptimizerConfig::SETTINGS]);
pub(super) const DISCRIMINATOR: Section =
    Section::new("optim.discriminator", "D's optimizer.", &[OptimizerConfig::SETTINGS]);

/// `[optim]`: an optimizer for each network.
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
            // Algorithm 1 uses SGD on a loss summed over the map's 126 patches, which equals a rate of 0.126
            // on our mean. At that rate R's pretraining oscillates at a mean |R(x) − x| of 0.1 to 0.2. Adam's
            // steps do not depend on the loss's scale.
            kind: OptimizerKind::Adam,
            lr: 0.001,           // §3.1
            momentum: 0.0,       // [open] Algorithm 1 does not mention momentum
            betas: [0.5, 0.999], // usual for adversarial training
            clip_norm: None,
            lr_steps: Vec::new(), // §3.1: constant
        };
        match recipe {
            Recipe::EyeGaze => Self { refiner: eye_gaze.clone(), discriminator: eye_gaze },
            Recipe::Demo => {
                let refiner = OptimizerConfig { lr: 0.0005, ..eye_gaze };
                let discriminator = OptimizerConfig {
                    lr: 4.0 * refiner.lr, // at equal rates D stays too weak to affect R in so few steps
                    ..refiner.clone()
                };
                Self { refiner, discriminator }
            }
            Recipe::Depth => {
                let of = |last| OptimizerConfig { lr_steps: vec![(300, last)], ..eye_gaze.clone() };
                // The relief lets D win: at twice the rate R only takes pixels away.
                Self { refiner: of(0.0003), discriminator: of(0.0005) }
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

/// Rejects explicitly set values that the chosen optimizer ignores. `keys` are those set one by one; a file
/// may hold idle values, since every complete configuration does.
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
