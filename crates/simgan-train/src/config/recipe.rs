use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use simgan_data::{Crop, Fit, OnError, Size};
use simgan_models::{DiscriminatorConfig, RefinerConfig};

use super::{
    Border, CONFIG_VERSION, ConfigError, DataConfig, DataSize, DiscriminatorNet, EmaConfig, HistoryConfig,
    LossConfig, OptimConfig, OptimizerConfig, OptimizerKind, OutputConfig, Psi, RefinerNet, ScheduleConfig,
    SelectionConfig, TrainConfig,
};

/// A named starting point for a [`TrainConfig`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// A small refiner and few steps: minutes on two cores.
    #[default]
    Demo,
    /// The paper's gaze experiment (§3.1).
    EyeGaze,
    /// The paper's hand pose experiment (§3.2).
    HandPose,
}

impl Recipe {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Demo, Self::EyeGaze, Self::HandPose];

    /// The recipe's complete configuration.
    #[must_use]
    pub fn config(self) -> TrainConfig {
        match self {
            Self::Demo => demo(),
            Self::EyeGaze => eye_gaze(),
            Self::HandPose => hand_pose(),
        }
    }

    /// As it is written in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
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

/// §3.1. What the paper leaves open is marked `[open]` with the reason for the choice.
fn eye_gaze() -> TrainConfig {
    let optimizer = OptimizerConfig {
        // Algorithm 1 says SGD, on a loss summed over the map's 126 patches: a rate of 0.126 on the mean, at which R's
        // pretraining oscillates at a mean |R(x) − x| of 0.1 to 0.2. Adam's steps do not depend on the loss's scale.
        kind: OptimizerKind::Adam,
        lr: 0.001,           // §3.1
        momentum: 0.0,       // [open] Algorithm 1 says nothing of momentum
        betas: [0.5, 0.999], // usual for adversarial training
        clip_norm: 0.0,
        lr_steps: Vec::new(), // §3.1: constant
    };
    TrainConfig {
        version: CONFIG_VERSION,
        recipe: Recipe::EyeGaze,
        seed: 0,
        data: DataConfig {
            synthetic: vec!["builtin:eyes".to_owned()],
            real: vec!["builtin:camera".to_owned()],
            size: DataSize::Pixels(Size { width: 55, height: 35 }), // §3.1
            crop: Crop::Auto,
            fit: Fit::Cover, // [open] keeps the eye's shape
            channels: 1,     // §3.1: gray
            batch: 512,      // §3.1
            workers: 2,
            on_error: OnError::Fail,
        },
        refiner: RefinerNet {
            features: 64,              // §3.1
            blocks: 4,                 // §3.1
            kernel: 3,                 // §3.1
            stem_kernel: 3,            // §3.1
            border: Border::Replicate, // [open] zeros paint a frame on every refined image
        },
        discriminator: discriminator(DiscriminatorConfig::eye_gaze()), // §3.1
        loss: LossConfig {
            // [open] Renders towards photographs of eyes: at 2, R changed pixels by 0.21 on average, lids and whites of the
            // eye with them; at 5 by 0.12, and contrast, blur and grain arrived all the same.
            lambda: 5.0,
            psi: Psi::Identity, // §2.1: identity unless stated
            psi_model: String::new(),
            adversarial: 1.0, // eq. 4
        },
        history: HistoryConfig {
            capacity: 5_120, // [open] ten batches: an image stays for 20 steps on average, a checkpoint stays small
        },
        schedule: ScheduleConfig {
            pretrain_refiner: 1_000,     // §3.1
            pretrain_discriminator: 200, // §3.1
            steps: 10_000,               // [open]
            k_g: 2, // §3.1 [open]: "update R twice" and "K_g is set to 50" in one sentence; 2, as in §3.2
            k_d: 1, // §3.1
        },
        optim: OptimConfig { refiner: optimizer.clone(), discriminator: optimizer },
        ema: EmaConfig { decay: 0.0 }, // v2 mentions it without using it
        selection: SelectionConfig::default(),
        output: OutputConfig {
            log_every: 10,
            sample_every: 250,
            checkpoint_every: 500,
            keep_last: 2,
            keep_every: 2_500,
        },
    }
}

/// §3.2, on 224 × 224 depth images.
fn hand_pose() -> TrainConfig {
    let base = eye_gaze();
    let RefinerConfig { features, blocks, kernel, stem_kernel, .. } = RefinerConfig::hand_pose();
    let optimizer = OptimizerConfig {
        lr: 0.0002,                         // §3.2
        lr_steps: vec![(600_000, 0.00005)], // §3.2
        ..base.optim.refiner.clone()
    };
    TrainConfig {
        recipe: Recipe::HandPose,
        data: DataConfig {
            size: DataSize::Pixels(Size { width: 224, height: 224 }), // §3.2
            batch: 32,                                                // [open] what a GPU holds at this size
            ..base.data
        },
        // §3.2: filter size 7 × 7 and 10 blocks; [open] whether 7 × 7 is the first convolution's only, as read here
        refiner: RefinerNet { features, blocks, kernel, stem_kernel, ..base.refiner },
        discriminator: discriminator(DiscriminatorConfig::hand_pose()), // §3.2
        history: HistoryConfig { capacity: 320 },                       // [open] ten batches
        schedule: ScheduleConfig {
            pretrain_refiner: 500,       // §3.2
            pretrain_discriminator: 200, // §3.2; a caption says 300
            steps: 800_000,              // [open] beyond the learning rate's step at 600,000
            k_g: 2,                      // §3.2
            k_d: 1,                      // §3.2
        },
        optim: OptimConfig { refiner: optimizer.clone(), discriminator: optimizer },
        ..base
    }
}

/// The eye-gaze setting, shrunk to minutes on two cores.
fn demo() -> TrainConfig {
    let base = eye_gaze();
    let refiner = OptimizerConfig { lr: 0.0005, ..base.optim.refiner.clone() };
    let discriminator = OptimizerConfig {
        lr: 4.0 * refiner.lr, // with equal rates D stays too weak to change anything in so few steps
        ..refiner.clone()
    };
    TrainConfig {
        recipe: Recipe::Demo,
        data: DataConfig { size: DataSize::Source, batch: 32, ..base.data },
        refiner: RefinerNet { features: 32, blocks: 3, ..base.refiner },
        history: HistoryConfig { capacity: 512 }, // 32 steps on average, as long as such a run has phases
        ema: EmaConfig { decay: 0.98 }, // 50 steps: evens out what single steps of so short a run leave behind
        schedule: ScheduleConfig {
            pretrain_refiner: 100,
            pretrain_discriminator: 50,
            steps: 400,
            k_g: 1,
            k_d: 1,
        },
        optim: OptimConfig { refiner, discriminator },
        output: OutputConfig {
            log_every: 5,
            sample_every: 100,
            checkpoint_every: 100,
            keep_last: 2,
            keep_every: 0,
        },
        ..base
    }
}

fn discriminator(config: DiscriminatorConfig) -> DiscriminatorNet {
    DiscriminatorNet { layers: config.layers, local: config.local, border: Border::Zeros, translation: 0 }
}
