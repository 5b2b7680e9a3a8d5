use std::fmt;

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

/// What lights are drawn from; directions are towards the light, seen from the camera.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightRanges {
    /// Height of the directional light.
    pub elevation_deg: Range,
    /// Its side: positive is the image's left.
    pub azimuth_deg: Range,
    /// Its brightness.
    pub intensity: Range,
    /// Brightness of light from everywhere.
    pub ambient: Range,
}

impl LightRanges {
    pub(crate) const EYES: Self = Self {
        elevation_deg: Range::new(-15.0, 60.0),
        azimuth_deg: Range::new(-75.0, 75.0),
        intensity: Range::new(0.4, 1.6),
        ambient: Range::new(0.22, 0.5),
    };
    /// A screen below the face and lamps above it.
    pub(crate) const CAMERA: Self = Self {
        elevation_deg: Range::new(-30.0, 50.0),
        azimuth_deg: Range::new(-65.0, 65.0),
        intensity: Range::new(0.2, 1.4),
        ambient: Range::new(0.25, 0.65),
    };
    /// UnityEyes' own angles; its brightness in linear light.
    pub(crate) const UNITYEYES: Self = Self {
        elevation_deg: Range::new(-10.0, 90.0),
        azimuth_deg: Range::new(-90.0, 90.0),
        intensity: Range::new(0.4, 1.6),
        ambient: Range::new(0.2, 0.55),
    };
}

/// What UnityEyes' faces are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceRanges {
    /// Scale of the shape model's deviations: 0 is the mean face.
    pub shape_scale: f32,
    /// Scales the limbus, which has a radius of 5.87 mm at 1.
    pub iris_size: Range,
    /// Mean of UnityEyes' texture factor of the pupil: −1 is narrow, 1 wide.
    pub pupil_mean: f32,
    /// Deviation of the pupil's factor.
    pub pupil_deviation: f32,
    /// How far the lids follow the gaze's pitch, of the angle: 1 as in UnityEyes, which ties the lids to the gaze.
    pub lid_follow: Range,
    /// Mean angle by which the lids are lowered beside that.
    pub lid_mean_deg: f32,
    /// Deviation of that angle.
    pub lid_deviation_deg: f32,
}

impl Default for FaceRanges {
    /// UnityEyes' own.
    fn default() -> Self {
        Self {
            shape_scale: 1.0,
            iris_size: Range::new(0.9, 1.0),
            pupil_mean: 0.0,
            pupil_deviation: 0.2,
            lid_follow: Range::new(1.0, 1.0),
            lid_mean_deg: 0.0,
            lid_deviation_deg: 0.0,
        }
    }
}

/// What the gaze's ranges are relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GazeFrame {
    /// The camera: the label's own range.
    Camera,
    /// The head, as UnityEyes draws; the label is then the sum of gaze and head pose.
    Head,
}

