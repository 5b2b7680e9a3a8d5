//! Vectors and rotations. Sines and cosines come from `libm`, because the platforms' own differ in the last
//! bit and renders must not.

use std::ops::{Add, Mul, Neg, Sub};

/// A point in mm or a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Vec3 {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

pub(crate) const fn vec3(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3 { x, y, z }
}

impl Vec3 {
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

    /// Scales to length 1; the zero vector becomes +y.
    pub(crate) fn normalized(self) -> Self {
        let length = self.length();
        if length > 1e-12 { self * (1.0 / length) } else { vec3(0.0, 1.0, 0.0) }
    }

    /// The part that is perpendicular to the unit vector `axis`, scaled to length 1.
    pub(crate) fn across(self, axis: Self) -> Self {
        (self - axis * self.dot(axis)).normalized()
    }

    pub(crate) fn lerp(self, other: Self, t: f32) -> Self {
        self + (other - self) * t
    }
}

#[cfg(test)]
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

/// Turns `v` about the unit vector `axis`, counterclockwise seen from its tip.
pub(crate) fn turned(v: Vec3, axis: Vec3, angle_deg: f32) -> Vec3 {
    let (sin, cos) = libm::sincosf(angle_deg.to_radians());
    v * cos + axis.cross(v) * sin + axis * (axis.dot(v) * (1.0 - cos))
}

/// Three axes, perpendicular to each other: where x, y and z are turned to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation([Vec3; 3]);

impl Rotation {
    pub(crate) const fn from_axes(axes: [Vec3; 3]) -> Self {
        Self(axes)
    }

    /// Turns this rotation further, about an axis of the space that it leads to.
    pub(crate) fn then(self, axis: Vec3, angle_deg: f32) -> Self {
        Self(self.0.map(|own| turned(own, axis, angle_deg)))
    }

    pub(crate) fn apply(&self, v: Vec3) -> Vec3 {
        self.0[0] * v.x + self.0[1] * v.y + self.0[2] * v.z
    }
}
