//! Measures the iris's shift where the answer is known: on eyeballs rotated in the simulator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use simgan_data::{Annotations, names};
use simgan_eyes::{Domain, Finishing, Rendered, Simulator, SimulatorConfig, builtin};
use simgan_metrics::{pupil_shift, pupil_shift_at};

/// Approximate rotation of an eyeball, in degrees, that moves its iris by a pixel of a 55-pixel-wide eye.
const DEGREES_PER_PX: f64 = 3.9;

fn simulator(domain: Domain, finishing: Finishing, seed: u64) -> Simulator {
    builtin(domain, SimulatorConfig { seed, finishing, ..SimulatorConfig::default() }).unwrap()
}

/// Converts gray renders to a tensor, `(N, 1, H, W)`.
fn images(renders: &[Rendered]) -> Tensor {
    let spec = renders[0].image.spec();
    let values: Vec<f32> = renders.iter().flat_map(|render| render.image.to_unit()).collect();
    Tensor::from_vec(values, (renders.len(), 1, spec.height, spec.width), &Device::Cpu).unwrap()
}

fn landmarks(renders: &[Rendered]) -> Vec<Annotations> {
    renders.iter().map(|render| render.landmarks.annotations()).collect()
}

/// The direction in which an image's eye turns, as an angle in radians; positive sines turn it up.
type Direction = fn(usize) -> f64;

/// Renders the eyes again, each rotated so that its iris moves by about `px`, with the sensors of another
/// simulator.
fn turned(
    eyes: &Simulator,
    count: usize,
    px: f64,
    direction: Direction,
    cameras: &Simulator,
) -> Vec<Rendered> {
    let turned = |idx: usize| {
        let mut parameters = serde_json::to_value(eyes.parameters(idx)).unwrap();
        let (sine, cosine) = direction(idx).sin_cos();
        let mut turn = |angle: &str, by: f64| {
            let angle: &mut Value = &mut parameters["pose"][angle];
            *angle = json!(angle.as_f64().unwrap() + by * px * DEGREES_PER_PX);
        };
        turn("gaze_pitch_deg", sine);
        turn("gaze_yaw_deg", cosine);
        let other = serde_json::to_value(cameras.parameters(idx)).unwrap();
        parameters["sensor"] = other["sensor"].clone();
        eyes.render_parameters(serde_json::from_value(parameters).unwrap()).unwrap()
    };
    (0..count).map(turned).collect()
}

/// Returns the true movement of the irises: mean distance, and mean change of x and y.
fn truth(before: &[Rendered], after: &[Rendered]) -> (f64, [f64; 2]) {
    let center = |render: &Rendered| render.landmarks.iris_center.map(f64::from);
    let moved = before.iter().zip(after).map(|(before, after)| {
        let (before, after) = (center(before), center(after));
        [after[0] - before[0], after[1] - before[1]]
    });
    let moved: Vec<_> = moved.collect();
    let mean = |of: &dyn Fn(&[f64; 2]) -> f64| moved.iter().map(of).sum::<f64>() / moved.len() as f64;
    (mean(&|[x, y]| x.hypot(*y)), [mean(&|moved| moved[0]), mean(&|moved| moved[1])])
}

/// Although the appearance changes, from plain renders to a cheap camera's pictures and from one camera to
/// another, the measurement recovers each rotation and finds little movement without one.
#[test]
fn turned_eyes_are_measured() {
    const COUNT: usize = 60;
    for (domain, finishing) in [(Domain::Eyes, Finishing::Plain), (Domain::Camera, Finishing::Camera)] {
        let eyes = simulator(domain, finishing, 5);
        let cameras = simulator(domain, Finishing::Camera, 6);
        let before: Vec<_> = (0..COUNT).map(|idx| eyes.render(idx)).collect();
        for (px, direction) in [(0.0, all_ways as Direction), (1.0, all_ways), (2.0, all_ways), (2.0, down)] {
            let after = turned(&eyes, COUNT, px, direction, &cameras);
            let shift = pupil_shift_at(&images(&before), &images(&after), &landmarks(&before)).unwrap();
            let (distance, drift) = truth(&before, &after);
            println!("{domain} {px}: truly {distance:.2} {drift:.2?}, {shift:.2?}");
            assert_eq!(shift.n_lost, 0);
            let error = (shift.distance_px.mean - distance).abs();
            assert!(error < if px == 0.0 { 0.4 } else { 0.1 + 0.1 * px }, "{error}");
            for (found, drift) in shift.drift_px.iter().zip(drift) {
                assert!((found.mean - drift).abs() < 0.15 + 0.1 * drift.abs(), "{found:?}, truly {drift}");
            }
            assert!(shift.error.still_px < 0.5 && shift.error.p90_px < 1.0, "{shift:?}");
        }
    }
}

