use simgan_models::DiscriminatorConfig;
use simgan_settings::{Limit, Range, settings};

use super::{ConfigError, Recipe, STEPS, Section, TrainConfig};

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
        /// Standard deviation, for pixels in [−1, 1], of the Gaussian noise added to every image, real or
        /// refined, before D sees it. It keeps D from separating two sets of images that hardly overlap
        /// (instance noise: Sønderby et al., ICLR 2017; Arjovsky and Bottou, ICLR 2017). It is full in D's
        /// pretraining and falls linearly to 0 in the adversarial phase. 0 turns it off, as in the paper.
        #[serde(default)]
        noise: f64 = Range::Number(Limit::Including(0.0), Limit::None),
        /// Steps of the adversarial phase after which the noise is 0. 0 stands for `schedule.steps` as the
        /// run begins; its config.toml holds the number.
        #[serde(default)]
        noise_steps: u64 = Range::Whole(0, STEPS),
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
        Self { translation: 0, noise: 0.0, noise_steps: 0, network }
    }

    /// Replaces a 0 that stands for a number of steps. `schedule.steps` may change on a resume, so what
    /// depends on it is fixed when the run begins.
    pub(super) fn settle(&mut self, steps: u64) {
        if self.noise > 0.0 && self.noise_steps == 0 {
            self.noise_steps = steps.max(1);
        }
    }

    /// Returns the deviation of the noise after so many steps of the adversarial phase.
    pub(crate) fn noise_after(&self, steps: u64) -> f64 {
        self.noise * (1.0 - steps as f64 / self.noise_steps.max(1) as f64).max(0.0)
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    Ok(config.discriminator.network.check()?)
}
