use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Range;
use crate::ranges::{FaceRanges, LightRanges};
use crate::{EyesError, PosePrior};

/// One of the two built-in domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Clean labelled renders, the synthetic domain: `builtin:eyes`.
    Eyes,
    /// Other people photographed by a cheap camera, the "real" domain: `builtin:camera`. Its labels are for
    /// testing only.
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

/// The frame of the gaze ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GazeFrame {
    /// Relative to the camera: the ranges are those of the label.
    Camera,
    /// Relative to the head, as in UnityEyes: the label adds the head pose.
    Head,
}

/// Where the crop is centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// Midway between the ends of the lids' margin, as in usual eye crops.
    Corners,
    /// The eyeball's centre, at which UnityEyes' camera points.
    Eyeball,
    /// The middle of the lids' margin, as in published crops of 140×84 of UnityEyes' 640×480 pixels.
    Margin,
    /// The middle of the lids' margin, as in the other published crop: 1.5 apparent eye widths wide, whatever
    /// `crop_mm` is.
    EyeWidth,
}

/// Processing of the rendered image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finishing {
    /// None.
    Plain,
    /// Histogram equalisation, as in MPIIGaze's normalized crops.
    Equalized,
    /// A cheap camera: blur, noise, compression and sometimes glasses, nearly always followed by histogram
    /// equalisation. `builtin:camera` always uses it.
    Camera,
}

/// Settings of a simulator: size, framing and the ranges from which samples are drawn.
///
/// Angles are in degrees, in the camera coordinates of [`simgan_data::Direction`]: pitch up and yaw to the
/// image's left are positive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Seed of every random number.
    pub seed: u64,
    /// Number of samples of the source, at least 1.
    pub samples: usize,
    /// Columns of the image, 8 to 4096.
    pub width: usize,
    /// Rows of the image, 8 to 4096.
    pub height: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Samples per pixel along each axis, 1 to 8; 0 chooses 4 for crops and 2 for images of more than 40,000
    /// pixels.
    pub supersample: usize,
    /// Width of the crop on the face in mm, 10 to 110: 37.5 is 1.6 px/mm at 60×36, the framing of MPIIGaze's
    /// normalized crops.
    pub crop_mm: f32,
    /// Where the crop is centred.
    pub aim: Aim,
    /// The frame of the gaze ranges.
    pub gaze_frame: GazeFrame,
    /// Gaze pitch.
    pub gaze_pitch_deg: Range,
    /// Gaze yaw.
    pub gaze_yaw_deg: Range,
    /// Head pitch relative to the camera.
    pub head_pitch_deg: Range,
    /// Head yaw relative to the camera.
    pub head_yaw_deg: Range,
    /// Head roll left over by the normalization.
    pub head_roll_deg: Range,
    /// Shift of the crop's middle to the right of its aim.
    pub offset_x_mm: Range,
    /// Shift of the crop's middle above its aim.
    pub offset_y_mm: Range,
    /// Ranges of the light; `None` takes the simulator's own.
    pub light: Option<LightRanges>,
    /// Number of people of the built-in simulators, at least 1.
    pub identities: u32,
    /// Processing of the rendered image.
    pub finishing: Finishing,
    /// Frame rate of a film of one person, up to 1000; 0 renders independent images, or films of 30 frames per
    /// second if `film_frames` is set.
    pub frames_per_sec: f32,
    /// Frames of each film, of one person each, at least 2; 0 is one film that goes on. Film `i` has the samples
    /// from `i * film_frames`.
    pub film_frames: usize,
    /// Ranges of UnityEyes' faces.
    pub face: FaceRanges,
    /// Normal distributions of gaze and head pose; `None` draws uniformly from the ranges above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<PosePrior>,
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
            offset_x_mm: Range::new(-1.2, 1.2),
            offset_y_mm: Range::new(-1.2, 1.2),
            light: None,
            identities: 1_000,
            finishing: Finishing::Plain,
            frames_per_sec: 0.0,
            film_frames: 0,
            face: FaceRanges::default(),
            normal: None,
        }
    }
}

impl SimulatorConfig {
    /// Size, framing and gaze range of MPIIGaze's normalized crops: 60×36, of people at a laptop, mostly
    /// looking down.
    #[must_use]
    pub fn mpiigaze() -> Self {
        Self {
            width: 60,
            height: 36,
            gaze_pitch_deg: Range::new(-24.0, 6.0),
            gaze_yaw_deg: Range::new(-24.0, 24.0),
            // Heads face the screen, as gazes do.
            head_pitch_deg: Range::new(-11.0, 1.0),
            head_yaw_deg: Range::new(-10.0, 10.0),
            // The normalization removes roll up to the face model's error.
            head_roll_deg: Range::new(-2.0, 2.0),
            // The crops' middle, between the eye's corners, lies below the eyeball's. Detected landmarks are
            // off by millimetres, so networks must learn from the iris between the lids, not from its place
            // in the crop.
            offset_x_mm: Range::new(-2.5, 2.5),
            offset_y_mm: Range::new(-3.3, 1.7),
            ..Self::default()
        }
    }

    /// UnityEyes' ranges of gaze (±30° in the head) and camera (±20° pitch, ±40° yaw), cropped as in
    /// published work.
    #[must_use]
    pub fn unityeyes() -> Self {
        Self {
            aim: Aim::EyeWidth,
            gaze_frame: GazeFrame::Head,
            gaze_pitch_deg: Range::new(-30.0, 30.0),
            gaze_yaw_deg: Range::new(-30.0, 30.0),
            head_pitch_deg: Range::new(-20.0, 20.0),
            head_yaw_deg: Range::new(-40.0, 40.0),
            head_roll_deg: Range::new(0.0, 0.0),
            offset_x_mm: Range::new(0.0, 0.0),
            offset_y_mm: Range::new(0.0, 0.0),
            ..Self::default()
        }
    }

