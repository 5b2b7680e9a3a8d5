//! The surface properties of the procedural face.

use super::shape::{Face, Place};
use crate::math::{Color, Vec3, bump, lerp, smoothstep, vec3};
use crate::render::Finish;

/// Returns the surface of a place on the skin: folds, corners, lash lines and hollows round the eye are
/// darker.
pub(super) fn skin(face: &Face<'_>, place: Place, ring: usize) -> Finish {
    let who = face.who;
    let Place { x, y, from_margin_mm: d, upper } = place;
    // On most of the skin one lid's features have no weight, which spares their exponentials.
    let lower = 1.0 - upper;
    let bump_of = |weight: f32, x: f32| if weight > 0.0 { bump(x) } else { 0.0 };
    let crease = 0.7 * who.crease_depth_mm.min(1.0) * bump_of(upper, (d - face.crease_mm) / 0.8) * upper;
    let crease = crease * smoothstep(7.0, 1.0, face.lowered_mm);
    let groove = 0.12 * bump_of(lower, (d - 3.0) / 1.0) * lower;
    let inner = (x - who.inner[0]) * (x - who.inner[0]) + (y - who.inner[1]) * (y - who.inner[1]);
    let corner = 0.25 * bump((inner * 0.09).sqrt());
    let hollow = 0.25 * bump((y - 8.0) / 6.0) * bump((x + 13.0) / 8.0);
    let sulcus =
        0.15 * upper * bump_of(upper, (y - 10.5) / 3.5) * smoothstep(-2.0, 3.0, -who.socket_mm + 1.0);
    let occlusion = (1.0 - crease) * (1.0 - groove) * (1.0 - corner) * (1.0 - hollow) * (1.0 - sulcus);
    let under = who.shadows * lower * bump_of(lower, (d - 6.0) / 5.0);
    let liner =
        lerp(who.liner[1], who.liner[0], upper) * bump((d - lerp(0.9, 1.1, upper)) / lerp(0.55, 1.1, upper));
    let platform = 0.12 * upper * smoothstep(face.crease_mm + 1.5, 0.5, d);
    let tint = (1.0 - under) * (1.0 - platform);
    let color =
        if ring == 0 { margin_color(who.skin) } else { vec3(tint, tint * 0.98, tint * 0.97) * (1.0 - liner) };
    Finish { tint: color, occlusion, gloss: who.gloss * lerp(1.4, 1.0, smoothstep(0.0, 5.0, d)) }
}

/// Returns the filter of the skin's colour at the lid's wet edge: pinker and, on dark skin, lighter.
fn margin_color(skin: Color) -> Color {
    let lift = (0.1 / skin.luma()).clamp(0.35, 1.2);
    vec3(1.05, 0.85, 0.85) * lift
}

/// Returns the lining's colour: pink in the inner corner, like the sclera elsewhere.
fn lining_color(face: &Face<'_>, x: f32) -> Color {
    let from_corner = x - face.who.inner[0];
    let pink = lerp(0.35, 1.0, smoothstep(5.5, 3.0, from_corner));
    (face.who.sclera * 0.85).lerp(face.who.sclera.times(vec3(0.72, 0.33, 0.3)), pink)
}

/// Returns the surface of the lining at a position.
pub(super) fn lining(face: &Face<'_>, position: Vec3) -> Finish {
    let occlusion = 0.42 + 0.3 * swell(face, position);
    Finish { tint: lining_color(face, position.x), occlusion, gloss: 0.12 }
}

/// Returns how far the caruncle bulges out of the lining, in mm.
pub(super) fn swell(face: &Face<'_>, position: Vec3) -> f32 {
    let [x, y] = face.who.inner;
    let (center_x, center_y) = (x + 2.3, y + 0.2);
    let away = vec3(position.x - center_x, position.y - center_y, 0.0).length();
    0.9 * bump(away / 1.5)
}
