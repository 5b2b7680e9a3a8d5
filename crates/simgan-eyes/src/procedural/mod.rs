//! The procedural eye: a provider of geometry and textures that needs no files.

mod appearance;
mod identity;
mod lashes;
mod shape;
mod subject;

pub(crate) use self::subject::Subject;

use self::appearance::ProceduralAppearance;
use self::identity::Identity;
use self::shape::{Face, N_COLUMNS, N_LID, N_RINGS, Place};
use crate::math::pitch_yaw;
use crate::math::{Color, Rotation, Vec3, bump, lerp, smooth_max, smoothstep, vec3};
use crate::random::Stream;
use crate::render::{Eyeball, Finish, Scene, normals};

/// Builds the scene of a subject looking along `gaze` (a unit vector in the head's frame). `detail` seeds the
/// lashes.
pub(crate) fn scene(subject: &Subject, gaze: Vec3, detail: u32) -> Scene<ProceduralAppearance> {
    let who = &subject.identity;
    let (pitch, yaw) = pitch_yaw(gaze);
    let rotation = Rotation::from_pitch_yaw_roll(pitch, yaw, 0.0);
    let eye = Eyeball::new(rotation, who.iris_size, subject.pupil_mm);
    let face = Face::new(who, &subject.lids, &eye);
    let mut scene = Scene {
        positions: Vec::with_capacity(2048),
        normals: Vec::new(),
        uvs: Vec::with_capacity(2048),
        finishes: Vec::with_capacity(2048),
        triangles: Vec::with_capacity(4096),
        n_skin_triangles: 0,
        appearance: ProceduralAppearance::new(who, eye.limbus_radius, eye.pupil_radius),
        margin: face.margin.clone(),
        corners: [face.margin.upper[0], face.margin.upper[N_LID - 1]],
        caruncle: caruncle(&face),
        eye,
        hairs: lashes::lashes(&face, who, &mut Stream::new(u64::from(detail), "lashes", 0)),
    };
    add_skin(&mut scene, &face);
    add_lining(&mut scene, &face);
    scene.normals = normals(&scene.positions, &scene.triangles);
    scene
}

type Built = Scene<ProceduralAppearance>;

fn add(scene: &mut Built, position: Vec3, finish: Finish) {
    scene.positions.push(position);
    scene.uvs.push([position.x, position.y]);
    scene.finishes.push(finish);
}

fn add_skin(scene: &mut Built, face: &Face<'_>) {
    for column in 0..N_COLUMNS {
        for (ring, (place, z)) in face.column(column).enumerate() {
            add(scene, vec3(place.x, place.y, z), finish(face, place, ring));
        }
    }
    // The rings are closed: the last column is joined to the first.
    let index = |column: usize, ring: usize| (column % N_COLUMNS * N_RINGS + ring) as u32;
    for column in 0..N_COLUMNS {
        for ring in 0..N_RINGS - 1 {
            let [a, b] = [index(column, ring), index(column, ring + 1)];
            let [c, d] = [index(column + 1, ring), index(column + 1, ring + 1)];
            scene.triangles.push([a, c, b]);
            scene.triangles.push([c, d, b]);
        }
    }
    scene.n_skin_triangles = scene.triangles.len();
}

