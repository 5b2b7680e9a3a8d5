use simgan_data::{AnnotationsExt, BitDepth, Extremes, ValueRange, annotations_from_record};

use super::*;
use crate::config::View;

const DOMAINS: [Domain; 2] = Domain::ALL;

fn simulator(domain: Domain, size: &str) -> HandSimulator {
    let config =
        HandsConfig { seed: 3, size: size.parse().unwrap(), view: View::Any, ..HandsConfig::default() };
    HandSimulator::new(domain, config).unwrap()
}

fn depths(image: &Image) -> &[u16] {
    let Pixels::U16(values) = image.pixels() else { panic!("depths have 16 bits") };
    values
}

/// Every joint is inside of the hand: its ray meets the surface, and before the joint.
#[test]
fn joints_lie_inside_the_silhouette() {
    let (mut n_seen, mut n_visible) = (0, 0);
    for domain in DOMAINS {
        let hands = simulator(domain, "224x224");
        for index in 0..250 {
            let scene = hands.scene(index, 0);
            let exact = render(&scene.solid, &scene.camera);
            let visible = scene.visible();
            for idx in LABELLED {
                let Joint { place, .. } = scene.joints[idx].unwrap();
                let point = scene.camera.project(place);
                let in_view = |value: f32| (0.0..224.0).contains(&value);
                let pixel = point.map(|value| value as usize);
                let depth = point.into_iter().all(in_view).then(|| exact.values[pixel[1] * 224 + pixel[0]]);
                assert_eq!(
                    depths_at(&scene.solid, &scene.camera, &[point]),
                    [depth],
                    "{domain} {index}: {idx}"
                );
                let Some(depth) = depth else { continue };
                // NYU's wrist is 36 mm wide; the slimmest here, seen from the side, ends there.
                if matches!(idx, 30 | 31) {
                    continue;
                }
                n_seen += 1;
                n_visible += usize::from(visible[idx]);
                // A fingertip's centre is 5 mm deep; a pixel's middle may lie 0.7 mm beside it.
                assert!(
                    place.z - depth > 1.0,
                    "{domain} {index}: joint {idx} at {place:?}, surface at {depth}"
                );
            }
        }
    }
    assert!(n_visible * 10 > n_seen * 5 && n_visible * 20 < n_seen * 19, "{n_visible} of {n_seen} visible");
}

/// Bent fingers hide what lies behind them: the flag follows the depths, not the joint's kind.
#[test]
fn what_lies_behind_something_is_not_visible() {
    let hands = simulator(Domain::Hands, "224x224");
    let (mut hidden, mut shown) = ([0; N_NYU], [0; N_NYU]);
    for index in 0..250 {
        let scene = hands.scene(index, 0);
        let visible = scene.visible();
        for idx in LABELLED {
            let count = if visible[idx] { &mut shown } else { &mut hidden };
            count[idx] += 1;
        }
    }
    for tip in [0, 6, 12, 18, 24] {
        assert!(
            hidden[tip] > 8 && shown[tip] > 80,
            "tip {tip}: {} hidden, {} shown",
            hidden[tip],
            shown[tip]
        );
    }
}

#[test]
fn hands_fill_the_crop_and_leave_the_background() {
    for domain in DOMAINS {
        let hands = simulator(domain, "112x112");
        for index in 0..150 {
            let sample = hands.sample(index, Want::Labels).unwrap();
            let values = depths(&sample.image);
            let share = values.iter().filter(|value| **value > 0).count() as f32 / values.len() as f32;
            assert!(share > 0.03 && share < 0.6, "{domain} {index}: {share}");
            let near = |value: &&u16| (300..1100).contains(*value) || **value == 0;
            assert!(values.iter().all(|value| near(&value)), "{domain} {index}");
            let in_view = |[x, y]: &&[f32; 2]| (0.0..112.0).contains(x) && (0.0..112.0).contains(y);
            let n_in_view = sample.annotations.joints().unwrap().iter().filter(in_view).count();
            assert!(n_in_view >= 11, "{domain} {index}: {n_in_view} joints in view");
        }
    }
}

/// Zeros are told from depths, so that a range of values is found and the background is no depth.
#[test]
fn zeros_are_no_measurement() {
    for domain in DOMAINS {
        let extremes = Extremes::of_source(&simulator(domain, "64x64"), 60);
        let range = ValueRange::measured(&extremes, BitDepth::Sixteen).unwrap();
        assert!(range.min > 200.0 && range.max < 1200.0 && !range.is_measured(0.0), "{domain}: {range}");
    }
}

