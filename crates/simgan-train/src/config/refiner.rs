use simgan_models::RefinerConfig;

use super::{Recipe, Section};

pub(super) const SECTION: Section = Section::new("refiner", RefinerConfig::DOC, &[RefinerConfig::SETTINGS]);

pub(super) fn of(recipe: Recipe) -> RefinerConfig {
    match recipe {
        Recipe::EyeGaze => RefinerConfig::eye_gaze(), // §3.1
        // Small enough to train in minutes on two cores.
        Recipe::Demo => RefinerConfig { features: 32, blocks: 3, ..RefinerConfig::eye_gaze() },
        // §3.2: 7 × 7 filters and 10 blocks. [open] Only the first convolution has 7 × 7 filters in this
        // reading.
        Recipe::HandPose => RefinerConfig::hand_pose(),
    }
}
