use simgan_settings::{Limit, Range, settings, zero_is_off};

use super::{Recipe, Section};

pub(super) const SECTION: Section = Section::new("ema", EmaConfig::DOC, &[EmaConfig::SETTINGS]);

settings! {
    /// Running average of R's weights, which v2 of the paper calls complementary to the history.
    #[derive(Clone, Debug, PartialEq)]
    pub struct EmaConfig {
        /// Fraction of the average kept at each update of R; 0 turns averaging off. With averaging on, a
        /// checkpoint's refiner.safetensors and the sample grids use the averaged weights.
        #[serde(with = "zero_is_off")]
        decay: Option<f64> = Range::Off(&Range::Number(Limit::Excluding(0.0), Limit::Excluding(1.0))),
    }
}

impl EmaConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        let decay = match recipe {
            Recipe::EyeGaze | Recipe::HandPose => None, // v2 mentions it without using it
            Recipe::Depth => Some(0.99),                // over about 100 steps
            Recipe::Demo => Some(0.98), // averages over about 50 steps: so short a run ends with noisy weights
        };
        Self { decay }
    }
}
