//! Fits UnityEyes' control mesh of one shape to a gaze: the lids turn with the eye and lie on it. Coordinates
//! are Unity's, in cm: x to the inner corner, y up, z out of the face, with the eyeball's centre at the
//! origin.

use super::topology::{CARUNCLE, HINGE, LOOPS, MARGIN, N_COLUMNS, N_CONTROL, OUTER_CORNER, UPPER_PEAK};
use crate::math::{Vec3, lerp, vec3};

/// Share of the margin's movement that each loop follows.
const STRENGTH: [f32; 6] = [1.0, 1.0, 1.0, 0.8, 0.4, 0.2];

/// The spheres of the eye against which rays are cast: the colliders of UnityEyes' scene.
const SCLERA_RADIUS: f32 = 1.203_115_5;
const CORNEA_RADIUS: f32 = 0.799_128_3;
const CORNEA_OFFSET: f32 = 0.5;

/// The control mesh with lids that follow the gaze.
pub(super) struct Lids {
    pub(super) points: Vec<Vec3>,
    /// Angle below the horizon that the lids follow, in degrees.
    pitch_down_deg: f32,
    /// Centre of the corneal sphere.
    cornea: Vec3,
    /// Scale of the lids' movement: 0.4 for an eye that looks up, 1 for one that looks down.
    openness: f32,
}

impl Lids {
    /// Fits the lids. `points` is the relaxed control mesh, `gaze` the unit gaze vector, and `pitch_down_deg`
    /// the angle below the horizon that the lids follow.
    pub(super) fn new(points: Vec<Vec3>, gaze: Vec3, pitch_down_deg: f32) -> Self {
        debug_assert_eq!(points.len(), N_CONTROL, "the topology is that of UnityEyes' mesh");
        let raised = (1.0 - (pitch_down_deg + 20.0) / 40.0).clamp(0.0, 1.0);
        let openness = lerp(1.0, 0.4, raised);
        let mut lids = Self { points, pitch_down_deg, cornea: gaze * CORNEA_OFFSET, openness };
        // Turning moves the margin off the eye and wrapping puts it back. Both may cross the lids, so that is
        // mended last.
        lids.turn();
        lids.wrap();
        lids.uncross();
        lids
    }

    /// Turns the inner four loops about the line between the eye's corners; the outer two move along.
    fn turn(&mut self) {
        let peak = self.points[UPPER_PEAK];
        let spread = angle_deg(peak, peak - vec3(0.0, 0.62, 0.0)) / 20.0;
        let mut before = [Vec3::default(); N_COLUMNS];
        for (idx, columns) in LOOPS[..4].iter().enumerate() {
            let turn = self.pitch_down_deg * STRENGTH[idx] * self.openness;
            let corner = columns[OUTER_CORNER];
            self.points[corner] = rotated(self.points[corner], vec3(0.0, 0.0, 1.0), turn * 0.15);
            let axis = (self.points[HINGE] - self.points[corner]).normalized();
            before = columns.map(|vertex| self.points[vertex]);
            for (column, vertex) in columns.iter().enumerate() {
                let share = if column < OUTER_CORNER { spread } else { spread / 3.0 };
                let pivot = self.points[HINGE].lerp(Vec3::default(), pivot_share(column));
                self.points[*vertex] = pivot + rotated(self.points[*vertex] - pivot, axis, turn * share);
            }
        }
        for column in 0..N_COLUMNS {
            let moved = self.points[LOOPS[3][column]] - before[column];
            self.points[LOOPS[4][column]] += moved * 0.5;
            self.points[LOOPS[5][column]] += moved * 0.25;
        }
    }

    /// Closes the margin where the lower lid lies above the upper one, as in the inner corner of a few
    /// shapes.
    fn uncross(&mut self) {
        for (upper, lower) in MARGIN[1..8].iter().zip(MARGIN[9..].iter().rev()) {
            let [above, below] = [self.points[*upper], self.points[*lower]];
            if above.y < below.y {
                let middle = above.lerp(below, 0.5);
                (self.points[*upper], self.points[*lower]) = (middle, middle);
            }
        }
    }

