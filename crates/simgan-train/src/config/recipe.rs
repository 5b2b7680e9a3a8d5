use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{
    CONFIG_VERSION, ComputeConfig, ConfigError, DataConfig, DiscriminatorSection, EmaConfig, HistoryConfig,
    LossConfig, OptimConfig, OutputConfig, ScheduleConfig, SelectionConfig, StartConfig, TrainConfig,
    refiner,
};

/// A named starting point for a [`TrainConfig`].
///
/// Each section's file gives its values for every recipe, with their place in the paper. Values that the
/// paper leaves open are marked `[open]`, with the reason for the choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// A small refiner and few steps: minutes on two cores.
    #[default]
    Demo,
    /// A small refiner of depth images, which learns which pixels a sensor misses: minutes on two cores.
    Depth,
    /// The paper's gaze experiment (§3.1).
    EyeGaze,
    /// The paper's hand pose experiment (§3.2).
    HandPose,
}

impl Recipe {
    /// All recipes.
    pub const ALL: [Self; 4] = [Self::Demo, Self::Depth, Self::EyeGaze, Self::HandPose];

    /// Returns the recipe's complete configuration.
    #[must_use]
    pub fn config(self) -> TrainConfig {
        TrainConfig {
            version: CONFIG_VERSION,
            recipe: self,
            seed: 0,
            data: DataConfig::of(self),
            start: StartConfig::default(),
            refiner: refiner::of(self),
            discriminator: DiscriminatorSection::of(self),
            loss: LossConfig::of(self),
            history: HistoryConfig::of(self),
            schedule: ScheduleConfig::of(self),
            optim: OptimConfig::of(self),
            ema: EmaConfig::of(self),
            selection: SelectionConfig::of(self),
            compute: ComputeConfig::default(),
            output: OutputConfig::of(self),
        }
    }

    /// Returns the name used in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Depth => "depth",
            Self::EyeGaze => "eye-gaze",
            Self::HandPose => "hand-pose",
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Recipe {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let found = Self::ALL.into_iter().find(|recipe| recipe.name() == name);
        found.ok_or_else(|| ConfigError::UnknownRecipe { name: name.to_owned() })
    }
}
