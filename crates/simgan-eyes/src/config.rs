use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::EyesError;

/// Which of the two built-in domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Clean labelled renders, the synthetic domain: `builtin:eyes`.
    Eyes,
    /// Other people before a cheap camera, the "real" domain: `builtin:camera`. Its labels are for testing only.
    Camera,
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eyes => "builtin:eyes",
            Self::Camera => "builtin:camera",
        })
    }
}

impl FromStr for Domain {
    type Err = EyesError;

    /// Reads `builtin:eyes` and `builtin:camera`.
    fn from_str(name: &str) -> Result<Self, EyesError> {
        match name {
            "builtin:eyes" => Ok(Self::Eyes),
            "builtin:camera" => Ok(Self::Camera),
            _ => Err(EyesError::UnknownDomain { name: name.to_owned() }),
        }
    }
}

/// A uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl Range {
    /// From `low` to `high`.
    #[must_use]
    pub const fn new(low: f32, high: f32) -> Self {
        Self { low, high }
    }
}

/// What is rendered: size, framing and the ranges that samples are drawn from.
///
/// Angles are in degrees, in camera coordinates as `simgan_data::Gaze` defines them: pitch up and yaw to the image's left are positive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Every random number comes from this.
    pub seed: u64,
    /// How many samples the source has.
    pub samples: usize,
    /// Columns of the image.
    pub width: usize,
    /// Rows of the image.
    pub height: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Samples a pixel along each axis.
    pub supersample: usize,
    /// Width of the crop on the face in mm: 37.5 is 1.6 px/mm at 60×36, the framing of MPIIGaze's normalized crops.
    pub crop_mm: f32,
    /// Gaze pitch relative to the camera.
    pub gaze_pitch_deg: Range,
    /// Gaze yaw relative to the camera.
    pub gaze_yaw_deg: Range,
    /// Head pitch relative to the camera.
    pub head_pitch_deg: Range,
    /// Head yaw relative to the camera.
    pub head_yaw_deg: Range,
    /// Head roll that the normalization left.
    pub head_roll_deg: Range,
    /// How far the crop is off the middle between the eye's corners, along each axis.
    pub offset_mm: Range,
    /// How many different people.
    pub identities: u32,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 100_000,
            width: 55,
            height: 35,
            channels: 1,
            supersample: 4,
            crop_mm: 37.5,
            gaze_pitch_deg: Range::new(-25.0, 16.0),
            gaze_yaw_deg: Range::new(-30.0, 30.0),
            head_pitch_deg: Range::new(-14.0, 14.0),
            head_yaw_deg: Range::new(-18.0, 18.0),
            head_roll_deg: Range::new(-5.0, 5.0),
            offset_mm: Range::new(-1.2, 1.2),
            identities: 1_000,
        }
    }
}

impl SimulatorConfig {
    /// Size and gaze range of MPIIGaze's normalized crops: 60×36, people at a laptop who look mostly down.
    #[must_use]
    pub fn mpiigaze() -> Self {
        Self {
            width: 60,
            height: 36,
            gaze_pitch_deg: Range::new(-24.0, 6.0),
            gaze_yaw_deg: Range::new(-24.0, 24.0),
            ..Self::default()
        }
    }

    /// Pixels a mm.
    pub(crate) fn px_per_mm(&self) -> f32 {
        self.width as f32 / self.crop_mm
    }

    /// # Errors
    /// The first setting that cannot be rendered.
    pub(crate) fn check(&self) -> Result<(), EyesError> {
        const SIDE: std::ops::RangeInclusive<usize> = 8..=4096;
        let bad = |setting, value: String, reason| Err(EyesError::Setting { setting, value, reason });
        if self.samples == 0 {
            return bad("samples", "0".to_owned(), "at least 1");
        }
        if !SIDE.contains(&self.width) || !SIDE.contains(&self.height) {
            return bad("width × height", format!("{}×{}", self.width, self.height), "each 8 to 4096");
        }
        if self.channels != 1 && self.channels != 3 {
            return bad("channels", self.channels.to_string(), "1 (gray) or 3 (RGB)");
        }
        if !(1..=8).contains(&self.supersample) {
            return bad("supersample", self.supersample.to_string(), "1 to 8");
        }
        if self.identities == 0 {
            return bad("identities", "0".to_owned(), "at least 1");
        }
        if !(self.crop_mm >= 10.0 && self.crop_mm <= 60.0) {
            return bad("crop_mm", self.crop_mm.to_string(), "10 to 60: the face ends there");
        }
        self.check_ranges()
    }

    fn check_ranges(&self) -> Result<(), EyesError> {
        let limits = [
            ("gaze_pitch_deg", self.gaze_pitch_deg, 60.0),
            ("gaze_yaw_deg", self.gaze_yaw_deg, 70.0),
            ("head_pitch_deg", self.head_pitch_deg, 30.0),
            ("head_yaw_deg", self.head_yaw_deg, 40.0),
            ("head_roll_deg", self.head_roll_deg, 30.0),
            ("offset_mm", self.offset_mm, 5.0),
        ];
        for (setting, Range { low, high }, limit) in limits {
            if !(low >= -limit && low <= high && high <= limit) {
                return Err(EyesError::Setting {
                    setting,
                    value: format!("{low}..{high}"),
                    reason: "low must not exceed high, and both must lie within what the model can show \
                             (pitch ±60, yaw ±70, head pitch ±30, head yaw ±40, roll ±30 degrees, offset ±5 mm)",
                });
            }
        }
        Ok(())
    }
}
