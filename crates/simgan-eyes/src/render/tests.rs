use super::{Appearance, Camera, Light, Scene, render};
use crate::config::{Domain, SimulatorConfig};
use crate::landmarks::Landmarks;
use crate::math::{Rotation, Vec3, vec3};
use crate::parameters::{Parameters, Subject};
use crate::procedural;

fn scene(parameters: &Parameters) -> Scene<impl Appearance> {
    let Subject::Procedural(subject) = &parameters.subject else { unreachable!("drawn as procedural") };
    procedural::scene(subject, parameters.pose.gaze_in_head(), parameters.detail)
}

fn mirrored(v: Vec3) -> Vec3 {
    vec3(-v.x, v.y, v.z)
}

fn mirrored_light(light: &Light) -> Light {
    let mut light = light.clone();
    for v in [&mut light.direction, &mut light.gradient, &mut light.lobe, &mut light.window] {
        *v = mirrored(*v);
    }
    light
}

/// A mirrored camera before mirrored light sees the mirror image, and its labels are the mirrored labels.
#[test]
fn a_mirrored_view_is_the_mirror_image() {
    let config = SimulatorConfig { width: 61, height: 36, ..SimulatorConfig::default() };
    for index in 0..20 {
        let parameters = Parameters::procedural(Domain::Eyes, &config, index);
        let scene = scene(&parameters);
        let rotation = parameters.pose.head();
        let camera = Camera {
            rotation,
            center: [0.7, -0.4],
            px_per_mm: 1.6,
            width: 61,
            height: 36,
            distance_mm: 600.0,
        };
        let rows = [-rotation.row(0), rotation.row(1), rotation.row(2)];
        let mirror = Camera { rotation: Rotation::from_rows(rows), center: [-0.7, -0.4], ..camera };
        let seen = render(&scene, &parameters.light, &camera, 3);
        let reflected = render(&scene, &mirrored_light(&parameters.light), &mirror, 3);
        let off: f32 = (0..36 * 61)
            .map(|idx| {
                let flipped = idx / 61 * 61 + 60 - idx % 61;
                (seen.pixels[idx].luma() - reflected.pixels[flipped].luma()).abs()
            })
            .sum();
        assert!(off / (36.0 * 61.0) < 2e-4, "{index}: {off}");
        let (here, there) = (Landmarks::new(&scene, &camera), Landmarks::new(&scene, &mirror));
        for (a, b) in here.iris.iter().zip(&there.iris).chain(here.upper_lid.iter().zip(&there.upper_lid)) {
            assert!((a[0] - (61.0 - b[0])).abs() < 1e-3 && (a[1] - b[1]).abs() < 1e-3);
        }
    }
}

/// Light from the left brightens the cheek's left side, light from the right its right side.
#[test]
fn light_comes_from_where_it_is() {
    let config = SimulatorConfig::default();
    let parameters = Parameters::procedural(Domain::Eyes, &config, 1);
    let mut light = parameters.light.clone();
    light.gradient = Vec3::default();
    light.intensity = 1.0;
    let scene = scene(&parameters);
    let rotation = parameters.pose.head();
    let camera =
        Camera { rotation, center: [0.0, 0.0], px_per_mm: 1.5, width: 55, height: 35, distance_mm: 600.0 };
    let mut balance = |x: f32| {
        light.direction = vec3(x, 0.2, 0.5).normalized();
        let canvas = render(&scene, &light, &camera, 2);
        let side = |cols: std::ops::Range<usize>| -> f32 {
            cols.map(|col| canvas.pixels[2 * 55 + col].luma()).sum()
        };
        side(45..55) / side(0..10)
    };
    assert!(balance(1.0) > 1.3 * balance(-1.0));
}
