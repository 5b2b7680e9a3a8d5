use super::{Appearance, Camera, Scene, render};
use crate::config::{Domain, SimulatorConfig};
use crate::math::{Vec3, vec3};
use crate::parameters::{Parameters, Subject};
use crate::procedural;

fn scene(parameters: &Parameters) -> Scene<impl Appearance> {
    let Subject::Procedural(subject) = &parameters.subject else { unreachable!("drawn as procedural") };
    procedural::scene(subject, parameters.pose.gaze_in_head(), parameters.detail)
}

/// Light from one side brightens that side of the face.
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
