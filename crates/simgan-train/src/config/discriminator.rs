use std::fmt;

use serde::{Deserialize, Serialize};
use simgan_models::{DiscriminatorConfig, Layer};
use simgan_settings::{Limit, Range, settings};

use super::refiner::RELIEF;
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
        /// How much of an image a decision of D depends on, as a choice of `layers`: "paper" takes the recipe's
        /// layers (23 pixels for eyes), "texture" layers that see 9 pixels, too few for an iris or a fingertip,
        /// so that R cannot please D by moving one; "middle" sees 15. "layers" takes the layers as
        /// `layers` lists them. Setting it replaces the layers of a file; setting both to different layers is an
        /// error.
        #[serde(default)]
        field: Field = Range::OneOf(&["layers", "paper", "middle", "texture"]),
        /// Which patches count in the adversarial loss: "all", as in the paper, or "content", those that show
        /// anything but black or not measured pixels (−1) – of a refined image, those of the synthetic image it was made of.
        /// Where most of an image is empty, as around a hand in depth, D otherwise learns little from most patches,
        /// and R pleases it by removing the hand. An image without content counts whole. The history then
        /// holds one more plane for each image. A global D is not affected.
        #[serde(default)]
        patches: Patches = Range::OneOf(&["all", "content"]),
        .. {
            /// The network.
            #[serde(flatten)]
            network: DiscriminatorConfig,
        }
    }
}

impl DiscriminatorSection {
    pub(super) fn of(recipe: Recipe) -> Self {
        let (network, field, patches) = match recipe {
            Recipe::EyeGaze | Recipe::Demo => {
                (DiscriminatorConfig::eye_gaze(), Field::Layers, Patches::All) // §3.1
            }
            Recipe::HandPose => (DiscriminatorConfig::hand_pose(), Field::Layers, Patches::All), // §3.2
            Recipe::Depth => {
                let network = DiscriminatorConfig { relief: RELIEF, ..DiscriminatorConfig::middle() };
                (network, Field::Middle, Patches::Content) // most of a depth image is empty
            }
        };
        Self { translation: 0, noise: 0.0, noise_steps: 0, field, patches, network }
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

    /// Brings field and layers together after new values for them: a field chooses the layers; layers of their
    /// own, without a field, are what they say.
    ///
    /// # Errors
    /// Both are new, and they are not the same layers.
    pub(super) fn settle_field(
        &mut self,
        recipe: Recipe,
        [is_field_new, are_layers_new]: [bool; 2],
    ) -> Result<(), ConfigError> {
        let chosen = self.field.layers(recipe).filter(|layers| *layers != self.network.layers);
        match (chosen, is_field_new, are_layers_new) {
            (Some(_), true, true) => {
                let allowed = "\"layers\", since discriminator.layers lists other layers; set one of the two";
                ConfigError::unless(false, "discriminator.field", format!("\"{}\"", self.field), allowed)
            }
            (Some(_), false, true) => {
                self.field = Field::Layers;
                Ok(())
            }
            (Some(layers), true, false) => {
                self.network.layers = layers;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// `discriminator.field`: a choice of D's layers by how much of an image they see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// Whatever `discriminator.layers` lists.
    #[default]
    Layers,
    /// The recipe's layers.
    Paper,
    /// [`DiscriminatorConfig::middle`].
    Middle,
    /// [`DiscriminatorConfig::texture`].
    Texture,
}

/// `discriminator.patches`: which patches count in the adversarial loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Patches {
    /// All of them.
    #[default]
    All,
    /// Those that show something.
    Content,
}

impl Field {
    /// The layers that it chooses; `None` if they are listed.
    fn layers(self, recipe: Recipe) -> Option<Vec<Layer>> {
        let chosen = match self {
            Self::Layers => return None,
            Self::Paper => DiscriminatorSection::of(recipe).network,
            Self::Middle => DiscriminatorConfig::middle(),
            Self::Texture => DiscriminatorConfig::texture(),
        };
        Some(chosen.layers)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Layers => "layers",
            Self::Paper => "paper",
            Self::Middle => "middle",
            Self::Texture => "texture",
        })
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    Ok(config.discriminator.network.check()?)
}