    /// UnityEyes' faces with the framing and gaze range of MPIIGaze's normalized crops, and with lids that do
    /// not give the gaze away.
    #[must_use]
    pub fn unityeyes_mpiigaze() -> Self {
        Self {
            crop_mm: 36.0,
            head_yaw_deg: Range::new(-8.0, 10.0),
            offset_x_mm: Range::new(-4.1, 0.9),
            finishing: Finishing::Camera,
            face: FaceRanges {
                iris_size: Range::new(0.94, 1.05),
                eyeball: Range::new(0.6, 0.95),
                iris: Range::new(0.3, 0.8),
                lash_opacity: Range::new(0.6, 1.0),
                lid_follow: Range::new(0.3, 0.9),
                lid_mean_deg: -3.0,
                lid_deviation_deg: 5.0,
                ..FaceRanges::default()
            },
            light: Some(LightRanges {
                intensity: Range::new(0.1, 0.8),
                ambient: Range::new(0.4, 0.7),
                ..LightRanges::CAMERA
            }),
            ..Self::mpiigaze()
        }
    }

    /// Frames per second of films; `None` if images are independent.
    pub(crate) fn frame_rate(&self) -> Option<f32> {
        match (self.frames_per_sec, self.film_frames) {
            (0.0, 0) => None,
            (0.0, _) => Some(30.0),
            (rate, _) => Some(rate),
        }
    }

    /// Number of the film that sample `index` belongs to, and of the frame in it; all belong to the first where
    /// films do not end.
    pub(crate) fn film_of(&self, index: usize) -> [usize; 2] {
        match self.film_frames {
            0 => [0, index],
            frames => [index / frames, index % frames],
        }
    }

    /// Pixels per mm.
    pub(crate) fn px_per_mm(&self) -> f32 {
        self.width as f32 / self.crop_mm
    }

    /// Samples per pixel along each axis.
    pub(crate) fn samples_per_side(&self) -> usize {
        match self.supersample {
            0 if self.width * self.height <= 40_000 => 4,
            0 => 2,
            chosen => chosen,
        }
    }

    /// Shading points per mm of surface. With an even number of samples per side, 2×2 samples share one
    /// shading point.
    pub(crate) fn looks_per_mm(&self) -> f32 {
        let per_px = self.samples_per_side();
        let looks = if per_px.is_multiple_of(2) { per_px / 2 } else { per_px };
        looks as f32 * self.px_per_mm()
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Returns the first setting that cannot be rendered.
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
        // Negated, so that NaN is refused.
        if !(self.crop_mm >= 10.0 && self.crop_mm <= 110.0) {
            return bad("crop_mm", self.crop_mm.to_string(), "10 to 110: the face ends there");
        }
        if !(0.0..=1000.0).contains(&self.frames_per_sec) {
            return bad("frames_per_sec", self.frames_per_sec.to_string(), "0 to 1000");
        }
        if self.film_frames == 1 {
            return bad("film_frames", "1".to_owned(), "0, or at least 2");
        }
        self.face.check()?;
        self.normal.as_ref().map_or(Ok(()), PosePrior::check)?;
        self.check_ranges()
    }

    fn check_ranges(&self) -> Result<(), EyesError> {
        let mut limits = vec![
            ("gaze_pitch_deg", self.gaze_pitch_deg, -60.0..=60.0),
            ("gaze_yaw_deg", self.gaze_yaw_deg, -70.0..=70.0),
            ("head_pitch_deg", self.head_pitch_deg, -30.0..=30.0),
            ("head_yaw_deg", self.head_yaw_deg, -40.0..=40.0),
            ("head_roll_deg", self.head_roll_deg, -30.0..=30.0),
            ("offset_x_mm", self.offset_x_mm, -5.0..=5.0),
            ("offset_y_mm", self.offset_y_mm, -5.0..=5.0),
            ("face.iris_size", self.face.iris_size, 0.7..=1.3),
            ("face.eyeball", self.face.eyeball, 0.0..=1.5),
            ("face.iris", self.face.iris, 0.0..=1.5),
            ("face.lash_opacity", self.face.lash_opacity, 0.0..=1.0),
            ("face.lid_follow", self.face.lid_follow, 0.0..=1.5),
        ];
        if let Some(light) = self.light {
            limits.extend([
                ("light.elevation_deg", light.elevation_deg, -90.0..=90.0),
                ("light.azimuth_deg", light.azimuth_deg, -180.0..=180.0),
                ("light.intensity", light.intensity, 0.0..=20.0),
                ("light.ambient", light.ambient, 0.0..=20.0),
                (
                    "light.highlight_share",
                    Range::new(light.highlight_share, light.highlight_share),
                    0.0..=1.0,
                ),
                ("light.window_share", Range::new(light.window_share, light.window_share), 0.0..=1.0),
            ]);
        }
        for (setting, Range { low, high }, limit) in limits {
            if !(limit.contains(&low) && limit.contains(&high) && low <= high) {
                return Err(EyesError::Setting {
                    setting,
                    value: format!("{low} to {high}"),
                    reason: "low must not exceed high, and both must lie within what the model can show (pitch \
                             ±60, yaw ±70, head pitch ±30, head yaw ±40, roll ±30 degrees, offset ±5 mm, iris \
                             size 0.7 to 1.3, eyeball and iris 0 to 1.5, lash opacity 0 to 1, lid following 0 to \
                             1.5, light 0 to 20, shares 0 to 1)",
                });
            }
        }
        Ok(())
    }
}
