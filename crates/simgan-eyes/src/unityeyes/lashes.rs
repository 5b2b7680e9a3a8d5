use super::topology::LOOPS;
use crate::math::{Vec3, vec3};
use crate::random::Stream;
use crate::render::Hair;

/// Grows lashes at random places along the loops' columns 3 to 9 and 11 to 17, where UnityEyes' guide hairs
/// are. `opacity` is the upper lid's.
pub(super) fn lashes(control: &[Vec3], opacity: f32, rng: &mut Stream) -> Vec<Hair> {
    const N_UPPER: usize = 120;
    const N_LOWER: usize = 55;
    let upper = Lid { control, first: 3.0, last: 9.4, up: 1.0, length_mm: 8.0, bend_deg: -20.0, opacity };
    let lower = Lid {
        control,
        first: 11.0,
        last: 17.0,
        up: -1.0,
        length_mm: 4.6,
        bend_deg: -18.0,
        opacity: 0.5 * opacity,
    };
    let mut hairs: Vec<Hair> = (0..N_UPPER).map(|_| upper.hair(rng)).collect();
    hairs.extend((0..N_LOWER).map(|_| lower.hair(rng)));
    hairs
}

/// One lid's lashes: the columns along which they grow, their length and bend.
struct Lid<'a> {
    control: &'a [Vec3],
    first: f32,
    last: f32,
    up: f32,
    length_mm: f32,
    bend_deg: f32,
    opacity: f32,
}

impl Lid<'_> {
    fn hair(&self, rng: &mut Stream) -> Hair {
        let column = rng.uniform(self.first, self.last);
        let edge = self.along(1, column);
        let root = edge.lerp(self.along(2, column), rng.uniform(0.05, 0.35));
        let tangent = (self.along(1, column + 0.5) - self.along(1, column - 0.5)).normalized();
        // Turning about the tangent leans the hair over and then curls it back. The tangent runs outwards on
        // the upper lid and inwards on the lower.
        let lean = rng.normal(35.0, 5.0);
        let start = rotated(root.normalized(), tangent, lean);
        let start = (start + tangent * (self.up * rng.normal(0.0, 0.18))).normalized();
        let step = self.length_mm * rng.uniform(0.6, 1.05) / (Hair::N - 1) as f32;
        let mut points = [root; Hair::N];
        let mut direction = start;
        for idx in 1..Hair::N {
            points[idx] = points[idx - 1] + direction * step;
            direction = rotated(direction, tangent, self.bend_deg * 1.2);
        }
        let (width_mm, color) = (rng.uniform(0.07, 0.14), vec3(0.05, 0.04, 0.04));
        Hair { points, width_mm, color, opacity: self.opacity * rng.uniform(0.5, 1.0) }
    }

    /// Interpolates a loop between two columns.
    fn along(&self, loop_idx: usize, column: f32) -> Vec3 {
        let idx = column as usize;
        let columns = &LOOPS[loop_idx];
        let at = |idx: usize| self.control[columns[idx % columns.len()]];
        at(idx).lerp(at(idx + 1), column - idx as f32)
    }
}

/// Rotates by Rodrigues' formula; `axis` is a unit vector.
fn rotated(vector: Vec3, axis: Vec3, angle_deg: f32) -> Vec3 {
    let (sin, cos) = crate::math::sin_cos(angle_deg.to_radians());
    vector * cos + axis.cross(vector) * sin + axis * (axis.dot(vector) * (1.0 - cos))
}