fn all_ways(idx: usize) -> f64 {
    2.4 * idx as f64
}

fn down(_: usize) -> f64 {
    -std::f64::consts::FRAC_PI_2
}

/// Shifts images to the right and down, replicating the border.
fn moved(images: &Tensor, right: usize, down: usize) -> Tensor {
    let (_, _, height, width) = images.dims4().unwrap();
    let padded = images.pad_with_same(3, right, 0).unwrap().pad_with_same(2, down, 0).unwrap();
    padded.narrow(3, 0, width).unwrap().narrow(2, 0, height).unwrap().contiguous().unwrap()
}

/// Shifts of whole images of different sizes are measured in pixels of a 55-pixel-wide eye, without
/// landmarks.
#[test]
fn moved_images_are_measured_in_pixels_of_one_size() {
    for (width, height, right, down) in [(55, 35, 2, 1), (110, 67, 4, 2)] {
        let config = SimulatorConfig { seed: 6, width, height, ..SimulatorConfig::default() };
        let eyes = builtin(Domain::Eyes, config).unwrap();
        let eyes = images(&(0..20).map(|idx| eyes.render(idx)).collect::<Vec<_>>());
        let none = pupil_shift(&eyes, &eyes).unwrap();
        assert_eq!((none.distance_px.mean, none.distance_px.sd, none.n_lost), (0.0, 0.0, 0));
        let shift = pupil_shift(&eyes, &moved(&eyes, right, down)).unwrap();
        println!("{shift:?}");
        assert!((shift.drift_px[0].mean - 2.0).abs() < 0.2, "{shift:?}");
        assert!((shift.drift_px[1].mean - 1.0).abs() < 0.2, "{shift:?}");
        assert!((shift.distance_px.mean - 5f64.sqrt()).abs() < 0.2, "{shift:?}");
    }
}

/// Contrast and brightness, which a refiner changes most, do not count as a shift; in a blank image the iris
/// is lost.
#[test]
fn looks_are_no_shift_and_blanks_are_lost() {
    let eyes = simulator(Domain::Eyes, Finishing::Plain, 7);
    let renders: Vec<_> = (0..25).map(|idx| eyes.render(idx)).collect();
    let (eyes, marks) = (images(&renders), landmarks(&renders));
    let shift = pupil_shift_at(&eyes, &((&eyes * 0.6).unwrap() + 0.2).unwrap(), &marks).unwrap();
    assert!(shift.distance_px.mean < 0.1 && shift.n_lost == 0, "{shift:?}");
    for gone in [(&eyes * 0.0).unwrap(), (&eyes * -1.0).unwrap()] {
        let shift = pupil_shift_at(&eyes, &gone, &marks).unwrap();
        assert!(shift.n_lost > 20 && shift.distance_px.mean > 5.0, "{shift:?}");
    }
}

#[test]
fn shifts_of_images_that_do_not_fit_are_errors() {
    let eyes = simulator(Domain::Eyes, Finishing::Plain, 8);
    let renders: Vec<_> = (0..3).map(|idx| eyes.render(idx)).collect();
    let (eyes, mut marks) = (images(&renders), landmarks(&renders));
    let none = eyes.narrow(0, 0, 0).unwrap();
    assert!(pupil_shift(&eyes, &eyes.narrow(0, 0, 2).unwrap()).is_err());
    assert!(pupil_shift(&none, &none).is_err());
    assert!(pupil_shift(&eyes.narrow(2, 0, 14).unwrap(), &eyes.narrow(2, 0, 14).unwrap()).is_err());
    assert!(pupil_shift_at(&eyes, &eyes, &marks[1..]).is_err());
    marks[1].remove(names::LID_MARGIN);
    assert_eq!(pupil_shift_at(&eyes, &eyes, &marks).unwrap().distance_px.mean, 0.0);
    marks[1].insert(names::IRIS.into(), Vec::new().into());
    assert!(pupil_shift_at(&eyes, &eyes, &marks).is_err(), "an iris of no points");
    marks[1].remove(names::IRIS);
    let error = pupil_shift_at(&eyes, &eyes, &marks).unwrap_err().to_string();
    assert!(error.contains("landmarks around its iris"), "{error}");
}
