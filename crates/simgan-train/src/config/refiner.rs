use simgan_models::RefinerConfig;

use super::{Recipe, Section};

pub(super) const SECTION: Section = Section::new("refiner", RefinerConfig::DOC, &[RefinerConfig::SETTINGS]);

pub(super) fn of(recipe: Recipe) -> RefinerConfig {
    match recipe {
        Recipe::EyeGaze => RefinerConfig::eye_gaze(), // §3.1
        // Small enough for minutes on two cores.
        Recipe::Demo => RefinerConfig { features: 32, blocks: 3, ..RefinerConfig::eye_gaze() },
        // §3.2: filter size 7 × 7 and 10 blocks; [open] whether 7 × 7 is the first convolution's only, as read here
        Recipe::HandPose => RefinerConfig::hand_pose(),
    }
}
