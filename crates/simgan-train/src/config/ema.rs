use simgan_settings::{Range, settings, zero_is_off};

use super::{Recipe, Section};

pub(super) const SECTION: Section = Section::new("ema", EmaConfig::DOC, &[EmaConfig::SETTINGS]);

settings! {
    /// A running average of R's weights, which v2 of the paper calls complementary to the history.
    #[derive(Clone, Debug, PartialEq)]
    pub struct EmaConfig {
        /// How much of the average stays at each step; 0 turns it off. When on, a checkpoint's refiner.safetensors and
        /// the sample grids are the average's.
        #[serde(with = "zero_is_off")]
        decay: Option<f64> = Range::Off(&Range::FRACTION),
    }
}

impl EmaConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        let decay = match recipe {
            Recipe::EyeGaze | Recipe::HandPose => None, // v2 mentions it without using it
            Recipe::Demo => Some(0.98), // 50 steps: evens out what single steps of so short a run leave behind
        };
        Self { decay }
    }
}
