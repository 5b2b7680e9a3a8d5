/// A gaze direction: a unit vector in camera coordinates, x right, y down, z away from the camera.
///
/// A person who looks at the camera has z = −1, as MPIIGaze stores it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaze([f32; 3]);

impl Gaze {
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
