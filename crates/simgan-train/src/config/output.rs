use simgan_settings::{Range, settings, zero_is_off};

use super::{Recipe, STEPS, Section};

pub(super) const SECTION: Section = Section::new("output", OutputConfig::DOC, &[OutputConfig::SETTINGS]);

settings! {
    /// What a run writes, and how often. Intervals are in steps, counted over all phases.
    #[derive(Clone, Debug, PartialEq)]
    pub struct OutputConfig {
        /// Steps between two lines of metrics.jsonl.
        log_every: u64 = Range::Whole(1, STEPS),
        /// Steps between two sample grids; 0 writes only the last.
        #[serde(with = "zero_is_off")]
        sample_every: Option<u64> = Range::Off(&Range::Whole(1, STEPS)),
        /// Steps between two checkpoints; 0 writes only the last.
        #[serde(with = "zero_is_off")]
        checkpoint_every: Option<u64> = Range::Off(&Range::Whole(1, STEPS)),
        /// Number of newest checkpoints to keep.
        keep_last: usize = Range::Whole(1, STEPS),
        /// Checkpoints at multiples of this step are kept for ever; 0 keeps none.
        #[serde(with = "zero_is_off")]
        keep_every: Option<u64> = Range::Off(&Range::Whole(1, STEPS)),
    }
}

impl OutputConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        match recipe {
            Recipe::EyeGaze | Recipe::HandPose => Self {
                log_every: 10,
                sample_every: Some(250),
                checkpoint_every: Some(500),
                keep_last: 2,
                keep_every: Some(2_500),
            },
            Recipe::Demo | Recipe::Depth => Self {
                log_every: 5,
                sample_every: Some(100),
                checkpoint_every: Some(100),
                keep_last: 2,
                keep_every: None,
            },
        }
    }
}
