//! Label preservation and realism on images where the answer is known.

#![expect(clippy::unwrap_used, reason = "a failed test is what it is for")]

use candle_core::{Device, Tensor};
use simgan_eval::{RealismTraining, find_irises, pupil_shift, realism};
use simgan_eyes::{Domain, Simulator, SimulatorConfig, builtin};

fn simulator(domain: Domain, seed: u64) -> Simulator {
    builtin(domain, SimulatorConfig { seed, ..SimulatorConfig::default() }).unwrap()
}

/// Renders in gray, `(N, 1, H, W)`.
fn images(simulator: &Simulator, range: std::ops::Range<usize>) -> Tensor {
    let (mut values, count) = (Vec::new(), range.len());
    let mut size = (0, 0);
    for idx in range {
        let image = simulator.render(idx).image.to_channels(1);
        size = (image.spec().height, image.spec().width);
        values.extend(image.to_unit());
    }
    Tensor::from_vec(values, (count, 1, size.0, size.1), &Device::Cpu).unwrap()
}

/// The same images moved to the right and down; what comes in is what was at the border.
fn moved(images: &Tensor, right: usize, down: usize) -> Tensor {
    let (_, _, height, width) = images.dims4().unwrap();
    let padded = images.pad_with_same(3, right, 0).unwrap().pad_with_same(2, down, 0).unwrap();
    padded.narrow(3, 0, width).unwrap().narrow(2, 0, height).unwrap().contiguous().unwrap()
}

/// The detector's own error: on the camera's images, with their noise, glints and squints, it is worst up and down,
/// where lids hide the limbus.
#[test]
fn irises_are_found_where_the_simulator_put_them() {
    for (domain, median_px, most_px) in [(Domain::Eyes, 0.8, 1.5), (Domain::Camera, 1.4, 3.0)] {
        let simulator = simulator(domain, 5);
        let found = find_irises(&images(&simulator, 0..80)).unwrap();
        let error = |idx: usize| {
            let [x, y, _] = simulator.render(idx).landmarks.iris_center;
            (found[idx].x - f64::from(x)).hypot(found[idx].y - f64::from(y))
        };
        let mut errors: Vec<_> = (0..80).map(error).collect();
        errors.sort_by(f64::total_cmp);
        println!("{domain:?}: median {:.2}, 75 % {:.2}, 90 % {:.2}", errors[40], errors[60], errors[72]);
        assert!(errors[40] < median_px && errors[60] < most_px, "{errors:?}");
    }
}

#[test]
fn a_shift_made_on_purpose_is_measured() {
    let eyes = images(&simulator(Domain::Eyes, 6), 0..25);
    let none = pupil_shift(&eyes, &eyes).unwrap();
    assert_eq!((none.distance_px.mean, none.distance_px.sd), (0.0, 0.0));
    let shift = pupil_shift(&eyes, &moved(&eyes, 2, 1)).unwrap();
    println!("{shift:?}");
    assert!((shift.drift_px[0].mean - 2.0).abs() < 0.3, "{shift:?}");
    assert!((shift.drift_px[1].mean - 1.0).abs() < 0.3, "{shift:?}");
    assert!((shift.distance_px.mean - 5f64.sqrt()).abs() < 0.4, "{shift:?}");
}

/// Contrast and brightness, which a refiner changes most, do not count as a shift.
#[test]
fn another_contrast_is_no_shift() {
    let eyes = images(&simulator(Domain::Eyes, 7), 0..25);
    let shift = pupil_shift(&eyes, &((&eyes * 0.6).unwrap() + 0.2).unwrap()).unwrap();
    assert!(shift.distance_px.mean < 0.1, "{shift:?}");
    let blank = pupil_shift(&eyes, &(&eyes * 0.0).unwrap()).unwrap();
    assert!(blank.distance_px.mean > 3.0, "a blank image has lost its iris: {blank:?}");
}

#[test]
fn shifts_of_images_that_do_not_fit_are_errors() {
    let eyes = images(&simulator(Domain::Eyes, 8), 0..3);
    assert!(pupil_shift(&eyes, &eyes.narrow(0, 0, 2).unwrap()).is_err());
    assert!(pupil_shift(&eyes.narrow(0, 0, 0).unwrap(), &eyes.narrow(0, 0, 0).unwrap()).is_err());
    assert!(find_irises(&eyes.narrow(2, 0, 14).unwrap()).is_err());
}

/// Two halves of one domain cannot be told apart; two domains can.
#[test]
fn realism_tells_two_domains_but_not_one_from_itself() {
    let training = RealismTraining { steps: 40, batch: 16, ..RealismTraining::default() };
    let eyes = images(&simulator(Domain::Eyes, 9), 0..120);
    let others = images(&simulator(Domain::Eyes, 9), 120..240);
    let camera = images(&simulator(Domain::Camera, 9), 0..120);
    let same = realism(&eyes, &others, &training).unwrap();
    let different = realism(&camera, &eyes, &training).unwrap();
    println!("{same:?} {different:?}");
    assert!((0.35..0.65).contains(&same.accuracy) && same.n_images == 120, "{same:?}");
    assert!(different.accuracy > 0.9, "{different:?}");
    assert!(different.interval[0] < different.accuracy && different.accuracy <= different.interval[1]);
    assert!(realism(&eyes.narrow(0, 0, 3).unwrap(), &camera, &training).is_err());
    assert!(realism(&eyes, &camera.narrow(3, 0, 20).unwrap(), &training).is_err());
}
