use super::ray;
use crate::solid::Ball;

impl Ball {
    /// The depth at which the ray (x, y, 1) meets the ball; NaN if it does not.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let ray = ray(x, y);
        let squared = ray.dot(ray);
        // The ray starts at the centre's depth: small numbers keep the digits that `f32` has.
        let start = ray * self.center.z - self.center;
        let b = ray.dot(start);
        let root = (b * b - squared * (start.dot(start) - self.radius * self.radius)).sqrt();
        self.center.z + (-b - root) / squared
    }
}