/// What the middle of the crop shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aim {
    /// The middle between the corners of the eye, as eye crops are cut.
    Corners,
    /// The eyeball's centre, as UnityEyes' camera looks.
    Eyeball,
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
    /// Samples a pixel along each axis; 0 chooses: 4 for crops, 2 for images of more than 40,000 pixels.
    pub supersample: usize,
    /// Width of the crop on the face in mm: 37.5 is 1.6 px/mm at 60×36, the framing of MPIIGaze's normalized crops.
    pub crop_mm: f32,
    /// What the middle of the crop shows.
    pub aim: Aim,
    /// What the gaze's ranges are relative to.
    pub gaze_frame: GazeFrame,
    /// Gaze pitch.
    pub gaze_pitch_deg: Range,
    /// Gaze yaw.
    pub gaze_yaw_deg: Range,
    /// Head pitch relative to the camera.
    pub head_pitch_deg: Range,
    /// Head yaw relative to the camera.
    pub head_yaw_deg: Range,
    /// Head roll that the normalization left.
    pub head_roll_deg: Range,
    /// How far the crop is off the middle between the eye's corners, along each axis.
    pub offset_mm: Range,
    /// What lights are drawn from; `None` for the simulator's own.
    pub light: Option<LightRanges>,
    /// How many different people the built-in simulators have.
    pub identities: u32,
    /// What UnityEyes' faces are drawn from.
    pub face: FaceRanges,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 100_000,
            width: 55,
            height: 35,
            channels: 1,
            supersample: 0,
            crop_mm: 37.5,
            aim: Aim::Corners,
            gaze_frame: GazeFrame::Camera,
            gaze_pitch_deg: Range::new(-25.0, 16.0),
            gaze_yaw_deg: Range::new(-30.0, 30.0),
            head_pitch_deg: Range::new(-14.0, 14.0),
            head_yaw_deg: Range::new(-18.0, 18.0),
            head_roll_deg: Range::new(-5.0, 5.0),
            offset_mm: Range::new(-1.2, 1.2),
            light: None,
            identities: 1_000,
            face: FaceRanges::default(),
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

    /// UnityEyes' ranges of gaze (±30° in the head) and camera (±20° pitch, ±40° yaw) on a crop of eye size.
    #[must_use]
    pub fn unityeyes() -> Self {
        Self {
            gaze_frame: GazeFrame::Head,
            gaze_pitch_deg: Range::new(-30.0, 30.0),
            gaze_yaw_deg: Range::new(-30.0, 30.0),
            head_pitch_deg: Range::new(-20.0, 20.0),
            head_yaw_deg: Range::new(-40.0, 40.0),
            head_roll_deg: Range::new(0.0, 0.0),
            offset_mm: Range::new(0.0, 0.0),
            ..Self::default()
        }
    }

    /// UnityEyes' people framed as MPIIGaze's normalized crops, with its range of gaze, and lids that do not tell the gaze.
    #[must_use]
    pub fn unityeyes_mpiigaze() -> Self {
        Self {
            head_yaw_deg: Range::new(-12.0, 28.0),
            face: FaceRanges { lid_deviation_deg: 7.0, ..FaceRanges::default() },
            light: Some(LightRanges::CAMERA),
            ..Self::mpiigaze()
        }
    }

    /// Pixels a mm.
    pub(crate) fn px_per_mm(&self) -> f32 {
        self.width as f32 / self.crop_mm
    }

    /// Samples a pixel along each axis.
    pub(crate) fn samples_per_side(&self) -> usize {
        match self.supersample {
            0 if self.width * self.height <= 40_000 => 4,
            0 => 2,
            chosen => chosen,
        }
    }

    /// How closely an image looks at surfaces: where samples pair up, four share one look.
    pub(crate) fn looks_per_mm(&self) -> f32 {
        let per_px = self.samples_per_side();
        let looks = if per_px.is_multiple_of(2) { per_px / 2 } else { per_px };
        looks as f32 * self.px_per_mm()
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
        if self.supersample > 8 {
            return bad("supersample", self.supersample.to_string(), "1 to 8, or 0");
        }
        if self.identities == 0 {
            return bad("identities", "0".to_owned(), "at least 1");
        }
        if !(self.crop_mm >= 10.0 && self.crop_mm <= 110.0) {
            return bad("crop_mm", self.crop_mm.to_string(), "10 to 110: the face ends there");
        }
        self.face.check()?;
        self.check_ranges()
    }

    fn check_ranges(&self) -> Result<(), EyesError> {
        let mut limits = vec![
            ("gaze_pitch_deg", self.gaze_pitch_deg, -60.0..=60.0),
            ("gaze_yaw_deg", self.gaze_yaw_deg, -70.0..=70.0),
            ("head_pitch_deg", self.head_pitch_deg, -30.0..=30.0),
            ("head_yaw_deg", self.head_yaw_deg, -40.0..=40.0),
            ("head_roll_deg", self.head_roll_deg, -30.0..=30.0),
            ("offset_mm", self.offset_mm, -5.0..=5.0),
            ("face.iris_size", self.face.iris_size, 0.7..=1.3),
            ("face.lid_follow", self.face.lid_follow, 0.0..=1.5),
        ];
        if let Some(light) = self.light {
            limits.extend([
                ("light.elevation_deg", light.elevation_deg, -90.0..=90.0),
                ("light.azimuth_deg", light.azimuth_deg, -180.0..=180.0),
                ("light.intensity", light.intensity, 0.0..=20.0),
                ("light.ambient", light.ambient, 0.0..=20.0),
            ]);
        }
        for (setting, Range { low, high }, limit) in limits {
            if !(limit.contains(&low) && limit.contains(&high) && low <= high) {
                return Err(EyesError::Setting {
                    setting,
                    value: format!("{low} to {high}"),
                    reason: "low must not exceed high, and both must lie within what the model can show (pitch ±60, yaw ±70, \
                             head pitch ±30, head yaw ±40, roll ±30 degrees, offset ±5 mm, iris size 0.7 to 1.3, lids \
                             that follow 0 to 1.5, light 0 to 20)",
                });
            }
        }
        Ok(())
    }
}

impl FaceRanges {
    fn check(&self) -> Result<(), EyesError> {
        let limits = [
            ("face.shape_scale", self.shape_scale, 0.0..=2.0, "0 to 2"),
            ("face.pupil_mean", self.pupil_mean, -1.0..=1.0, "-1 to 1"),
            ("face.pupil_deviation", self.pupil_deviation, 0.0..=1.0, "0 to 1"),
            ("face.lid_mean_deg", self.lid_mean_deg, -20.0..=20.0, "-20 to 20"),
            ("face.lid_deviation_deg", self.lid_deviation_deg, 0.0..=20.0, "0 to 20"),
        ];
        for (setting, value, limit, reason) in limits {
            if !limit.contains(&value) {
                return Err(EyesError::Setting { setting, value: value.to_string(), reason });
            }
        }
        Ok(())
    }
}
