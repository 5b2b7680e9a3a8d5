use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use simgan_data::Size;
use simgan_data::simulation::{Range, changed};

use crate::DigitsError;

/// Settings of the simulator: size, and the ranges from which a figure is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigitsConfig {
    /// Seed of every random number.
    pub seed: u64,
    /// Number of samples of the source, at least 1.
    pub samples: usize,
    /// Width and height of the image in pixels, each 8 to 1024.
    pub size: Size,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Width of the pen as a share of the image's shorter side, 0.01 to 0.25.
    pub pen: Range,
    /// Lean of upright strokes to the right, in degrees within ±45.
    pub slant_deg: Range,
    /// Turn of the whole figure, clockwise, in degrees within ±45.
    pub rotation_deg: Range,
    /// Width of a figure relative to its outline's, 0.5 to 2.
    pub aspect: Range,
    /// Longer side of a figure, pen included, as a share of the image's shorter side, 0.3 to 0.9.
    pub extent: Range,
    /// Shift of the figure from the image's middle along each axis, as a share of the shorter side, within
    /// ±0.5. A figure never leaves the image.
    pub offset: Range,
    /// Maximum displacement of an outline's control points, as a share of a figure's height, 0 to 0.3.
    pub jitter: f32,
    /// Maximum displacement of each place that a stroke goes through, on its own and along each axis, as a share
    /// of a figure's height, 0 to 0.1. Strokes that meet may then miss each other a little.
    pub wobble: f32,
}

impl Default for DigitsConfig {
    /// 28 × 28 pixels with figures as large as MNIST's and of as many forms, drawn with a clean pen. The
    /// ranges are wide: what real figures do and drawn ones do not, a refiner cannot add.
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 100_000,
            size: Size { width: 28, height: 28 },
            channels: 1,
            pen: Range::new(0.06, 0.15),
            slant_deg: Range::new(-15.0, 35.0),
            rotation_deg: Range::new(-15.0, 15.0),
            aspect: Range::new(0.75, 1.8),
            extent: Range::new(0.6, 0.78),
            offset: Range::new(-0.08, 0.08),
            jitter: 0.2,
            wobble: 0.03,
        }
    }
}

impl DigitsConfig {
    /// Changes one setting, typed as `KEY=VALUE`: a range (`slant_deg=-10..20`, or one number for both ends),
    /// `size=32x32`, `samples=1000` or `jitter=0.05`.
    ///
    /// Opening the simulator checks whether the value can be drawn.
    ///
    /// # Errors
    /// There is no such setting, or the value is of another kind.
    pub fn set(&mut self, assignment: &str) -> Result<(), DigitsError> {
        *self = changed(self, assignment)?;
        Ok(())
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Returns the first setting that cannot be drawn.
    pub(crate) fn check(&self) -> Result<(), DigitsError> {
        const SIDE: RangeInclusive<usize> = 8..=1024;
        let bad = |setting, value: String, reason: &str| {
            Err(DigitsError::Setting { setting, value, reason: reason.to_owned() })
        };
        if !SIDE.contains(&self.size.width) || !SIDE.contains(&self.size.height) {
            return bad("size", self.size.to_string(), "8 to 1024 pixels each way");
        }
        if self.channels != 1 && self.channels != 3 {
            return bad("channels", self.channels.to_string(), "1 (gray) or 3 (RGB)");
        }
        if self.samples == 0 {
            return bad("samples", "0".to_owned(), "at least 1");
        }
        if !(0.0..=0.3).contains(&self.jitter) {
            return bad("jitter", self.jitter.to_string(), "0 to 0.3");
        }
        if !(0.0..=0.1).contains(&self.wobble) {
            return bad("wobble", self.wobble.to_string(), "0 to 0.1");
        }
        let ranges = [
            ("pen", self.pen, 0.01..=0.25),
            ("slant_deg", self.slant_deg, -45.0..=45.0),
            ("rotation_deg", self.rotation_deg, -45.0..=45.0),
            ("aspect", self.aspect, 0.5..=2.0),
            ("extent", self.extent, 0.3..=0.9),
            ("offset", self.offset, -0.5..=0.5),
        ];
        for (setting, Range { low, high }, limit) in ranges {
            if !(limit.contains(&low) && limit.contains(&high) && low <= high) {
                let reason = format!("in ascending order within {} to {}", limit.start(), limit.end());
                return bad(setting, format!("{low} to {high}"), &reason);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_setting_is_changed() {
        let mut config = DigitsConfig::default();
        for assignment in ["size=32x20", "samples = 7", "jitter=0", "pen=0.1", "slant_deg=-5..20"] {
            config.set(assignment).unwrap();
        }
        let expected = DigitsConfig {
            size: Size { width: 32, height: 20 },
            samples: 7,
            jitter: 0.0,
            pen: Range::new(0.1, 0.1),
            slant_deg: Range::new(-5.0, 20.0),
            ..DigitsConfig::default()
        };
        assert_eq!(config, expected);
        config.check().unwrap();
    }

    #[test]
    fn what_cannot_be_set_is_told() {
        let mut config = DigitsConfig::default();
        for (assignment, expected) in [
            ("slant=3", "no such setting"),
            ("pen", "KEY=VALUE"),
            ("pen=thin", "-20..20"),
            ("pen=NaN", "-20..20"),
            ("size=28", "WIDTHxHEIGHT"),
            ("samples=1.5", "whole number"),
            ("jitter=much", "not a number"),
        ] {
            let error = config.set(assignment).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(assignment), "{error}");
        }
        assert_eq!(config, DigitsConfig::default());
        let hint = config.set("slant=3").unwrap_err().hint().unwrap().to_string();
        assert!(hint.contains("slant_deg") && hint.contains("size"), "{hint}");
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        for (assignment, setting) in [
            ("size=7x28", "size"),
            ("size=28x2000", "size"),
            ("samples=0", "samples"),
            ("jitter=1", "jitter"),
            ("wobble=0.2", "wobble"),
            ("pen=0.1..0.05", "pen"),
            ("pen=0", "pen"),
            ("extent=0.5..1", "extent"),
            ("rotation_deg=-90..90", "rotation_deg"),
        ] {
            let mut config = DigitsConfig::default();
            config.set(assignment).unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(&format!("`{setting}`")), "{error}");
        }
    }
}
