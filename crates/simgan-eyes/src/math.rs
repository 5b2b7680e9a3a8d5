//! Small vectors and the few transcendental functions that are needed. These come from `libm`, because the
//! platforms' own differ in the last bit and renders must not.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use serde::{Deserialize, Serialize};

/// Three numbers: a point in mm, a direction, or linear red, green and blue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 3]", into = "[f32; 3]")]
pub(crate) struct Vec3 {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

/// Linear red, green, blue in x, y, z.
pub(crate) type Color = Vec3;

pub(crate) const fn vec3(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3 { x, y, z }
}

impl Vec3 {
    pub(crate) const fn splat(value: f32) -> Self {
        vec3(value, value, value)
    }

    pub(crate) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(crate) fn cross(self, other: Self) -> Self {
        vec3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// Scales to length 1; the zero vector becomes +z.
    pub(crate) fn normalized(self) -> Self {
        let length = self.length();
        if length > 1e-12 { self * (1.0 / length) } else { vec3(0.0, 0.0, 1.0) }
    }

    /// Multiplies component by component, as a filter does with a colour.
    pub(crate) fn times(self, other: Self) -> Self {
        vec3(self.x * other.x, self.y * other.y, self.z * other.z)
    }

    pub(crate) fn lerp(self, other: Self, t: f32) -> Self {
        self + (other - self) * t
    }

    /// Rec. 601 luma.
    pub(crate) fn luma(self) -> f32 {
        0.299 * self.x + 0.587 * self.y + 0.114 * self.z
    }
}

impl From<[f32; 3]> for Vec3 {
    fn from([x, y, z]: [f32; 3]) -> Self {
        vec3(x, y, z)
    }
}

impl From<Vec3> for [f32; 3] {
    fn from(v: Vec3) -> Self {
        [v.x, v.y, v.z]
    }
}

impl Add for Vec3 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        vec3(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl AddAssign for Vec3 {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Vec3 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        vec3(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Neg for Vec3 {
    type Output = Self;
    fn neg(self) -> Self {
        vec3(-self.x, -self.y, -self.z)
    }
}

impl Mul<f32> for Vec3 {
    type Output = Self;
    fn mul(self, scale: f32) -> Self {
        vec3(self.x * scale, self.y * scale, self.z * scale)
    }
}

/// A rotation matrix, stored by rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation([Vec3; 3]);

impl Rotation {
    /// Rolls about +z, then turns +z up by `pitch` and towards −x by `yaw` (radians).
    pub(crate) fn from_pitch_yaw_roll(pitch: f32, yaw: f32, roll: f32) -> Self {
        Self::about_y(-yaw) * Self::about_x(-pitch) * Self::about_z(roll)
    }

    pub(crate) fn about_x(angle: f32) -> Self {
        let (s, c) = sin_cos(angle);
        Self([vec3(1.0, 0.0, 0.0), vec3(0.0, c, -s), vec3(0.0, s, c)])
    }

    pub(crate) fn about_y(angle: f32) -> Self {
        let (s, c) = sin_cos(angle);
        Self([vec3(c, 0.0, s), vec3(0.0, 1.0, 0.0), vec3(-s, 0.0, c)])
    }

    pub(crate) fn about_z(angle: f32) -> Self {
        let (s, c) = sin_cos(angle);
        Self([vec3(c, -s, 0.0), vec3(s, c, 0.0), vec3(0.0, 0.0, 1.0)])
    }

    pub(crate) fn from_rows(rows: [Vec3; 3]) -> Self {
        Self(rows)
    }

    pub(crate) fn row(&self, index: usize) -> Vec3 {
        self.0[index]
    }

    pub(crate) fn transposed(&self) -> Self {
        let [a, b, c] = self.0;
        Self([vec3(a.x, b.x, c.x), vec3(a.y, b.y, c.y), vec3(a.z, b.z, c.z)])
    }

    /// The rotation vector: the axis times the angle in radians, less than half a turn.
    pub(crate) fn vector(&self) -> [f32; 3] {
        let [a, b, c] = self.0;
        let twice_sine = [c.y - b.z, a.z - c.x, b.x - a.y];
        let cosine = 0.5 * (a.x + b.y + c.z - 1.0);
        let sine = 0.5 * twice_sine.iter().map(|value| value * value).sum::<f32>().sqrt();
        // The angle over its sine, which is 1 for small angles.
        let factor = if sine > 1e-6 { libm::atan2f(sine, cosine) / sine } else { 1.0 };
        twice_sine.map(|value| 0.5 * factor * value)
    }

    pub(crate) fn apply(&self, v: Vec3) -> Vec3 {
        vec3(self.0[0].dot(v), self.0[1].dot(v), self.0[2].dot(v))
    }
}

impl Mul for Rotation {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let columns = other.transposed();
        Self(self.0.map(|row| columns.apply(row)))
    }
}

pub(crate) fn sin_cos(angle: f32) -> (f32, f32) {
    libm::sincosf(angle)
}

/// `exp(-x²)`, cut to 0 where it no longer counts.
pub(crate) fn bump(x: f32) -> f32 {
    if x.abs() > 4.0 { 0.0 } else { libm::expf(-x * x) }
}

/// Rises smoothly from 0 at `from` to 1 at `to`; falls if `from > to`.
pub(crate) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Rounds a number within ±2²² down. `f32::floor` is a library call on many machines, and a conversion by `as`
/// takes care of every number, while this serves every sample.
pub(crate) fn floor(x: f32) -> i32 {
    // Numbers from 2²³ to 2²⁴ have no fraction, so adding one rounds, and their lowest bits are the integer.
    const SHIFT: f32 = 12_582_912.0;
    let shifted = x + SHIFT;
    let rounded = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    if shifted - SHIFT > x { rounded.wrapping_sub(1) } else { rounded }
}

pub(crate) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// The larger of two values, rounded where they differ by less than `radius`.
pub(crate) fn smooth_max(a: f32, b: f32, radius: f32) -> f32 {
    let h = (radius - (a - b).abs()).max(0.0) / radius;
    a.max(b) + h * h * radius * 0.25
}

/// Returns the unit vector of a pitch (up) and yaw (towards −x) in radians; y is up, z towards the viewer.
pub(crate) fn direction(pitch: f32, yaw: f32) -> Vec3 {
    Rotation::from_pitch_yaw_roll(pitch, yaw, 0.0).apply(vec3(0.0, 0.0, 1.0))
}

/// Inverts [`direction`] for a unit vector.
pub(crate) fn pitch_yaw(direction: Vec3) -> (f32, f32) {
    (libm::asinf(direction.y.clamp(-1.0, 1.0)), libm::atan2f(-direction.x, direction.z))
}

/// Scales a colour to the given luma.
pub(crate) fn with_luma(color: Color, luma: f32) -> Color {
    color * (luma / color.luma())
}
