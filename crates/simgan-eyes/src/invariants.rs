//! Invariants of every sample of every simulator. `SIMGAN_TEST_SAMPLES=10000` checks that many of each;
//! UnityEyes is skipped without its assets.

use rayon::prelude::*;
use simgan_data::Source;

use crate::landmarks::Landmarks;
use crate::math::{Rotation, Vec3, lerp, vec3};
use crate::parameters::{Parameters, Subject};
use crate::render::{Appearance, Camera, Light, Margin, Scene, nearest_depth, render};
use crate::simulator::Provider;
use crate::{Labelled, Model, Simulator, SimulatorName, procedural, unityeyes};

const DEFAULT_SAMPLES: usize = 500;

fn n_samples() -> usize {
    std::env::var("SIMGAN_TEST_SAMPLES").map_or(DEFAULT_SAMPLES, |text| text.parse().unwrap())
}

/// Opens every simulator with its presets, on images that are not square.
fn simulators() -> Vec<Simulator> {
    let assets = unityeyes::test_assets();
    if assets.is_none() {
        println!("skipped for UnityEyes: SIMGAN_TEST_DATA is not set");
    }
    let names = [
        "builtin:eyes",
        "builtin:camera",
        "builtin:eyes:mpiigaze",
        "builtin:eyes:laptop",
        "unityeyes",
        "unityeyes:mpiigaze",
        "unityeyes:laptop",
    ];
    let open = |name: &str| {
        let name: SimulatorName = name.parse().unwrap();
        let mut config = name.config();
        (config.samples, config.seed, config.width) = (n_samples(), 11, 64);
        match name.model {
            Model::Builtin(_) => Some(name.open(config)),
            Model::Unityeyes => assets.clone().map(|assets| unityeyes(assets, config)),
        }
    };
    names.into_iter().filter_map(open).map(|simulator| simulator.unwrap()).collect()
}

#[test]
fn labels_are_consistent() {
    for simulator in simulators() {
        (0..simulator.len()).into_par_iter().for_each(|index| {
            let label = simulator.label(index);
            let what = format!("{} {index}", simulator.name());
            is_finite(&label, &what);
            lies_along_the_gaze(&label, &what);
        });
    }
}

#[test]
fn faces_fill_the_crop_and_lids_do_not_cross() {
    for simulator in simulators() {
        (0..simulator.len()).into_par_iter().for_each(|index| {
            let what = format!("{} {index}", simulator.name());
            with_scene(&simulator, &simulator.parameters(index), &mut Geometry { what });
        });
    }
}

#[test]
fn a_mirrored_view_is_the_mirror_image() {
    for simulator in simulators() {
        (0..simulator.len() / 25).into_par_iter().for_each(|index| {
            let what = format!("{} {index}", simulator.name());
            let parameters = simulator.parameters(index);
            with_scene(&simulator, &parameters, &mut Mirror { what, light: &parameters.light });
        });
    }
}

/// A check of a scene with any textures.
trait Check {
    fn check<A: Appearance>(&mut self, scene: &Scene<A>, camera: &Camera);
}

fn with_scene(simulator: &Simulator, parameters: &Parameters, check: &mut impl Check) {
    let gaze = parameters.pose.gaze_in_head();
    match (&simulator.provider, &parameters.subject) {
        (Provider::Builtin(_), Subject::Procedural(subject)) => {
            let scene = procedural::scene(subject, gaze, parameters.detail);
            check.check(&scene, &simulator.camera(&scene, parameters));
        }
        (Provider::Unityeyes(assets), Subject::Unityeyes(subject)) => {
            let scene = unityeyes::scene(assets, subject, gaze, parameters.detail, 3.2);
            check.check(&scene, &simulator.camera(&scene, parameters));
        }
        _ => unreachable!("a simulator draws its own parameters"),
    }
}

struct Geometry {
    what: String,
}

impl Check for Geometry {
    fn check<A: Appearance>(&mut self, scene: &Scene<A>, camera: &Camera) {
        let what = &self.what;
        lids_do_not_cross(&scene.margin, what);
        let eye = scene.eye.seen_from(&camera.rotation);
        let n_bare = nearest_depth(scene, camera).into_iter().enumerate().filter(|(idx, depth)| {
            let (col, row) = (idx % camera.width, idx / camera.width);
            let (x, y) = camera.unproject(col as f32 + 0.5, row as f32 + 0.5);
            !depth.is_finite() && eye.hit(x, y).is_none()
        });
        let bare: Vec<(usize, usize)> =
            n_bare.map(|(idx, _)| (idx % camera.width, idx / camera.width)).collect();
        assert!(bare.is_empty(), "{what}: background at {bare:?}");
    }
}

/// In the face's frontal plane, away from the corners, the upper lid's margin lies above the lower lid's, or
/// touches it if the eye is closed.
fn lids_do_not_cross(Margin { upper, lower }: &Margin, what: &str) {
    let (first, last) = (upper[0].x, upper[upper.len() - 1].x);
    for step in 2..39 {
        let x = lerp(first, last, step as f32 / 40.0);
        let crossing_mm = height_at(lower, x) - height_at(upper, x);
        assert!(crossing_mm < 0.3, "{what}: the lids cross by {crossing_mm} mm at {step}/40");
    }
}

