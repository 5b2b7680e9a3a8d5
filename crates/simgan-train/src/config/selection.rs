use simgan_settings::{Range, settings, zero_is_off};

use super::{Recipe, STEPS, Section};

pub(super) const SECTION: Section =
    Section::new("selection", SelectionConfig::DOC, &[SelectionConfig::SETTINGS]);

settings! {
    /// How the best checkpoint is chosen: among those that preserve labels within the limits, it is the one whose
    /// refined images a fresh classifier can least tell from real ones. Labels of real images are never used.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SelectionConfig {
        /// Steps between two judgements in the adversarial phase, each of a checkpoint of its own; the last step is
        /// judged too. 0 turns the selection off.
        #[serde(with = "zero_is_off")]
        every: Option<u64> = Range::Off(&Range::Whole(1, STEPS)),
        /// Maximum number of synthetic and of real images judged; the same ones every time.
        images: usize = Range::Whole(16, 100_000),
        /// Largest mean distance that pupils may move, in pixels of a 55-pixel-wide eye.
        max_shift_px: f64 = LIMIT,
        /// Largest mean signed movement of pupils along an axis, in pixels of a 55-pixel-wide eye.
        max_drift_px: f64 = LIMIT,
        /// Largest mean |R(x) − x|, of pixels in [−1, 1]. Counts only where synthetic images have no landmarks of an
        /// iris.
        max_change: f64 = LIMIT,
    }
}

const LIMIT: Range = Range::above(0.0);

impl SelectionConfig {
    pub(super) fn of(_: Recipe) -> Self {
        Self::default()
    }
}

impl Default for SelectionConfig {
    /// Off.
    fn default() -> Self {
        Self {
            every: None,
            images: 512,
            max_shift_px: 1.1, // §3.1: pupils moved by 1.1 px in the paper
            max_drift_px: 0.5,
            max_change: 0.2, // beyond, lids and whites of the eye turned into something else
        }
    }
}
