//! Provides UnityEyes' geometry and textures from its own asset files (Wood et al., "Learning an
//! appearance-based gaze estimator from one million synthesised images", ETRA 2016).

mod appearance;
mod assets;
mod geometry;
mod lashes;
mod lids;
mod mesh;
mod reading;
mod subject;
mod tables;
#[cfg(test)]
mod tests;
mod texture;
mod topology;

pub use self::assets::Assets;
pub(crate) use self::subject::Subject;

use self::appearance::UnityAppearance;
use self::lids::Lids;
use self::topology::{CARUNCLE, MARGIN};
use crate::math::pitch_yaw;
use crate::math::{Rotation, Vec3, vec3};
use crate::random::Stream;
use crate::render::{Eyeball, Margin, Scene};

/// Reads the assets of the third-party test data, once; `None` without that data.
#[cfg(test)]
pub(crate) fn test_assets() -> Option<std::sync::Arc<Assets>> {
    use std::sync::{Arc, OnceLock};
    static ASSETS: OnceLock<Option<Arc<Assets>>> = OnceLock::new();
    let data = std::env::var_os("SIMGAN_TEST_DATA").map(std::path::PathBuf::from);
    let open = || data.map(|data| Arc::new(Assets::open(&data.join("unityeyes2")).unwrap()));
    ASSETS.get_or_init(open).clone()
}

/// Converts Unity's axes in cm to the head's frame in mm.
fn in_head(unity: Vec3) -> Vec3 {
    vec3(-unity.x, unity.y, unity.z) * 10.0
}

/// Builds the scene of a subject looking along `gaze` (a unit vector in the head's frame). `detail` seeds the
/// lashes; `looks_per_mm` is the image's number of shading points per mm of surface.
pub(crate) fn scene<'a>(
    assets: &'a Assets,
    subject: &Subject,
    gaze: Vec3,
    detail: u32,
    looks_per_mm: f32,
) -> Scene<UnityAppearance<'a>> {
    let geometry = &assets.geometry;
    let (pitch, yaw) = pitch_yaw(gaze);
    let down_deg = -pitch.to_degrees();
    let unity_gaze = vec3(-gaze.x, gaze.y, gaze.z);
    let lid_pitch_deg = subject.lid_pitch_deg(down_deg);
    let lids = Lids::new(geometry.control(&subject.coefficients), unity_gaze, lid_pitch_deg);
    let eye = eyeball(assets, subject, Rotation::from_pitch_yaw_roll(pitch, yaw, 0.0));
    let control: Vec<Vec3> = lids.points.iter().copied().map(in_head).collect();
    let margin = margin(&control);
    let mut scene = Scene {
        positions: geometry.skin(&control),
        uvs: geometry.uvs.clone(),
        triangles: geometry.triangles.clone(),
        n_skin_triangles: geometry.triangles.len(),
        appearance: UnityAppearance::new(assets, subject, &eye, &margin, lid_pitch_deg, looks_per_mm),
        margin,
        corners: [control[CARUNCLE[6]], control[MARGIN[8]]],
        caruncle: CARUNCLE.iter().map(|vertex| control[*vertex]).collect(),
        eye,
        hairs: lashes::lashes(
            &control,
            subject.lash_opacity,
            &mut Stream::new(u64::from(detail), "lashes", 1),
        ),
    };
    // In this order: the skirt's triangles already face outwards and must not be flipped.
    face_outwards(&mut scene);
    add_skirt(&mut scene, &geometry.outline);
    scene
}

/// Creates the eyeball with the radii of UnityEyes' colliders and the limbus of its mesh.
fn eyeball(assets: &Assets, subject: &Subject, rotation: Rotation) -> Eyeball {
    let map = &assets.geometry.eyeball;
    let mut eye = Eyeball::new(rotation, subject.iris_size, subject.pupil_mm());
    eye.radius = 12.031_155;
    eye.cornea_radius = 7.991_283;
    eye.limbus_offset = map.limbus_offset;
    eye.limbus_radius = map.limbus_radius * subject.iris_size;
    eye
}

/// Returns both margins from the inner corner, of UnityEyes' points.
fn margin(control: &[Vec3]) -> Margin {
    let upper = MARGIN[..9].iter().map(|vertex| control[*vertex]).collect();
    let lower = MARGIN[..1].iter().chain(MARGIN[8..].iter().rev()).map(|vertex| control[*vertex]).collect();
    Margin { upper, lower }
}

/// Flips all triangles if the mesh faces inwards, as mirroring x makes it.
fn face_outwards<A>(scene: &mut Scene<A>) {
    let facing: f32 = scene
        .triangles
        .iter()
        .map(|triangle| {
            let [a, b, c] = triangle.map(|corner| scene.positions[corner as usize]);
            (b - a).cross(c - a).z
        })
        .sum();
    if facing < 0.0 {
        scene.triangles.iter_mut().for_each(|triangle| triangle.swap(1, 2));
    }
}

/// Width of the skirt that continues the mesh's border colours, in mm.
const SKIRT_MM: f32 = 30.0;

/// Extends the face past its border, so that a crop of a turned head shows no background.
fn add_skirt<A>(scene: &mut Scene<A>, outline: &[[u32; 2]]) {
    let mut outside = vec![u32::MAX; scene.positions.len()];
    for vertex in outline.iter().flatten() {
        let idx = *vertex as usize;
        if outside[idx] == u32::MAX {
            let from = scene.positions[idx];
            let outward = vec3(from.x, from.y, 0.0).normalized();
            outside[idx] = scene.positions.len() as u32;
            scene.positions.push(from + outward * SKIRT_MM - vec3(0.0, 0.0, 0.3 * SKIRT_MM));
            scene.uvs.push(scene.uvs[idx]);
        }
    }
    for [a, b] in outline {
        let (c, d) = (outside[*a as usize], outside[*b as usize]);
        scene.triangles.push([*a, *b, c]);
        scene.triangles.push([*b, d, c]);
    }
    scene.n_skin_triangles = scene.triangles.len();
}
