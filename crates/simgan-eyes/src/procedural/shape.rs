//! The face round one eye as a height field over the frontal plane, and the ring mesh that samples it.

use super::Identity;
use super::subject::Lids;
use crate::math::{Vec3, bump, lerp, sin_cos, smooth_max, smoothstep, vec3};
use crate::render::{Eyeball, Margin};

/// The lids' edges and the face of one person at one moment.
pub(super) struct Face<'a> {
    pub(super) who: &'a Identity,
    pub(super) eye: &'a Eyeball,
    pub(super) margin: Margin,
    /// How far the upper lid lies below its height when the eye looks ahead, in mm.
    pub(super) lowered_mm: f32,
}

/// Points of one margin, corners included.
pub(super) const N_LID: usize = 33;

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
    pub(super) fn new(who: &'a Identity, lids: &Lids, eye: &'a Eyeball) -> Self {
        let gaze_y = eye.rotation.apply(vec3(0.0, 0.0, eye.limbus_offset)).y;
        let lower = who.lower_mm + lids.lower_mm - lids.lower_follow * gaze_y;
        let lower = lower.clamp(1.2, 8.5);
        let rest = who.upper_mm + lids.upper_mm;
        // At least a slit stays open, except in a blink: a hidden iris has no label.
        let upper = (rest + lids.upper_follow * gaze_y).clamp(3.6 - lower, 9.5);
        let upper = lerp(upper, 0.05 - lower, lids.closed);
        let mut face = Self {
            who,
            eye,
            margin: Margin { upper: Vec::new(), lower: Vec::new() },
            lowered_mm: (rest - upper).max(-3.0),
        };
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
            vec3(x, y, self.opening(x, y))
        };
        (0..N_LID).map(point).collect()
    }

    /// Returns the height of the surface under the lids' edges: the eye and, towards the corners, the flesh
    /// that joins them.
    pub(super) fn opening(&self, x: f32, y: f32) -> f32 {
        smooth_max(self.eye.front(x, y) + 0.05, self.base(x, y) - 1.0, 1.5)
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

    /// Returns the height of the skin.
    pub(super) fn skin(&self, place: Place) -> f32 {
        let Place { x, y, from_margin_mm: d, upper } = place;
        let lid = self.eye.front(x, y) + self.who.lid_thickness_mm;
        let surface = smooth_max(lid, self.base(x, y), 2.4);
        surface + upper * self.upper_fold(d) + (1.0 - upper) * self.lower_fold(d)
    }

    /// Returns the crease's distance from the margin in mm: the skin unfolds as the lid goes down.
    pub(super) fn crease_mm(&self) -> f32 {
        (self.who.crease_mm + 0.75 * self.lowered_mm).clamp(1.6, 10.0)
    }

    fn upper_fold(&self, d: f32) -> f32 {
        let crease = self.crease_mm();
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

    /// Returns the places of a column with their heights, ring by ring.
    pub(super) fn column(&self, column: usize) -> impl Iterator<Item = (Place, f32)> + '_ {
        let margin = self.margin_at(column);
        let (outward_x, outward_y) = outward(column);
        let upper = smoothstep(-0.35, 0.35, outward_y);
        RINGS_MM.iter().enumerate().map(move |(ring, d)| {
            let (x, y) = (margin.x + outward_x * d, margin.y + outward_y * d);
            let place = Place { x, y, from_margin_mm: *d, upper };
            let height = match ring {
                0 => margin.z,
                1 => lerp(margin.z, self.skin(place), 0.75),
                // Folds are cut into the skin, which must stay in front of the lining and the eye.
                _ => self.skin(place).max(self.opening(x, y) + 0.4),
            };
            (place, height)
        })
    }
}

/// Returns the unit vector along which a column leaves the eye.
fn outward(column: usize) -> (f32, f32) {
    let (sin, cos) = sin_cos(std::f32::consts::TAU * column as f32 / N_COLUMNS as f32);
    (-cos, sin)
}