    /// Moves the margin onto the eye, and the rest of the lids with it.
    fn wrap(&mut self) {
        let mut offsets = [Vec3::default(); N_CONTROL];
        for vertex in MARGIN {
            let outward = self.points[vertex].normalized();
            offsets[vertex] = outward * -self.height(self.points[vertex], outward);
            self.points[vertex] += offsets[vertex];
        }
        self.settle_inner_corner();
        self.follow_with_caruncle(&mut offsets);
        self.keep_thickness();
        for (columns, strength) in LOOPS.iter().zip(STRENGTH).skip(1) {
            for (vertex, margin) in columns.iter().zip(LOOPS[0]) {
                self.points[*vertex] += offsets[margin] * strength;
            }
        }
    }

    /// Puts the inner corner midway between its neighbours, in front of the eye.
    fn settle_inner_corner(&mut self) {
        let ahead = vec3(0.0, 0.0, 1.0);
        let middle = self.points[0].lerp(self.points[13], 0.5);
        self.points[12] = middle + ahead * (-self.height(middle, ahead)).max(0.0);
    }

    /// Moves the caruncle with the margin next to it.
    fn follow_with_caruncle(&mut self, offsets: &mut [Vec3; N_CONTROL]) {
        offsets[27] = offsets[12] * 0.9;
        offsets[25] = (offsets[13] + offsets[12]) * 0.45;
        offsets[28] = (offsets[0] + offsets[12]) * 0.45;
        let inside = (offsets[25] + offsets[27] + offsets[28]) * 0.3;
        (offsets[30], offsets[31], offsets[32]) = (inside, inside, inside);
        offsets[33] = inside * 0.9;
        for vertex in CARUNCLE {
            self.points[vertex] += offsets[vertex];
        }
    }

    /// Pushes the lids' outside away from the eye where it comes too close.
    fn keep_thickness(&mut self) {
        for columns in &LOOPS[2..5] {
            for (column, vertex) in columns.iter().enumerate() {
                let thickness = self.openness * if column < OUTER_CORNER { 0.25 } else { 0.125 };
                let outward = self.points[*vertex].normalized();
                let missing = thickness - self.height(self.points[*vertex], outward);
                self.points[*vertex] += outward * missing.max(0.0);
            }
        }
    }

    /// Returns the distance of `point` from the eye's surface along −`outward`, negative inside and 0 if the
    /// ray misses.
    fn height(&self, point: Vec3, outward: Vec3) -> f32 {
        // The ray starts 1 cm further out, so that it also meets the surface above a point inside the eye.
        let origin = point + outward;
        let sclera = hit(origin, outward, Vec3::default(), SCLERA_RADIUS);
        let cornea = hit(origin, outward, self.cornea, CORNEA_RADIUS);
        let nearest = sclera.into_iter().chain(cornea).fold(f32::INFINITY, f32::min);
        if nearest.is_finite() { nearest - 1.0 } else { 0.0 }
    }
}

/// Returns the distance from `origin` along −`outward` to a sphere, if that lies ahead.
fn hit(origin: Vec3, outward: Vec3, center: Vec3, radius: f32) -> Option<f32> {
    let from_center = origin - center;
    let along = from_center.dot(outward);
    let under = along * along - from_center.dot(from_center) + radius * radius;
    let distance = along - under.max(0.0).sqrt();
    (under >= 0.0 && distance >= 0.0).then_some(distance)
}

/// Returns the position of a column's pivot, from 0 (the hinge) to 1 (the eyeball's centre).
fn pivot_share(column: usize) -> f32 {
    let column = column as f32;
    let share = if column <= 5.0 {
        column / 5.0
    } else if column <= 10.0 {
        (10.0 - column) / 4.0
    } else if column <= 14.0 {
        1.0 - (14.0 - column) / 4.0
    } else {
        (20.0 - column) / 5.0
    };
    share.clamp(0.0, 1.0)
}

/// Rotates by Rodrigues' formula; `axis` is a unit vector.
fn rotated(point: Vec3, axis: Vec3, angle_deg: f32) -> Vec3 {
    let (sin, cos) = crate::math::sin_cos(angle_deg.to_radians());
    point * cos + axis.cross(point) * sin + axis * (axis.dot(point) * (1.0 - cos))
}

fn angle_deg(a: Vec3, b: Vec3) -> f32 {
    libm::acosf((a.dot(b) / (a.length() * b.length())).clamp(-1.0, 1.0)).to_degrees()
}
