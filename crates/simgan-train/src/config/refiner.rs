use simgan_models::RefinerConfig;

use super::{ConfigError, DataRange, Recipe, Section, TrainConfig};

pub(super) const SECTION: Section = Section::new("refiner", RefinerConfig::DOC, &[RefinerConfig::SETTINGS]);

/// The relief's gain for both networks where images are depths.
pub(super) const RELIEF: usize = 16;

pub(super) fn of(recipe: Recipe) -> RefinerConfig {
    match recipe {
        Recipe::EyeGaze => RefinerConfig::eye_gaze(), // §3.1
        // Small enough to train in minutes on two cores.
        Recipe::Demo => RefinerConfig { features: 32, blocks: 3, ..RefinerConfig::eye_gaze() },
        Recipe::Depth => RefinerConfig {
            features: 16,
            blocks: 2,
            grain_channels: 1,
            holes: true,
            skip: true,
            // Of 12 mm in a range of 600 mm the networks see 0.4.
            relief: RELIEF,
            ..RefinerConfig::eye_gaze()
        },
        // §3.2: 7 × 7 filters and 10 blocks. [open] Only the first convolution has 7 × 7 filters in this
        // reading.
        Recipe::HandPose => RefinerConfig::hand_pose(),
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    let RefinerConfig { grain_channels, holes, .. } = config.refiner;
    let has_missing = match config.data.range {
        // Its minimum is not known yet.
        DataRange::Auto => true,
        range => range.fixed().is_some_and(|range| !range.is_measured(0.0)),
    };
    let fits = !holes || (grain_channels > 0 && has_missing);
    let allowed = "false unless refiner.grain_channels is at least 1 and data.range begins above 0";
    ConfigError::unless(fits, "refiner.holes", holes, allowed)
}
