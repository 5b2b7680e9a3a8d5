use std::ops::Range;

use super::Window;
use crate::camera::Camera;
use crate::solid::Ball;

/// Pixels that the hull of some balls can cover: those between pairs of parallel lines around them.
pub(super) struct Outline {
    /// The pixels between the lines along both of the image's axes.
    pub(super) window: Window,
    /// Strips along the hull's edges: columns x and rows y with low ≤ x + slope · y ≤ high.
    strips: [Option<Strip>; 3],
}

#[derive(Clone, Copy)]
struct Strip {
    slope: f32,
    low: f32,
    high: f32,
}

/// Where a ball is in the image.
struct Spot {
    /// In pixels.
    place: [f32; 2],
    /// The ray through its centre.
    ray: [f32; 2],
    /// Radius over the depth of its nearest point, in pixels: what a ball on the axis spans at most.
    reach_px: f32,
}

impl Outline {
    /// The outline of one to three balls.
    pub(super) fn new(balls: &[Ball], camera: &Camera) -> Self {
        let spots: Vec<Spot> = balls.iter().map(|ball| Spot::new(ball, camera)).collect();
        let [(left, right), (top, bottom)] = [[1.0, 0.0], [0.0, 1.0]].map(|axis| between(&spots, axis));
        let clip = |value: f32, size: usize| value.clamp(0.0, size as f32) as usize;
        let window = Window {
            left: clip(left, camera.width),
            right: clip(right + 1.0, camera.width),
            top: clip(top, camera.height),
            bottom: clip(bottom + 1.0, camera.height),
        };
        let edge = |idx: usize| {
            let to = (idx + 1) % spots.len();
            (to > idx || spots.len() > 2).then(|| Strip::along(&spots, idx, to)).flatten()
        };
        let strips = [0, 1, 2].map(|idx| if idx < spots.len() { edge(idx) } else { None });
        Self { window, strips }
    }

    /// The columns of a row that lie inside.
    pub(super) fn columns(&self, row: usize) -> Range<usize> {
        let Window { left, right, .. } = self.window;
        let y = row as f32 + 0.5;
        let (mut low, mut high) = (left as f32, right as f32);
        for Strip { slope, low: from, high: to } in self.strips.iter().flatten() {
            low = low.max(from - slope * y);
            high = high.min(to - slope * y + 1.0);
        }
        let (start, end) = (low as usize, (high.max(0.0) as usize).min(right));
        start.min(end)..end
    }
}

impl Spot {
    fn new(ball: &Ball, camera: &Camera) -> Self {
        let near = (ball.center.z - ball.radius).max(1.0);
        Self {
            place: camera.project(ball.center),
            ray: camera.ray_of(ball.center),
            reach_px: ball.radius / near * camera.px_per_unit(),
        }
    }
}

impl Strip {
    /// The strip around all spots along the line between two of them; `None` if it runs along the rows, which
    /// the window bounds.
    fn along(spots: &[Spot], from: usize, to: usize) -> Option<Self> {
        let [x, y] = [0, 1].map(|axis| spots[to].place[axis] - spots[from].place[axis]);
        let length = (x * x + y * y).sqrt();
        let axis = [y / length, -x / length];
        // Also refuses NaN, of two spots in one place.
        (axis[0].abs() > 0.05).then(|| {
            let (low, high) = between(spots, axis);
            let ends = [low / axis[0], high / axis[0]];
            Self { slope: axis[1] / axis[0], low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) }
        })
    }
}

/// Between which places along an axis, a unit vector in the image, the spots lie, with a pixel to spare.
fn between(spots: &[Spot], axis: [f32; 2]) -> (f32, f32) {
    let along = |[x, y]: [f32; 2]| x * axis[0] + y * axis[1];
    let ends = |spot: &Spot| {
        // Off the camera's axis a ball looks longer.
        let reach = spot.reach_px * (1.0 + along(spot.ray).powi(2)).sqrt() + 1.0;
        (along(spot.place) - reach, along(spot.place) + reach)
    };
    let wider = |(low, high): (f32, f32), (from, to): (f32, f32)| (low.min(from), high.max(to));
    spots.iter().map(ends).fold((f32::INFINITY, f32::NEG_INFINITY), wider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HandsConfig;
    use crate::math::{Vec3, vec3};

    fn ball(x: f32, y: f32, z: f32, radius: f32) -> Ball {
        Ball { center: vec3(x, y, z), radius }
    }

    /// The directions of a few points all over a sphere.
    fn directions() -> impl Iterator<Item = Vec3> {
        (0..400).map(|idx| {
            let (turn, z) = (idx as f32 * 2.4, (idx as f32 + 0.5) / 200.0 - 1.0);
            let across = (1.0 - z * z).sqrt();
            vec3(across * libm::cosf(turn), across * libm::sinf(turn), z)
        })
    }

    /// Every point of the balls projects into a pixel of the outline, and a slim hull's outline is slim.
    #[test]
    fn the_outline_holds_the_balls() {
        let camera = Camera::crop(&HandsConfig::default(), vec3(90.0, -70.0, 500.0));
        let cases = [
            vec![ball(90.0, -70.0, 480.0, 30.0)],
            vec![ball(30.0, -120.0, 480.0, 8.0), ball(150.0, -10.0, 520.0, 6.0)],
            vec![ball(150.0, -120.0, 420.0, 9.0), ball(60.0, -15.0, 520.0, 12.0)],
            vec![ball(60.0, -70.0, 500.0, 9.0), ball(130.0, -70.0, 500.0, 9.0)],
            vec![ball(90.0, -70.0, 450.0, 9.0), ball(90.0, -70.0, 550.0, 9.0)],
            vec![
                ball(60.0, -120.0, 480.0, 0.0),
                ball(140.0, -60.0, 500.0, 0.0),
                ball(70.0, -20.0, 500.0, 0.0),
            ],
        ];
        let mut shares = Vec::new();
        for balls in &cases {
            let outline = Outline::new(balls, &camera);
            let Window { left, right, top, bottom } = outline.window;
            for point in balls.iter().flat_map(|ball| directions().map(|d| ball.center + d * ball.radius)) {
                let [x, y] = camera.project(point);
                let (inside, columns) = ((top..bottom).contains(&(y as usize)), outline.columns(y as usize));
                assert!(inside && columns.contains(&(x as usize)), "{balls:?}: {x}, {y} in {columns:?}");
            }
            let n_pixels: usize = (top..bottom).map(|row| outline.columns(row).len()).sum();
            shares.push(n_pixels as f32 / ((right - left) * (bottom - top)) as f32);
        }
        assert!(shares[1] < 0.4 && shares[2] < 0.5 && shares[5] < 0.7, "{shares:?}");
    }
}
