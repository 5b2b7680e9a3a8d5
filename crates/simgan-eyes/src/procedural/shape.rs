//! The face round one eye as a height field over the frontal plane, and the ring mesh that samples it.

use super::Identity;
use super::subject::Lids;
use crate::math::{Vec3, bump, lerp, sin_cos, smooth_max, smoothstep, vec3};
use crate::render::{Eyeball, Front, Margin};

/// The lids' edges and the face of one person at one moment.
pub(super) struct Face<'a> {
    pub(super) who: &'a Identity,
    eye: Front,
    pub(super) margin: Margin,
    /// How far the upper lid lies below its height when the eye looks ahead, in mm.
    pub(super) lowered_mm: f32,
    /// Distance of the upper lid's crease from the margin.
    pub(super) crease_mm: f32,
    /// Heights of the upper and the lower lid's folds on each ring, in mm.
    folds: [[f32; 2]; N_RINGS],
    /// The direction along which each column leaves the eye.
    outward: [[f32; 2]; N_COLUMNS],
}

/// Points of one margin, corners included.
pub(super) const N_LID: usize = 33;

/// Heights of the surfaces under the skin at a place in the frontal plane.
#[derive(Clone, Copy)]
pub(super) struct Under {
    /// The eye's front.
    pub(super) eye: f32,
    /// The face without the lids' bulge.
    base: f32,
}

impl Under {
    /// Returns the height of the surface under the lids' edges: the eye and, towards the corners, the flesh
    /// that joins them.
    pub(super) fn opening(self) -> f32 {
        smooth_max(self.eye + 0.05, self.base - 1.0, 1.5)
    }
}

/// A place on the skin: its position in the frontal plane, its distance from the lid's margin, and its side,
/// from 0 (lower lid) to 1 (upper lid).
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) from_margin_mm: f32,
    pub(super) upper: f32,
}

impl<'a> Face<'a> {
    pub(super) fn new(who: &'a Identity, lids: &Lids, eye: &Eyeball) -> Self {
        let gaze_y = eye.rotation.apply(vec3(0.0, 0.0, eye.limbus_offset)).y;
        let lower = who.lower_mm + lids.lower_mm - lids.lower_follow * gaze_y;
        let lower = lower.clamp(1.2, 8.5);
        let rest = who.upper_mm + lids.upper_mm;
        // At least a slit stays open, except in a blink: a hidden iris has no label.
        let upper = (rest + lids.upper_follow * gaze_y).clamp(3.6 - lower, 9.5);
        let upper = lerp(upper, 0.05 - lower, lids.closed);
        let lowered_mm = (rest - upper).max(-3.0);
        let mut face = Self {
            who,
            eye: eye.front(),
            margin: Margin { upper: Vec::new(), lower: Vec::new() },
            lowered_mm,
            // The skin unfolds as the lid goes down.
            crease_mm: (who.crease_mm + 0.75 * lowered_mm).clamp(1.6, 10.0),
            folds: [[0.0; 2]; N_RINGS],
            outward: std::array::from_fn(outward),
        };
        face.folds = RINGS_MM.map(|d| [face.upper_fold(d), face.lower_fold(d)]);
        face.margin.upper = face.edge(upper, who.upper_curve);
        face.margin.lower = face.edge(-lower, who.lower_curve);
        face
    }

    /// Returns the points of a margin on the eye, denser towards the corners.
    fn edge(&self, height_mm: f32, [inner, outer]: [f32; 2]) -> Vec<Vec3> {
        let peak = inner / (inner + outer);
        let curve = |t: f32| libm::powf(t, inner) * libm::powf(1.0 - t, outer);
        let scale = height_mm / curve(peak);
        let point = |step: usize| {
            let t = 0.5 - 0.5 * sin_cos(std::f32::consts::PI * step as f32 / (N_LID - 1) as f32).1;
            let t = t.clamp(0.0, 1.0);
            // The margins share their corners, which rounding must not lift.
            let rise = if step == 0 || step == N_LID - 1 { 0.0 } else { curve(t) * scale };
            let x = lerp(self.who.inner[0], self.who.outer[0], t);
            let y = lerp(self.who.inner[1], self.who.outer[1], t) + rise;
            vec3(x, y, self.under(x, y).opening())
        };
        (0..N_LID).map(point).collect()
    }

    /// Returns the heights of the surfaces under the skin.
    pub(super) fn under(&self, x: f32, y: f32) -> Under {
        Under { eye: self.eye.height(x, y), base: self.base(x, y) }
    }

