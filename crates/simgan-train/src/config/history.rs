use simgan_settings::{Range, settings, zero_is_off};

use super::{ConfigError, Recipe, Section, TrainConfig};

pub(super) const SECTION: Section = Section::new("history", HistoryConfig::DOC, &[HistoryConfig::SETTINGS]);

settings! {
    /// Images from earlier states of R, which make up half of D's refined batch (§2.3).
    #[derive(Clone, Debug, PartialEq)]
    pub struct HistoryConfig {
        /// Size B of the history, in images; at least half of `data.batch`. 0 turns the history off.
        #[serde(with = "zero_is_off")]
        capacity: Option<usize> = Range::Off(&Range::Whole(1, 10_000_000)),
    }
}

impl HistoryConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        let capacity = match recipe {
            // [open] ten batches: an image stays for 20 steps on average, and checkpoints stay small
            Recipe::EyeGaze => 5_120,
            Recipe::Demo | Recipe::Depth => 512, // 32 and 16 steps on average, to match the short runs
            Recipe::HandPose => 320,             // [open] ten batches
        };
        Self { capacity: Some(capacity) }
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    let Some(capacity) = config.history.capacity else { return Ok(()) };
    let allowed = "0 (off), or from half of data.batch to 10000000 images";
    ConfigError::unless(capacity >= config.data.batch / 2, "history.capacity", capacity, allowed)
}
