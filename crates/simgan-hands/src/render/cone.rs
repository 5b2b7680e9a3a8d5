//! The side of the convex hull of two balls.

use super::ray;
use crate::math::Vec3;
use crate::solid::Ball;

/// The part of the cone that touches two balls which lies between them; the rest of their hull are the balls.
///
/// With the unit vector `axis` from the first centre and sin α = (r₀ − r₁) / length, the cone is where a
/// point's distance ρ from the axis and place y along it fulfil ρ cos α + y sin α = r₀.
pub(super) struct Cone {
    balls: [Ball; 2],
    axis: Vec3,
    length: f32,
    /// Sine of the cone's half angle.
    sin: f32,
}

impl Cone {
    /// The side of two balls' hull; `None` if one contains the other.
    pub(super) fn new(balls: [Ball; 2]) -> Option<Self> {
        let between = balls[1].center - balls[0].center;
        let length = between.length();
        let sin = (balls[0].radius - balls[1].radius) / length.max(1e-6);
        (sin.abs() < 1.0).then(|| Self { balls, axis: between.normalized(), length, sin })
    }

    /// The balls that it joins.
    pub(super) fn balls(&self) -> [Ball; 2] {
        self.balls
    }

    /// The depth at which the ray (x, y, 1) meets the cone between the circles in which it touches the balls;
    /// infinite or NaN if it does not. It has no branch, so that a row of pixels is computed at once.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let ray = ray(x, y);
        let squared = ray.dot(ray);
        let (Ball { center, radius }, sin) = (self.balls[0], self.sin);
        let cos2 = 1.0 - sin * sin;
        // As for a ball, the ray starts at the first centre's depth.
        let start = ray * center.z - center;
        let (along, at) = (ray.dot(self.axis), start.dot(self.axis));
        let a = cos2 * squared - along * along;
        let b = cos2 * ray.dot(start) - along * at + radius * sin * along;
        let c = cos2 * start.dot(start) - at * at + 2.0 * radius * sin * at - radius * radius;
        // NaN where the ray misses.
        let root = (b * b - a * c).sqrt();
        let valid = |t: f32| {
            let part = at + t * along - radius * sin;
            if (part >= 0.0) & (part <= self.length * cos2) { center.z + t } else { f32::INFINITY }
        };
        // The hull is convex: its surface is met first at the smaller of the valid depths.
        valid((-b - root) / a).min(valid((-b + root) / a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::vec3;

    fn ball(x: f32, y: f32, z: f32, radius: f32) -> Ball {
        Ball { center: vec3(x, y, z), radius }
    }

    /// The signed distance of a point from the hull of two balls: the smallest from the balls between them.
    fn distance(balls: [Ball; 2], point: Vec3) -> f32 {
        let steps = 400;
        let between = (0..=steps).map(|step| {
            let t = step as f32 / steps as f32;
            let radius = balls[0].radius + (balls[1].radius - balls[0].radius) * t;
            (point - balls[0].center.lerp(balls[1].center, t)).length() - radius
        });
        between.fold(f32::INFINITY, f32::min)
    }

    /// Every ray stops on the surface, and those that miss pass it by.
    #[test]
    fn rays_end_on_the_surface() {
        let cases = [
            [ball(0.0, 0.0, 600.0, 10.0), ball(20.0, 30.0, 640.0, 6.0)],
            [ball(-15.0, 0.0, 700.0, 12.0), ball(-15.0, 1.0, 640.0, 9.0)],
            [ball(3.0, 3.0, 500.0, 20.0), ball(4.0, 3.0, 502.0, 5.0)],
            [ball(0.0, 0.0, 500.0, 8.0), ball(0.0, 60.0, 500.0, 8.0)],
        ];
        for balls in cases {
            let cone = Cone::new(balls);
            let of_cone = |x, y| cone.as_ref().map_or(f32::NAN, |cone| cone.depth(x, y));
            let mut n_hit = 0;
            for (col, row) in (0..60).flat_map(|col| (0..60).map(move |row| (col, row))) {
                let [x, y] = [col, row].map(|at| (at as f32 - 30.0) * 0.004);
                // `f32::min` passes NaN over.
                let depth = balls.iter().fold(of_cone(x, y), |depth, ball| depth.min(ball.depth(x, y)));
                if depth.is_finite() {
                    n_hit += 1;
                    let found = distance(balls, vec3(x, y, 1.0) * depth);
                    assert!(found.abs() < 0.02, "{balls:?} at {x}, {y}: {found} from the surface");
                } else if (col + row) % 5 == 0 {
                    let nearest = (200..400).map(|z| distance(balls, vec3(x, y, 1.0) * (2 * z) as f32));
                    assert!(nearest.fold(f32::INFINITY, f32::min) > -0.3, "{balls:?} missed at {x}, {y}");
                }
            }
            assert!(n_hit > 40, "{n_hit}");
        }
    }
}
