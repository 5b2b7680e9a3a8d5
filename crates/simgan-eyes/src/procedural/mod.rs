//! The procedural eye: a provider of geometry and textures that needs no files.

mod appearance;
mod finish;
mod identity;
mod lashes;
mod shape;
mod subject;

pub(crate) use self::subject::Subject;

use self::appearance::ProceduralAppearance;
use self::identity::Identity;
use self::shape::{Face, N_COLUMNS, N_LID, N_RINGS};
use crate::math::pitch_yaw;
use crate::math::{Rotation, Vec3, smooth_max, vec3};
use crate::random::Stream;
use crate::render::{Eyeball, Scene};

/// Builds the scene of a subject looking along `gaze` (a unit vector in the head's frame). `detail` seeds the
/// lashes.
pub(crate) fn scene(subject: &Subject, gaze: Vec3, detail: u32) -> Scene<ProceduralAppearance<'_>> {
    let who = &subject.identity;
    let (pitch, yaw) = pitch_yaw(gaze);
    let rotation = Rotation::from_pitch_yaw_roll(pitch, yaw, 0.0);
    let eye = Eyeball::new(rotation, who.iris_size, subject.pupil_mm);
    let face = Face::new(who, &subject.lids, &eye);
    let (mut positions, mut triangles) = (Vec::with_capacity(2048), Vec::with_capacity(4096));
    add_skin(&mut positions, &mut triangles, &face);
    let n_skin_triangles = triangles.len();
    add_lining(&mut positions, &mut triangles, &face);
    Scene {
        uvs: positions.iter().map(|position| [position.x, position.y]).collect(),
        positions,
        triangles,
        n_skin_triangles,
        margin: face.margin.clone(),
        corners: [face.margin.upper[0], face.margin.upper[N_LID - 1]],
        caruncle: caruncle(&face),
        eye,
        hairs: lashes::lashes(&face, who, &mut Stream::new(u64::from(detail), "lashes", 0)),
        appearance: ProceduralAppearance::new(face, &eye),
    }
}

fn add_skin(positions: &mut Vec<Vec3>, triangles: &mut Vec<[u32; 3]>, face: &Face<'_>) {
    positions.extend((0..N_COLUMNS).flat_map(|column| face.column(column)));
    // The rings are closed: the last column is joined to the first.
    let index = |column: usize, ring: usize| (column % N_COLUMNS * N_RINGS + ring) as u32;
    for column in 0..N_COLUMNS {
        for ring in 0..N_RINGS - 1 {
            let [a, b] = [index(column, ring), index(column, ring + 1)];
            let [c, d] = [index(column + 1, ring), index(column + 1, ring + 1)];
            triangles.push([a, c, b]);
            triangles.push([c, d, b]);
        }
    }
}

const N_LINING: usize = 8;

/// Adds the flesh behind the lids: the conjunctiva, and the caruncle in the inner corner. The eyeball covers
/// it where it is in front. The lining extends behind the lids' edges, so that no gap shows between them.
fn add_lining(positions: &mut Vec<Vec3>, triangles: &mut Vec<[u32; 3]>, face: &Face<'_>) {
    const BEHIND_MM: f32 = 1.6;
    let first = positions.len();
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
            let under = face.under(at.x, at.y);
            let z = smooth_max(under.eye - 0.5, under.opening() - 1.2, 0.5);
            let raised = if share > 0.0 && share < 1.0 { finish::swell(face, at) } else { 0.0 };
            let deep = if behind.is_some() || aside.x != 0.0 { 0.3 } else { 0.1 };
            positions.push(vec3(at.x, at.y, z.min(under.opening() - deep) + raised));
        }
    }
    let index = |column: usize, row: usize| (first + column * N_LINING + row) as u32;
    for column in 0..N_LID - 1 {
        for row in 0..N_LINING - 1 {
            let [a, b] = [index(column, row), index(column, row + 1)];
            let [c, d] = [index(column + 1, row), index(column + 1, row + 1)];
            triangles.push([a, c, b]);
            triangles.push([c, d, b]);
        }
    }
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