/// Interpolates a line's y at x.
fn height_at(line: &[Vec3], x: f32) -> f32 {
    let next = line.iter().position(|point| point.x >= x).unwrap_or(line.len() - 1).max(1);
    let (a, b) = (line[next - 1], line[next]);
    lerp(a.y, b.y, ((x - a.x) / (b.x - a.x)).clamp(0.0, 1.0))
}

/// A mirrored camera in mirrored light sees the mirror image, with mirrored labels.
struct Mirror<'a> {
    what: String,
    light: &'a Light,
}

impl Check for Mirror<'_> {
    fn check<A: Appearance>(&mut self, scene: &Scene<A>, camera: &Camera) {
        let (rotation, [x, y]) = (camera.rotation, camera.center);
        let rows = [-rotation.row(0), rotation.row(1), rotation.row(2)];
        let mirror = Camera { rotation: Rotation::from_rows(rows), center: [-x, y], ..*camera };
        let seen = render(scene, self.light, camera, 3);
        let reflected = render(scene, &mirrored_light(self.light), &mirror, 3);
        let width = camera.width;
        let off: f32 = (0..camera.height * width)
            .map(|idx| {
                let flipped = idx / width * width + width - 1 - idx % width;
                (seen.pixels[idx].luma().min(1.0) - reflected.pixels[flipped].luma().min(1.0)).abs()
            })
            .sum();
        let off = off / seen.pixels.len() as f32;
        assert!(off < 1e-3, "{}: {off}", self.what);
        let (here, there) = (Landmarks::new(scene, camera), Landmarks::new(scene, &mirror));
        for ([x, y, depth], there) in points(&here).zip(points(&there)) {
            let off =
                (x - (width as f32 - there[0])).abs().max((y - there[1]).abs()).max((depth - there[2]).abs());
            assert!(off < 2e-3, "{}: {off}", self.what);
        }
    }
}

fn mirrored_light(light: &Light) -> Light {
    let mut light = light.clone();
    for v in [&mut light.direction, &mut light.gradient, &mut light.lobe, &mut light.window] {
        *v = vec3(-v.x, v.y, v.z);
    }
    light
}

fn points(marks: &Landmarks) -> impl Iterator<Item = [f32; 3]> + '_ {
    let lines = [&marks.iris, &marks.pupil, &marks.upper_lid, &marks.lower_lid, &marks.caruncle];
    [marks.eye_center, marks.iris_center, marks.pupil_center]
        .into_iter()
        .chain(lines.into_iter().flatten().copied())
}

fn is_finite(label: &Labelled, what: &str) {
    assert!(points(&label.landmarks).flatten().all(f32::is_finite), "{what}");
    let seen = &label.visibility;
    assert!((0.0..=1.0).contains(&seen.iris) && (0.0..=1.0).contains(&seen.pupil), "{what}: {seen:?}");
    assert_eq!((seen.iris_points.len(), seen.pupil_points.len()), (32, 32));
    // A lid that touches the limbus may hide some of its points but none of the samples inside.
    if seen.iris == 1.0 {
        assert!(seen.pupil == 1.0, "{what}: {seen:?}");
        assert!(seen.iris_points.iter().filter(|is_seen| **is_seen).count() > 24, "{what}: {seen:?}");
    }
}

/// Seen from the eyeball's centre, the middle of the iris lies along the gaze. Refraction moves the pupil's
/// middle a little towards the viewer.
fn lies_along_the_gaze(label: &Labelled, what: &str) {
    let marks = &label.landmarks;
    let px_per_mm = marks.px_per_mm;
    let from_center = |[x, y, depth]: [f32; 3]| {
        let [center_x, center_y, center_depth] = marks.eye_center;
        [(x - center_x) / px_per_mm, (y - center_y) / px_per_mm, depth - center_depth]
    };
    let length = |v: [f32; 3]| v.iter().map(|value| value * value).sum::<f32>().sqrt();
    let (gaze, axis) = (label.gaze.vector(), from_center(marks.iris_center));
    let along: f32 = gaze.iter().zip(axis).map(|(a, b)| a * b).sum::<f32>() / length(axis);
    assert!(along > 1.0 - 2e-6, "{what}: look_vec · axis = {along}");
    let pupil = from_center(marks.pupil_center);
    let aside = [0, 1].map(|idx| pupil[idx] - gaze[idx] * 10.3);
    assert!(aside[0].hypot(aside[1]) < 1.4, "{what}: the pupil lies {aside:?} mm off");
    // The cornea distorts the pupil's outline in a view from the side.
    for (contour, center, limit_mm) in
        [(&marks.iris, marks.iris_center, 1e-3), (&marks.pupil, marks.pupil_center, 0.3 / -gaze[2])]
    {
        let n_points = contour.len() as f32;
        let mean = |axis: usize| contour.iter().map(|point| point[axis]).sum::<f32>() / n_points;
        let off = (mean(0) - center[0]).hypot(mean(1) - center[1]) / px_per_mm;
        assert!(off < limit_mm, "{what}: a contour's middle is {off} mm off");
    }
}
