use simgan_models::DiscriminatorConfig;
use simgan_settings::{Range, settings};

use super::{ConfigError, Recipe, Section, TrainConfig};

pub(super) const SECTION: Section = Section::new(
    "discriminator",
    DiscriminatorConfig::DOC,
    &[DiscriminatorConfig::SETTINGS, DiscriminatorSection::SETTINGS],
);

settings! {
    /// The discriminator D and the augmentation of its input.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DiscriminatorSection {
        /// Maximum random shift, in pixels along each axis, of every image, real or refined, before D sees
        /// it. It keeps D from judging by position and from memorising a small set of real images
        /// (differentiable augmentation: Zhao, Liu, Lin, Zhu and Han, NeurIPS 2020). 0 turns it off, as in
        /// the paper.
        #[serde(default)]
        translation: usize = Range::Whole(0, 4096),
        .. {
            /// The network.
            #[serde(flatten)]
            network: DiscriminatorConfig,
        }
    }
}

impl DiscriminatorSection {
    pub(super) fn of(recipe: Recipe) -> Self {
        let network = match recipe {
            Recipe::EyeGaze | Recipe::Demo => DiscriminatorConfig::eye_gaze(), // §3.1
            Recipe::HandPose => DiscriminatorConfig::hand_pose(),              // §3.2
        };
        Self { translation: 0, network }
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    Ok(config.discriminator.network.check()?)
}
