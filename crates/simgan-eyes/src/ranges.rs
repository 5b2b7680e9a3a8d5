use serde::{Deserialize, Serialize};
use simgan_data::simulation::Range;

use crate::EyesError;

/// Ranges of the light. Directions point towards the light, in view coordinates; brightness is relative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightRanges {
    /// Elevation of the directional light.
    pub elevation_deg: Range,
    /// Azimuth of the directional light, positive to the image's left.
    pub azimuth_deg: Range,
    /// Brightness of the directional light.
    pub intensity: Range,
    /// Brightness of the light from all around.
    pub ambient: Range,
    /// Share of images in which the cornea mirrors the directional light, 0 to 1.
    pub highlight_share: f32,
    /// Share of images in which the cornea mirrors a window, 0 to 1.
    pub window_share: f32,
}

impl LightRanges {
    pub(crate) const EYES: Self = Self {
        elevation_deg: Range::new(-15.0, 60.0),
        azimuth_deg: Range::new(-75.0, 75.0),
        intensity: Range::new(0.4, 1.6),
        ambient: Range::new(0.22, 0.5),
        highlight_share: 0.85,
        window_share: 0.4,
    };
    /// A screen below the face and lamps above it.
    pub(crate) const CAMERA: Self = Self {
        elevation_deg: Range::new(-30.0, 50.0),
        azimuth_deg: Range::new(-65.0, 65.0),
        intensity: Range::new(0.2, 1.4),
        ambient: Range::new(0.25, 0.65),
        highlight_share: 0.85,
        window_share: 0.4,
    };
    /// UnityEyes' own angles and brightness.
    pub(crate) const UNITYEYES: Self = Self {
        elevation_deg: Range::new(-10.0, 90.0),
        azimuth_deg: Range::new(-90.0, 90.0),
        intensity: Range::new(0.45, 0.85),
        ambient: Range::new(0.44, 0.6),
        highlight_share: 0.05,
        window_share: 0.0,
    };
}

/// Ranges of UnityEyes' faces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaceRanges {
    /// Scale of the shape model's standard deviations, 0 to 2; 0 gives the mean face.
    pub shape_scale: f32,
    /// Scale of the limbus, 0.7 to 1.3; at 1 its radius is 5.87 mm.
    pub iris_size: Range,
    /// Mean of UnityEyes' texture factor of the pupil, −1 (narrow) to 1 (wide).
    pub pupil_mean: f32,
    /// Standard deviation of the pupil's factor, 0 to 1.
    pub pupil_deviation: f32,
    /// Brightness of the eyeball's texture, 0 to 1.5.
    pub eyeball: Range,
    /// Brightness of the iris relative to the eyeball, 0 to 1.5.
    pub iris: Range,
    /// Opacity of the upper lashes, 0 to 1; the lower ones have half of it.
    pub lash_opacity: Range,
    /// Share of the gaze's pitch by which the lids turn, 0 to 1.5; 1 in UnityEyes, which ties the lids to the
    /// gaze.
    pub lid_follow: Range,
    /// Mean angle by which the lids are lowered in addition, −20 to 20.
    pub lid_mean_deg: f32,
    /// Standard deviation of that angle, 0 to 20.
    pub lid_deviation_deg: f32,
}

impl Default for FaceRanges {
    /// UnityEyes' own ranges.
    fn default() -> Self {
        Self {
            shape_scale: 1.0,
            iris_size: Range::new(0.9, 1.0),
            pupil_mean: 0.0,
            pupil_deviation: 0.2,
            eyeball: Range::new(0.66, 0.66),
            iris: Range::new(1.0, 1.0),
            lash_opacity: Range::new(0.4, 0.85),
            lid_follow: Range::new(1.0, 1.0),
            lid_mean_deg: 0.0,
            lid_deviation_deg: 0.0,
        }
    }
}

impl FaceRanges {
    /// Checks the settings that are single numbers; [`SimulatorConfig`](crate::SimulatorConfig) checks the
    /// ranges.
    ///
    /// # Errors
    /// Returns the first setting that cannot be rendered.
    pub(crate) fn check(&self) -> Result<(), EyesError> {
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
