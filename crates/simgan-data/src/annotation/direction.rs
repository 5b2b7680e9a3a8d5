use serde_json::{Value, json};

use super::form::{self, Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::Transform;

/// A direction, of a gaze for example: a unit vector in camera coordinates, x right, y down, z away from the
/// camera.
///
/// A person who looks at the camera has z = −1, as MPIIGaze stores it. Cutting and scaling an image leave its
/// directions alone, even where width and height are scaled differently; turning and mirroring move them.
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
    /// The direction, if it is one.
    #[must_use]
    pub fn as_direction(&self) -> Option<Direction> {
        if let Self::Direction(direction) = self { Some(*direction) } else { None }
    }
}

impl Direction {
    /// The direction of `vector`, whatever its length; `None` unless it is finite and longer than zero.
    #[must_use]
    pub fn from_vector(vector: [f32; 3]) -> Option<Self> {
        let norm = vector.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        (norm.is_finite() && norm > 0.0).then(|| Self(vector.map(|v| (f64::from(v) / norm) as f32)))
    }

    /// A vector that is a direction already, unchanged; `None` if its length is not 1.
    pub(crate) fn from_unit_vector(vector: [f32; 3]) -> Option<Self> {
        let square: f64 = vector.iter().map(|&v| f64::from(v).powi(2)).sum();
        ((square - 1.0).abs() < 1e-5).then_some(Self(vector))
    }

    /// A vector that somebody wrote down. One of length 1 stays what it is to the bit; others are scaled.
    pub(crate) fn from_written(vector: [f32; 3]) -> Option<Self> {
        Self::from_unit_vector(vector).or_else(|| Self::from_vector(vector))
    }

    /// The direction with `pitch = asin(−y)` (up is positive) and `yaw = atan2(−x, −z)`, both in radians.
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

    /// Pitch in radians, `asin(−y)`: positive looks up.
    #[must_use]
    pub fn pitch(self) -> f32 {
        (-self.0[1]).clamp(-1.0, 1.0).asin()
    }

    /// Yaw in radians, `atan2(−x, −z)`: positive looks to the image's left.
    #[must_use]
    pub fn yaw(self) -> f32 {
        (-self.0[0]).atan2(-self.0[2])
    }
}
