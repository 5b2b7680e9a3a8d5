//! Tests of both built-in domains.

mod records;

use proptest::prelude::*;
use simgan_data::{Image, Pixels, Sample, Source, Want};
use simgan_eyes::{Domain, EyesError, Range, Rendered, Simulator, SimulatorConfig, builtin};

const DOMAINS: [Domain; 2] = [Domain::Eyes, Domain::Camera];

fn simulator(domain: Domain, width: usize, height: usize) -> Simulator {
    let config = SimulatorConfig { seed: 3, width, height, ..SimulatorConfig::default() };
    builtin(domain, config).expect("these settings can be rendered")
}

fn bytes(image: &Image) -> &[u8] {
    let Pixels::U8(values) = image.pixels() else { panic!("renders have 8 bits") };
    values
}

fn points(rendered: &Rendered) -> impl Iterator<Item = [f32; 3]> + '_ {
    let marks = &rendered.landmarks;
    [marks.eye_center, marks.iris_center, marks.pupil_center].into_iter().chain(
        [&marks.iris, &marks.pupil, &marks.upper_lid, &marks.lower_lid, &marks.caruncle]
            .into_iter()
            .flatten()
            .copied(),
    )
}

#[test]
fn labels_are_finite_and_lie_in_the_image() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 55, 35);
        for index in 0..300 {
            let rendered = eyes.render(index);
            for [x, y, depth] in points(&rendered) {
                assert!(x > 0.0 && x < 55.0 && y > 0.0 && y < 35.0, "{domain} {index}: ({x}, {y})");
                assert!(depth > 500.0 && depth < 700.0, "{domain} {index}: depth {depth}");
            }
        }
    }
}

#[test]
fn iris_and_pupil_lie_where_the_gaze_points() {
    const PX_PER_MM: f32 = 55.0 / 37.5;
    const LIMBUS_MM: f32 = 10.752;
    let eyes = simulator(Domain::Eyes, 55, 35);
    for index in 0..300 {
        let rendered = eyes.render(index);
        let marks = &rendered.landmarks;
        let gaze = rendered.gaze.vector();
        for axis in 0..2 {
            let expected = marks.eye_center[axis] + gaze[axis] * LIMBUS_MM * PX_PER_MM;
            assert!((marks.iris_center[axis] - expected).abs() < 1e-3);
            let mean = marks.iris.iter().map(|point| point[axis]).sum::<f32>() / marks.iris.len() as f32;
            assert!((mean - expected).abs() < 1e-3);
            // The cornea shifts the pupil towards the viewer by less than 1 mm.
            assert!((marks.pupil_center[axis] - expected).abs() < 1.3 * PX_PER_MM);
        }
    }
}

#[test]
fn the_pupil_is_dark_where_its_label_says() {
    let mut n_seen = 0;
    let config = SimulatorConfig { width: 220, height: 140, samples: 40, ..SimulatorConfig::default() };
    let eyes = builtin(Domain::Eyes, config).unwrap();
    for index in 0..40 {
        let rendered = eyes.render(index);
        let marks = &rendered.landmarks;
        let opening = |x: f32| {
            let at = |line: &[[f32; 3]]| {
                let right = line.iter().position(|point| point[0] > x).unwrap_or(line.len() - 1).max(1);
                line[right - 1][1].max(line[right][1])
            };
            at(&marks.upper_lid)..at(&marks.lower_lid)
        };
        let [x, y, _] = marks.pupil_center;
        let lids = opening(x);
        if y < lids.start + 10.0 || y > lids.end - 10.0 {
            continue;
        }
        n_seen += 1;
        let at = |[x, y, _]: [f32; 3]| f32::from(bytes(&rendered.image)[y as usize * 220 + x as usize]);
        let inside: Vec<f32> =
            marks.pupil.iter().map(|p| [x + 0.6 * (p[0] - x), y + 0.6 * (p[1] - y), 0.0]).map(at).collect();
        let outside: Vec<f32> =
            marks.pupil.iter().map(|p| [x + 1.35 * (p[0] - x), y + 1.35 * (p[1] - y), 0.0]).map(at).collect();
        let median = |mut values: Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values[values.len() / 2]
        };
        let (inside, outside) = (median(inside), median(outside));
        assert!(inside < outside, "{index}: {inside} in the pupil, {outside} round it");
    }
    assert!(n_seen > 15, "{n_seen} pupils were visible");
}

#[test]
fn lids_never_cross_and_leave_a_slit() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 55, 35);
        for index in 0..300 {
            let marks = eyes.render(index).landmarks;
            let lids = marks.upper_lid.iter().zip(&marks.lower_lid);
            let heights: Vec<f32> = lids.map(|(upper, lower)| lower[1] - upper[1]).collect();
            assert!(heights.iter().all(|height| *height > -0.01), "{domain} {index}: {heights:?}");
            assert!(heights.iter().any(|height| *height > 2.0), "{domain} {index}: {heights:?}");
        }
    }
}

