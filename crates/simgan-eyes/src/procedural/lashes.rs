use super::Identity;
use super::shape::{Face, N_LID};
use crate::math::{Vec3, lerp, vec3};
use crate::random::Stream;
use crate::render::Hair;

/// Grows the lashes of both lids. They point outwards at the margin, bend up (or down), and get longer
/// towards the outer corner.
pub(super) fn lashes(face: &Face<'_>, who: &Identity, rng: &mut Stream) -> Vec<Hair> {
    let upper = (0..who.lash_count).map(|_| (true, 1.0));
    let lower = (0..who.lash_count * 2 / 3).map(|_| (false, 0.45));
    upper.chain(lower).map(|(is_upper, length)| lash(face, who, is_upper, length, rng)).collect()
}

fn lash(face: &Face<'_>, who: &Identity, is_upper: bool, length: f32, rng: &mut Stream) -> Hair {
    let t = rng.uniform(0.14, 0.97);
    let edge = if is_upper { &face.margin.upper } else { &face.margin.lower };
    let up = if is_upper { 1.0 } else { -1.0 };
    let root = along(edge, t) + vec3(0.0, 0.45 * up + rng.normal(0.0, 0.12), 1.0);
    let fan = (root.x * 0.055 + rng.normal(0.0, 0.16)).clamp(-0.9, 0.9);
    let length = length * who.lash_mm * lerp(0.65, 1.05, t) * rng.uniform(0.7, 1.1);
    // Upper lashes droop before they curl up, and more so with a lowered lid.
    let droop = if is_upper { 0.25 + 0.06 * face.lowered_mm.max(0.0) } else { 0.0 };
    let points = std::array::from_fn(|step| {
        let s = step as f32 / (Hair::N - 1) as f32;
        let rise = up * (s * s * 0.75 + s * 0.25) - up * droop * s;
        let ahead = 0.75 * s * (1.3 - 0.6 * s);
        root + vec3(fan * s, rise, ahead) * length
    });
    let (width_mm, color) = (rng.uniform(0.08, 0.16), who.skin.lerp(vec3(0.0, 0.0, 0.0), 0.97));
    Hair { points, width_mm, color, opacity: 0.9 }
}

/// Returns the point at a share `t` of a line of `N_LID` points.
fn along(line: &[Vec3], t: f32) -> Vec3 {
    let position = t * (N_LID - 1) as f32;
    let idx = (position as usize).min(N_LID - 2);
    line[idx].lerp(line[idx + 1], position - idx as f32)
}
