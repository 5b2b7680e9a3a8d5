use simgan_settings::{Range, settings};

use super::{Every, Recipe, Section};

pub(super) const SECTION: Section =
    Section::new("selection", SelectionConfig::DOC, &[SelectionConfig::SETTINGS]);

settings! {
    /// Selection of the best checkpoint: among those that preserve labels within the limits, the one whose
    /// refined images a newly trained classifier can least tell from real ones. Labels of real images are
    /// never used.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SelectionConfig {
        /// Steps between two judgements in the adversarial phase, each of a checkpoint written for it; the
        /// last step is always judged. 0 turns selection off. "auto" judges about four times,
        /// at least 400 steps apart, if synthetic images have labelled points, such as pupils or joints, whose
        /// movement can be measured; in shorter runs and without such labels it is 0.
        every: Every = Every::RANGE,
        /// Maximum number of synthetic and of real images judged; the same ones every time.
        images: usize = Range::Whole(16, 100_000),
        /// Maximum mean distance that pupils may move, in pixels of a 55-pixel-wide eye. If no synthetic image
        /// has iris landmarks, it applies to all labelled points, in pixels of an image of 55×55.
        max_shift_px: f64 = LIMIT,
        /// Maximum mean signed movement of pupils along either axis, in pixels of a 55-pixel-wide eye; of all
        /// labelled points as above.
        max_drift_px: f64 = LIMIT,
        /// Maximum mean |R(x) − x|, of pixels in [−1, 1]. Applies only if no synthetic image has
        /// labelled points that can be measured.
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
    /// Selection where labels allow it, with the default limits.
    fn default() -> Self {
        Self {
            every: Every::Auto,
            images: 512,
            max_shift_px: 1.1, // §3.1: pupils moved by 1.1 px in the paper
            max_drift_px: 0.5,
            max_change: 0.2, // beyond it, R distorted lids and sclera
        }
    }
}