/// FNV-1a hashes of the first samples, identical on every machine. They change only when the images are meant
/// to.
#[test]
fn pinned_renders() {
    let hash = |domain, size| {
        let hands = simulator(domain, size);
        (0..6).fold(0xCBF2_9CE4_8422_2325_u64, |hash, index| {
            let sample = hands.sample(index, Want::Labels).unwrap();
            let joints = sample.annotations.joints().unwrap().as_flattened();
            let joints = joints.iter().flat_map(|value| value.to_bits().to_le_bytes());
            let pixels = depths(&sample.image).iter().flat_map(|depth| depth.to_le_bytes());
            pixels
                .chain(joints)
                .fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
        })
    };
    let sizes = ["224x224", "64x64", "60x36"];
    let hashes = DOMAINS.map(|domain| sizes.map(|size| format!("{:016x}", hash(domain, size))));
    assert_eq!(
        hashes,
        [
            ["63e2faf84da11463", "e75c21c77e17fd88", "f19a7994a48ea9e4"],
            ["23157e6a667299a7", "05f2130c5f670bed", "53bd51bb0de49f08"],
        ]
    );
}

#[test]
fn order_and_threads_do_not_matter() {
    for domain in DOMAINS {
        let hands = simulator(domain, "48x40");
        let forwards: Vec<Sample> = (0..12).map(|index| hands.sample(index, Want::Labels).unwrap()).collect();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for index in (0..12).rev() {
                        assert_eq!(hands.sample(index, Want::Labels).unwrap(), forwards[index]);
                    }
                });
            }
        });
        let image = hands.sample(5, Want::Image).unwrap();
        assert_eq!(image, Sample::new("5", forwards[5].image.clone()));
        assert_eq!(hands.name(5).unwrap(), "5");
        assert!(forwards.windows(2).all(|pair| pair[0].image != pair[1].image));
    }
}

/// Both domains show other people in other poses, and views differ.
#[test]
fn domains_seeds_and_views_differ() {
    let open = |domain, seed, view| {
        let size = "40x40".parse().unwrap();
        let config = HandsConfig { seed, size, view, ..HandsConfig::default() };
        HandSimulator::new(domain, config).unwrap().sample(0, Want::Labels).unwrap()
    };
    let first = open(Domain::Hands, 0, View::Front);
    for other in [
        open(Domain::Hands, 1, View::Front),
        open(Domain::Kinect, 0, View::Front),
        open(Domain::Hands, 0, View::Top),
        open(Domain::Hands, 0, View::Side),
    ] {
        assert_ne!(first.annotations, other.annotations);
    }
    assert_eq!(first.record.unwrap()["view"], "front");
    let hands = simulator(Domain::Hands, "16x16");
    let view = |index| hands.scene(index, 0).pose.view;
    assert!(
        [View::Front, View::Top, View::Side].iter().all(|view_| (0..60).any(|index| view(index) == *view_))
    );
}

/// The record tells the points that the annotation has, in pixels and in space.
#[test]
fn records_tell_the_same_joints() {
    let hands = simulator(Domain::Kinect, "120x90");
    let sample = hands.sample(2, Want::Labels).unwrap();
    let (record, points) = (sample.record.clone().unwrap(), sample.annotations.joints().unwrap());
    let read = annotations_from_record(&record, 90).unwrap();
    let near = |(a, b): (&[f32; 2], &[f32; 2])| (a[0] - b[0]).abs() < 1e-3 && (a[1] - b[1]).abs() < 1e-3;
    assert!(read.joints().unwrap().iter().zip(points).all(near));
    let scene = hands.scene(2, 0);
    for (idx, point) in points.iter().enumerate() {
        let place: [f32; 3] = serde_json::from_value(record["joint_xyz_mm"][idx].clone()).unwrap();
        assert!(near((&scene.camera.project(place.into()), point)), "{idx}");
        assert_eq!(record["nyu_joint_xyz_mm"][LABELLED[idx]], record["joint_xyz_mm"][idx]);
        assert!(record["joint_visible"][idx].is_boolean());
    }
    let missing = record["nyu_joint_xyz_mm"].as_array().unwrap().iter().filter(|place| place.is_null());
    assert_eq!((missing.count(), &record["nyu_joint_xyz_mm"][33].is_null()), (3, &true));
    let written = sample.to_record().unwrap();
    assert!(annotations_from_record(&written, 90).unwrap().joints().is_some());
}

/// The sensor sees the same hand: most of the silhouette is measured, to millimetres, and not all of it.
#[test]
fn the_sensor_measures_the_hand() {
    let hands = simulator(Domain::Kinect, "224x224");
    for index in 0..40 {
        let scene = hands.scene(index, 0);
        let exact = render(&scene.solid, &scene.camera);
        let image = hands.sample(index, Want::Image).unwrap().image;
        let pairs = exact.values.iter().zip(depths(&image));
        let hand: Vec<_> = pairs.filter(|(exact, _)| hands.cut(**exact, scene.middle) > 0).collect();
        let near = |(exact, found): &&(&f32, &u16)| (**exact - f32::from(**found)).abs() < 8.0;
        let share = hand.iter().filter(near).count() as f32 / hand.len() as f32;
        assert!(share > 0.6 && share < 0.995, "{index}: {share}");
    }
}
