//! The flat sides of the convex hull of three balls; the rest of it are the hulls of the pairs.

use super::ray;
use crate::math::Vec3;
use crate::solid::Ball;

/// A triangle of a plane that touches three balls.
pub(super) struct Facet {
    corners: [Vec3; 3],
    /// Outward, of any length.
    normal: Vec3,
    /// The edges' inward normals within the plane.
    inward: [Vec3; 3],
}

impl Facet {
    /// The two sides; `None` for each that does not exist because one ball is covered by the other two.
    pub(super) fn of(balls: [Ball; 3]) -> [Option<Self>; 2] {
        let [first, second, third] = balls;
        let (u, v) = (second.center - first.center, third.center - first.center);
        // The plane's unit normal n fulfils n·u = r₀ − r₁ and n·v = r₀ − r₂: n = αu + βv ± γw.
        let (du, dv) = (first.radius - second.radius, first.radius - third.radius);
        let (uu, uv, vv) = (u.dot(u), u.dot(v), v.dot(v));
        let area = uu * vv - uv * uv;
        let flat = u * ((du * vv - dv * uv) / area) + v * ((dv * uu - du * uv) / area);
        let gamma = 1.0 - flat.dot(flat);
        let w = u.cross(v).normalized();
        [1.0, -1.0].map(|side| {
            // Also refuses NaN, of three centres on a line.
            (area > 1e-3 && gamma > 0.0).then(|| Self::new(balls, flat + w * (side * gamma.sqrt())))
        })
    }

    fn new(balls: [Ball; 3], normal: Vec3) -> Self {
        let corners = balls.map(|ball| ball.center + normal * ball.radius);
        let edge = |idx: usize| corners[(idx + 1) % 3] - corners[idx];
        // Corners may run either way round the normal.
        let turn = if edge(0).cross(edge(1)).dot(normal) < 0.0 { -1.0 } else { 1.0 };
        let inward = [0, 1, 2].map(|idx| normal.cross(edge(idx)) * turn);
        Self { corners, normal, inward }
    }

    /// The depth at which the ray (x, y, 1) meets the triangle from outside; infinite if it does not. It has
    /// no branch, so that a row of pixels is computed at once.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let ray = ray(x, y);
        let facing = self.normal.dot(ray);
        let depth = self.normal.dot(self.corners[0]) / facing;
        let at = ray * depth;
        let is_inside = |idx: usize| self.inward[idx].dot(at - self.corners[idx]) >= 0.0;
        let is_met = (facing < 0.0) & is_inside(0) & is_inside(1) & is_inside(2);
        if is_met { depth } else { f32::INFINITY }
    }

    /// Whether the camera, which is at the origin, sees its outer side.
    pub(super) fn faces_camera(&self) -> bool {
        self.normal.dot(self.corners[0]) < 0.0
    }

    /// Its corners.
    pub(super) fn corners(&self) -> [Ball; 3] {
        self.corners.map(|center| Ball { center, radius: 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::vec3;

    /// Both sides touch all three balls, and the balls lie behind them.
    #[test]
    fn sides_touch_all_balls() {
        let ball = |x: f32, y: f32, z: f32, radius: f32| Ball { center: vec3(x, y, z), radius };
        let balls = [ball(0.0, 0.0, 600.0, 10.0), ball(60.0, 5.0, 610.0, 14.0), ball(20.0, 70.0, 590.0, 8.0)];
        let sides: Vec<Facet> = Facet::of(balls).into_iter().flatten().collect();
        assert_eq!(sides.len(), 2);
        for side in &sides {
            assert!((side.normal.length() - 1.0).abs() < 1e-5);
            for ball in balls {
                let distance = side.normal.dot(ball.center - side.corners[0]);
                assert!((distance + ball.radius).abs() < 1e-2, "{distance}");
            }
        }
        let seen = |side: &Facet| side.depth(25.0 / 600.0, 25.0 / 600.0).is_finite();
        assert_eq!(sides.iter().filter(|side| seen(side)).count(), 1, "one side faces the camera");
    }

    #[test]
    fn degenerate_triples_have_no_sides() {
        let ball = |x: f32, radius: f32| Ball { center: vec3(x, 0.0, 600.0), radius };
        assert!(Facet::of([ball(0.0, 5.0), ball(10.0, 5.0), ball(20.0, 5.0)]).iter().all(Option::is_none));
        let inner = Ball { center: vec3(5.0, 1.0, 600.0), radius: 1.0 };
        assert!(Facet::of([ball(0.0, 30.0), ball(10.0, 5.0), inner]).iter().all(Option::is_none));
    }
}