/// Returns the surface of a place on the skin: folds, corners, lash lines and hollows round the eye are
/// darker.
fn finish(face: &Face<'_>, place: Place, ring: usize) -> Finish {
    let who = face.who;
    let Place { x, y, from_margin_mm: d, upper } = place;
    let crease = 0.7 * who.crease_depth_mm.min(1.0) * bump((d - face.crease_mm()) / 0.8) * upper;
    let crease = crease * smoothstep(7.0, 1.0, face.lowered_mm);
    let groove = 0.12 * bump((d - 3.0) / 1.0) * (1.0 - upper);
    let inner = (x - who.inner[0]) * (x - who.inner[0]) + (y - who.inner[1]) * (y - who.inner[1]);
    let corner = 0.25 * bump((inner * 0.09).sqrt());
    let hollow = 0.25 * bump((y - 8.0) / 6.0) * bump((x + 13.0) / 8.0);
    let sulcus = 0.15 * upper * bump((y - 10.5) / 3.5) * smoothstep(-2.0, 3.0, -who.socket_mm + 1.0);
    let occlusion = (1.0 - crease) * (1.0 - groove) * (1.0 - corner) * (1.0 - hollow) * (1.0 - sulcus);
    let under = who.shadows * (1.0 - upper) * bump((d - 6.0) / 5.0);
    let liner =
        lerp(who.liner[1], who.liner[0], upper) * bump((d - lerp(0.9, 1.1, upper)) / lerp(0.55, 1.1, upper));
    let platform = 0.12 * upper * smoothstep(face.crease_mm() + 1.5, 0.5, d);
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

const N_LINING: usize = 8;

/// Adds the flesh behind the lids: the conjunctiva, and the caruncle in the inner corner. The eyeball covers
/// it where it is in front. The lining extends behind the lids' edges, so that no gap shows between them.
fn add_lining(scene: &mut Built, face: &Face<'_>) {
    const BEHIND_MM: f32 = 1.6;
    let first = scene.positions.len();
    let center = caruncle_center(face);
    for column in 0..N_LID {
        // The outermost columns and rows go behind the lids, away from the opening.
        let aside = [(0, -BEHIND_MM), (N_LID - 1, BEHIND_MM)].into_iter().find(|(edge, _)| *edge == column);
        let aside = vec3(aside.map_or(0.0, |(_, mm)| mm), 0.0, 0.0);
        let (upper, lower) = (face.margin.upper[column] + aside, face.margin.lower[column] + aside);
        for row in 0..N_LINING {
            let behind =
                [(0, -BEHIND_MM), (N_LINING - 1, BEHIND_MM)].into_iter().find(|(edge, _)| *edge == row);
            let share = (row.saturating_sub(1) as f32 / (N_LINING - 3) as f32).min(1.0);
            let mut at = lower.lerp(upper, share);
            at.y += behind.map_or(0.0, |(_, mm)| mm);
            let away = vec3(at.x - center.x, at.y - center.y, 0.0).length();
            let swell = 0.9 * bump(away / 1.5);
            let opening = face.opening(at.x, at.y);
            let z = smooth_max(face.eye.front(at.x, at.y) - 0.5, opening - 1.2, 0.5);
            let raised = if share > 0.0 && share < 1.0 { swell } else { 0.0 };
            let deep = if behind.is_some() || aside.x != 0.0 { 0.3 } else { 0.1 };
            let finish =
                Finish { tint: lining_color(face, at.x), occlusion: 0.42 + 0.3 * swell, gloss: 0.12 };
            add(scene, vec3(at.x, at.y, z.min(opening - deep) + raised), finish);
        }
    }
    let index = |column: usize, row: usize| (first + column * N_LINING + row) as u32;
    for column in 0..N_LID - 1 {
        for row in 0..N_LINING - 1 {
            let [a, b] = [index(column, row), index(column, row + 1)];
            let [c, d] = [index(column + 1, row), index(column + 1, row + 1)];
            scene.triangles.push([a, c, b]);
            scene.triangles.push([c, d, b]);
        }
    }
}

fn caruncle_center(face: &Face<'_>) -> Vec3 {
    let [x, y] = face.who.inner;
    vec3(x + 2.3, y + 0.2, 0.0)
}

/// Returns seven points round the caruncle, from the inner corner.
fn caruncle(face: &Face<'_>) -> Vec<Vec3> {
    let margin = &face.margin;
    let idxs = [0, 3, 6];
    let upper = idxs.iter().map(|idx| margin.upper[*idx]);
    let lower = idxs[1..].iter().rev().map(|idx| margin.lower[*idx]);
    let middle = margin.upper[6].lerp(margin.lower[6], 0.5);
    let inside = margin.upper[3].lerp(margin.lower[3], 0.5);
    upper.chain([middle]).chain(lower).chain([inside]).collect()
}
