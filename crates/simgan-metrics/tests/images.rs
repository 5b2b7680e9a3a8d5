//! Iris detection and realism on images with known answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor};
use simgan_eyes::{Domain, Simulator, SimulatorConfig, builtin};
use simgan_metrics::{RealismTraining, find_irises, realism};

fn simulator(domain: Domain, seed: u64) -> Simulator {
    builtin(domain, SimulatorConfig { seed, ..SimulatorConfig::default() }).unwrap()
}

/// Renders gray images, `(N, 1, H, W)`.
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

/// Bounds the detector's error. It is largest on the camera's images, with noise, glints and squints, and in
/// the vertical direction, where lids hide the limbus.
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
fn irises_need_room() {
    assert!(find_irises(&images(&simulator(Domain::Eyes, 8), 0..3).narrow(2, 0, 14).unwrap()).is_err());
}

/// The classifier cannot separate two halves of one domain but separates two domains.
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