    /// Returns the height of the face without the lids' bulge.
    fn base(&self, x: f32, y: f32) -> f32 {
        let who = self.who;
        let across = if x > 0.0 { -0.020 * x * x } else { -0.010 * x * x };
        let nose = who.nose_mm * smoothstep(-15.0, -32.0, x) * smoothstep(30.0, -5.0, y);
        let brow = who.brow_ridge_mm * bump((y - who.brow_y_mm) / 9.0);
        let above = if y > who.brow_y_mm {
            who.brow_ridge_mm * 0.8 * smoothstep(0.0, 12.0, y - who.brow_y_mm)
        } else {
            0.0
        };
        let cheek = 4.0 * smoothstep(-9.0, -24.0, y);
        7.8 + who.socket_mm + across + nose + brow.max(above) + cheek
    }

    /// Returns the height of the skin over the surfaces `under` it, on a side from 0 (lower lid) to 1 (upper
    /// lid).
    fn skin(&self, under: Under, upper: f32, ring: usize) -> f32 {
        let surface = smooth_max(under.eye + self.who.lid_thickness_mm, under.base, 2.4);
        let [upper_fold, lower_fold] = self.folds[ring];
        surface + upper * upper_fold + (1.0 - upper) * lower_fold
    }

    fn upper_fold(&self, d: f32) -> f32 {
        let crease = self.crease_mm;
        let deep = self.who.crease_depth_mm * smoothstep(6.0, 0.0, self.lowered_mm);
        let hang = self.who.fold_mm * smoothstep(7.0, 0.0, self.lowered_mm);
        hang * bump((d - crease - 2.2) / 2.0) - deep * bump((d - crease) / 0.8)
    }

    fn lower_fold(&self, d: f32) -> f32 {
        self.who.bag_mm * (bump((d - 6.0) / 2.5) - 0.8 * bump((d - 9.5) / 1.6)) - 0.25 * bump((d - 3.0) / 0.8)
    }
}

/// Distances of the mesh's rings from the margin in mm; the last ring is the face's border.
const RINGS_MM: [f32; 22] = [
    0.0, 0.3, 0.8, 1.3, 1.9, 2.5, 3.1, 3.7, 4.4, 5.1, 5.8, 6.6, 7.5, 8.5, 9.7, 11.0, 12.7, 15.0, 18.0, 22.0,
    28.0, 36.0,
];
pub(super) const N_RINGS: usize = RINGS_MM.len();
/// Columns of the mesh round the eye: one for each point of both margins, with the shared corners counted
/// once.
pub(super) const N_COLUMNS: usize = 2 * (N_LID - 1);

impl Face<'_> {
    /// Returns the margin's point of a column. Columns run from the inner corner along the upper lid and back
    /// along the lower.
    pub(super) fn margin_at(&self, column: usize) -> Vec3 {
        if column < N_LID { self.margin.upper[column] } else { self.margin.lower[N_COLUMNS - column] }
    }

    /// Returns the place of a point of the skin on a ring of a column.
    pub(super) fn place(&self, point: Vec3, column: usize, ring: usize) -> Place {
        let Vec3 { x, y, .. } = point;
        Place { x, y, from_margin_mm: RINGS_MM[ring], upper: side(self.outward[column][1]) }
    }

    /// Returns the skin's points in a column, ring by ring.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = Vec3> + '_ {
        let margin = self.margin_at(column);
        let [outward_x, outward_y] = self.outward[column];
        let upper = side(outward_y);
        RINGS_MM.iter().enumerate().map(move |(ring, d)| {
            let (x, y) = (margin.x + outward_x * d, margin.y + outward_y * d);
            let under = self.under(x, y);
            let height = match ring {
                0 => margin.z,
                1 => lerp(margin.z, self.skin(under, upper, ring), 0.75),
                // Folds are cut into the skin, which must stay in front of the lining and the eye.
                _ => self.skin(under, upper, ring).max(under.opening() + 0.4),
            };
            vec3(x, y, height)
        })
    }
}

/// Returns the side, from 0 (lower lid) to 1 (upper lid), of a column that leaves the eye along `outward_y`.
fn side(outward_y: f32) -> f32 {
    smoothstep(-0.35, 0.35, outward_y)
}

/// Returns the unit vector along which a column leaves the eye.
fn outward(column: usize) -> [f32; 2] {
    let (sin, cos) = sin_cos(std::f32::consts::TAU * column as f32 / N_COLUMNS as f32);
    [-cos, sin]
}