#[test]
fn renders_are_neither_flat_nor_cut_off() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 60, 36);
        for index in 0..150 {
            let rendered = eyes.render(index);
            let values = bytes(&rendered.image);
            let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            assert!(high - low > 40, "{domain} {index}: {low}..{high}");
            // Background would show as pure black along a border.
            let corners = [0, 59, 60 * 35, 60 * 35 + 59];
            let black = corners.iter().filter(|corner| values[**corner] == 0).count();
            assert!(domain == Domain::Camera || black == 0, "{index}: a black corner");
        }
    }
}

/// FNV-1a hashes of the first samples, identical on every machine. They change only when the images are meant
/// to.
#[test]
fn pinned_renders() {
    let hash = |domain, channels| {
        let config = SimulatorConfig { channels, ..SimulatorConfig::default() };
        let eyes = builtin(domain, config).unwrap();
        (0..8).fold(0xCBF2_9CE4_8422_2325_u64, |hash, index| {
            let rendered = eyes.render(index);
            bytes(&rendered.image)
                .iter()
                .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
        })
    };
    let hashes = [(Domain::Eyes, 1), (Domain::Eyes, 3), (Domain::Camera, 1)]
        .map(|(domain, channels)| format!("{:016x}", hash(domain, channels)));
    assert_eq!(hashes, ["ca23ca34e5635636", "8c9d3c4beb6f904b", "e3bbc2747a8ee759"]);
}

#[test]
fn order_and_threads_do_not_matter() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 41, 27);
        let forwards: Vec<Image> = (0..24).map(|index| eyes.render(index).image).collect();
        for index in (0..24).rev() {
            assert_eq!(eyes.sample(index, Want::Image).unwrap().image, forwards[index]);
        }
        let threaded: Vec<Image> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..3)
                .map(|part| (part, scope.spawn(|| (0..24).map(|index| eyes.render(index).image))))
                .collect();
            let per_worker: Vec<Vec<Image>> =
                workers.into_iter().map(|(_, worker)| worker.join().unwrap().collect()).collect();
            per_worker.into_iter().flatten().collect()
        });
        for (position, image) in threaded.iter().enumerate() {
            assert_eq!(image, &forwards[position % 24]);
        }
    }
}

#[test]
fn seeds_domains_and_indices_differ() {
    let eyes = simulator(Domain::Eyes, 55, 35);
    let other_seed =
        builtin(Domain::Eyes, SimulatorConfig { seed: 4, ..SimulatorConfig::default() }).unwrap();
    let camera = simulator(Domain::Camera, 55, 35);
    let first = eyes.render(0);
    assert_ne!(first.image, eyes.render(1).image);
    assert_ne!(first.image, other_seed.render(0).image);
    assert_ne!(first.gaze, camera.render(0).gaze);
}

/// An image rendered without its labels is the same.
#[test]
fn images_do_not_need_the_label() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 55, 35);
        let sample = eyes.sample(5, Want::Labels).unwrap();
        assert!(sample.record.is_some() && Source::name(&eyes, 5).unwrap() == sample.name);
        assert_eq!(eyes.sample(5, Want::Image).unwrap(), Sample::new(sample.name, sample.image));
    }
}

/// Labels computed without the image are the same.
#[test]
fn labels_do_not_need_the_image() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 55, 35);
        let (label, rendered) = (eyes.label(4), eyes.render(4));
        assert_eq!(
            (label.gaze, &label.landmarks, &label.visibility),
            (rendered.gaze, &rendered.landmarks, &rendered.visibility)
        );
    }
}

#[test]
fn settings_that_cannot_be_rendered_are_named() {
    let base = SimulatorConfig::default();
    let cases = [
        ("samples", SimulatorConfig { samples: 0, ..base.clone() }),
        ("width × height", SimulatorConfig { width: 1, ..base.clone() }),
        ("channels", SimulatorConfig { channels: 2, ..base.clone() }),
        ("supersample", SimulatorConfig { supersample: 9, ..base.clone() }),
        ("crop_mm", SimulatorConfig { crop_mm: f32::NAN, ..base.clone() }),
        ("gaze_yaw_deg", SimulatorConfig { gaze_yaw_deg: Range::new(5.0, -5.0), ..base.clone() }),
        ("head_pitch_deg", SimulatorConfig { head_pitch_deg: Range::new(-80.0, 0.0), ..base.clone() }),
    ];
    for (expected, config) in cases {
        let Err(EyesError::Setting { setting, .. }) = builtin(Domain::Eyes, config) else {
            panic!("{expected} accepted")
        };
        assert_eq!(setting, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_size_seed_and_index_renders(
        seed: u64, index in 0_usize..100_000, width in 8_usize..90, height in 8_usize..90, camera: bool,
        rgb: bool, supersample in 1_usize..5,
    ) {
        let channels = if rgb { 3 } else { 1 };
        let config = SimulatorConfig { seed, width, height, channels, supersample, ..SimulatorConfig::default() };
        let eyes = builtin(DOMAINS[usize::from(camera)], config).unwrap();
        let rendered = eyes.render(index);
        prop_assert_eq!(rendered.image.spec(), eyes.spec());
        prop_assert!(points(&rendered).flatten().all(f32::is_finite));
    }
}
