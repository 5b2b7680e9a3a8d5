use serde_json::{Value, json};

use super::form::{self, Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::Transform;

/// A direction such as a gaze: a unit vector in camera coordinates, x right, y down, z away from the camera.
///
/// A person looking into the camera has z = −1, as in MPIIGaze. Cropping and scaling an image do not change
/// its directions, even if width and height scale differently; rotating and mirroring do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction([f32; 3]);

/// Three numbers; in JSON `[x, y, z]`.
pub(super) const FORM: Form = Form {
    tag: "direction",
    dtype: Dtype::F32,
    width: 3,
    unpack: |row| match form::items(row)?[..] {
        [vector] => Direction::from_unit_vector(vector).map(Annotation::Direction),
        _ => None,
    },
    parse: |value| {
        let vector = form::numbers(value)?.try_into().ok()?;
        Direction::from_written(vector).map(Annotation::Direction)
    },
};

impl Kind for Direction {
    fn form(&self) -> &'static Form {
        &FORM
    }

    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale> {
        Ok(Self(transform.orientation().vector(self.0)).into())
    }

    fn pack(&self, row: &mut Vec<u8>) {
        form::extend(row, &self.0);
    }

    fn to_json(&self) -> Value {
        json!(self.0)
    }
}

impl From<Direction> for Annotation {
    fn from(direction: Direction) -> Self {
        Self::Direction(direction)
    }
}

impl Annotation {
    /// The direction; `None` for another kind.
    #[must_use]
    pub fn as_direction(&self) -> Option<Direction> {
        if let Self::Direction(direction) = self { Some(*direction) } else { None }
    }
}

impl Direction {
    /// The direction of a vector of any length; `None` if the length is zero or not finite.
    #[must_use]
    pub fn from_vector(vector: [f32; 3]) -> Option<Self> {
        let norm = vector.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        (norm.is_finite() && norm > 0.0).then(|| Self(vector.map(|v| (f64::from(v) / norm) as f32)))
    }

    /// Takes a unit vector unchanged; `None` if its length is not 1 (to 1e-5 in its square).
    pub(crate) fn from_unit_vector(vector: [f32; 3]) -> Option<Self> {
        let square: f64 = vector.iter().map(|&v| f64::from(v).powi(2)).sum();
        ((square - 1.0).abs() < 1e-5).then_some(Self(vector))
    }

    /// Takes a vector from a file. A unit vector is kept bit for bit, so that writing and reading it changes
    /// nothing; others are normalized.
    pub(crate) fn from_written(vector: [f32; 3]) -> Option<Self> {
        Self::from_unit_vector(vector).or_else(|| Self::from_vector(vector))
    }

    /// The direction with pitch `asin(−y)` (positive up) and yaw `atan2(−x, −z)` (positive to the image's
    /// left), both in radians.
    #[must_use]
    pub fn from_pitch_yaw(pitch: f32, yaw: f32) -> Self {
        let (pitch_sin, pitch_cos) = pitch.sin_cos();
        let (yaw_sin, yaw_cos) = yaw.sin_cos();
        Self([-pitch_cos * yaw_sin, -pitch_sin, -pitch_cos * yaw_cos])
    }

    /// The unit vector `[x, y, z]`.
    #[must_use]
    pub fn vector(self) -> [f32; 3] {
        self.0
    }

    /// Pitch in radians, `asin(−y)`; positive looks up.
    #[must_use]
    pub fn pitch(self) -> f32 {
        // Rounding can push a component just beyond 1, where `asin` is NaN.
        (-self.0[1]).clamp(-1.0, 1.0).asin()
    }

    /// Yaw in radians, `atan2(−x, −z)`; positive looks to the image's left.
    #[must_use]
    pub fn yaw(self) -> f32 {
        (-self.0[0]).atan2(-self.0[2])
    }
}
