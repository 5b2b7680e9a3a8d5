use simgan_data::Size;

use super::*;
use crate::config::HandsConfig;
use crate::math::vec3;

const SIDE: usize = 240;

/// A camera of the sensor's own pixels, and the sensor.
fn sensor(seed: u64) -> (Camera, Sensor) {
    let config = HandsConfig { size: Size { width: SIDE, height: SIDE }, ..HandsConfig::default() };
    let camera = Camera::crop(&config, vec3(0.0, 0.0, 700.0)).covering(Sensor::PITCH, Sensor::CELL);
    (camera, Sensor::new(Stream::new(seed, "test", 0), 1400.0))
}

/// Depths given by column, as the camera sees them.
fn scene(camera: &Camera, depth: impl Fn(usize) -> f32) -> Depths {
    let (width, height) = (camera.width, camera.height);
    Depths { width, height, values: (0..width * height).map(|at| depth(at % width)).collect() }
}

/// Mean and deviation of what is measured less what is there, away from the image's edges.
fn errors(exact: &Depths, measured: &Depths) -> (f32, f32) {
    let inner = |at: &usize| (10..exact.width - 10).contains(&(at % exact.width));
    let errors: Vec<f32> = (0..exact.values.len())
        .filter(inner)
        .filter(|at| measured.values[*at].is_finite())
        .map(|at| measured.values[at] - exact.values[at])
        .collect();
    assert!(
        errors.len() > exact.values.len() * 8 / 10,
        "{} of {} measured",
        errors.len(),
        exact.values.len()
    );
    let mean = errors.iter().sum::<f32>() / errors.len() as f32;
    let variance = errors.iter().map(|error| (error - mean).powi(2)).sum::<f32>() / errors.len() as f32;
    (mean, variance.sqrt())
}

/// On planes slanted by 10°, the error has Khoshelham & Elberink's deviation, 1.425e-3 z² (m), and hardly a
/// mean.
#[test]
fn noise_has_the_published_deviation() {
    for distance in [500.0_f32, 700.0, 900.0] {
        let (camera, mut sensor) = sensor(1);
        let slope = 10.0_f32.to_radians().tan();
        // z = distance + slope · x with x = ray · z.
        let exact = scene(&camera, |col| distance / (1.0 - slope * camera.ray_x(col)));
        let (mean, deviation) = errors(&exact, &sensor.measure(&exact, &camera));
        let published = 1.425e-6 * distance * distance;
        assert!((deviation / published - 1.0).abs() < 0.12, "{distance}: {deviation} for {published}");
        assert!(mean.abs() < 0.1 * published, "{distance}: {mean}");
    }
}

/// Depths come in steps of z² · 2.85e-3 m.
#[test]
fn depths_come_in_steps() {
    let (camera, mut sensor) = sensor(2);
    let exact = scene(&camera, |col| 690.0 + 0.1 * col as f32);
    let measured = sensor.measure(&exact, &camera);
    let mut values: Vec<f32> = measured.values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f32::total_cmp);
    values.dedup();
    assert!(values.len() > 10, "{values:?}");
    for pair in values.windows(2) {
        let (step, published) = (pair[1] - pair[0], 2.85e-6 * pair[0] * pair[1]);
        assert!((step / published - 1.0).abs() < 0.01, "{pair:?}: {step} for {published}");
    }
}

/// A near strip shades f · b (1/z₁ − 1/z₂) pixels of the plane behind it, on its left only.
#[test]
fn shadows_are_as_wide_as_geometry_says() {
    let (near, far) = (600.0, 750.0);
    let (camera, mut sensor) = sensor(3);
    let exact = scene(&camera, |col| if (110..150).contains(&col) { near } else { far });
    let measured = sensor.measure(&exact, &camera);
    let missing = |columns: std::ops::Range<usize>| {
        let rows = 10..camera.height - 10;
        let n_rows = rows.len() as f32;
        let at = rows.flat_map(|row| columns.clone().map(move |col| row * camera.width + col));
        at.filter(|at| measured.values[*at].is_infinite()).count() as f32 / n_rows
    };
    let expected = FOCAL_PX * BASELINE_MM * (1.0 / near - 1.0 / far);
    let (left, right) = (missing(70..115), missing(145..190));
    assert!((left - expected).abs() < 2.5, "{left} px for {expected}");
    assert!(right < 2.0, "{right} px to the right");
}

/// What is missing or ragged lies at edges and in small holes; the inside of a surface is mostly measured.
#[test]
fn an_edge_is_ragged_and_a_surface_has_few_holes() {
    let (camera, mut sensor) = sensor(4);
    let exact = scene(&camera, |col| if (100..170).contains(&col) { 700.0 } else { f32::INFINITY });
    let measured = sensor.measure(&exact, &camera);
    let ends: Vec<usize> = measured
        .values
        .chunks_exact(camera.width)
        .filter_map(|row| row.iter().rposition(|value| value.is_finite()))
        .collect();
    let (least, most) = (ends.iter().min().unwrap(), ends.iter().max().unwrap());
    assert!(*least >= 160 && *most <= 176 && most - least >= 2, "{least}..{most}");
    let inner = |row: &[f32]| row[110..160].iter().filter(|value| value.is_infinite()).count();
    let holes: usize = measured.values.chunks_exact(camera.width).map(inner).sum();
    let share = holes as f32 / (50 * camera.height) as f32;
    assert!(share > 0.0005 && share < 0.03, "{share}");
}

#[test]
fn an_empty_scene_is_measured() {
    let (camera, mut sensor) = sensor(5);
    let exact = scene(&camera, |_| f32::INFINITY);
    assert!(sensor.measure(&exact, &camera).values.iter().all(|value| value.is_infinite()));
}
