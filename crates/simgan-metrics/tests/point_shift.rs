//! Measures the shift of labelled points where the answer is known: in scenes given by formulas.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_metrics::{MetricsError, PointShift, SinglePointShift, point_shift};

type Points = Vec<Vec<[f32; 2]>>;
type Size = [usize; 2];

/// Brightness at a place in a scene of image `idx`.
type Scene = fn(idx: usize, at: [f64; 2], size: Size) -> f64;

/// Gaussian blobs, bright and dark, on a ramp. Lengths are relative to the image.
fn blobs(idx: usize, [x, y]: [f64; 2], [width, height]: Size) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(idx as u64);
    let (across, down) = (x / width as f64, y / height as f64);
    let mut level = 0.3 * (across - down);
    for _ in 0..30 {
        let [cx, cy, strength] = [0.0; 3].map(|_: f64| rng.random_range(0.0..1.0));
        let squares = (across - cx).powi(2) + (down - cy).powi(2);
        level += (1.6 * strength - 0.8) * (-squares / (2.0 * 0.06f64.powi(2))).exp();
    }
    level.clamp(-1.0, 1.0)
}

/// The fingers of a hand in depth: five capsules from a palm, on a background that was not measured (−1).
fn fingers(idx: usize, [x, y]: [f64; 2], [width, height]: Size) -> f64 {
    let side = width.min(height) as f64;
    let (across, down) = (x / side - 0.5 * width as f64 / side, y / side);
    (0..5).fold(-1.0, |level, finger| {
        let [from, to] = bone(idx, finger);
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let along = ((across - from[0]) * dx + (down - from[1]) * dy) / (dx * dx + dy * dy);
        let along = along.clamp(0.0, 1.0);
        let distance = (across - from[0] - along * dx).hypot(down - from[1] - along * dy);
        // A pixel's share of the capsule at its rim, as in an image that was resized.
        let share = ((0.045 - distance) * side + 0.5).clamp(0.0, 1.0);
        let depth =
            0.1 * finger as f64 - 0.2 * along + 2.0 * (0.045f64.powi(2) - distance.powi(2)).max(0.0).sqrt();
        if share > 0.0 { f64::max(level, -1.0 + share * (1.0 + depth)) } else { level }
    })
}

/// Knuckle and tip of a finger of image `idx`, relative to the shorter side, from the middle of the top edge.
fn bone(idx: usize, finger: usize) -> [[f64; 2]; 2] {
    let spread = finger as f64 - 2.0 + 0.2 * (idx as f64 * 1.7 + finger as f64).sin();
    [[0.08 * spread, 0.7], [0.17 * spread, 0.28 + 0.05 * spread * spread]]
}

fn tips_and_knuckles(count: usize, [width, height]: Size) -> Points {
    let side = width.min(height) as f64;
    let place = |[x, y]: [f64; 2]| [(x * side + 0.5 * width as f64) as f32, (y * side) as f32];
    (0..count).map(|idx| (0..5).flat_map(|finger| bone(idx, finger).map(place)).collect()).collect()
}

/// A grid of points over the image's middle.
fn grid(count: usize, [width, height]: Size) -> Points {
    let at = |point: usize| [0.3 + 0.2 * (point % 3) as f32, 0.35 + 0.15 * (point / 3) as f32];
    let place = |[x, y]: [f32; 2]| [x * width as f32, y * height as f32];
    vec![(0..9).map(|point| place(at(point))).collect(); count]
}

/// Renders images `(N, 1, H, W)`, the scene moved by `moved` pixels.
fn images(scene: Scene, count: usize, size: Size, moved: [f64; 2]) -> Tensor {
    let [width, height] = size;
    let mut values = Vec::new();
    for idx in 0..count {
        for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
            let at = [column as f64 + 0.5 - moved[0], row as f64 + 0.5 - moved[1]];
            values.push(scene(idx, at, size) as f32);
        }
    }
    Tensor::from_vec(values, (count, 1, height, width), &Device::Cpu).unwrap()
}

fn shift(before: &Tensor, after: &Tensor, points: &Points) -> PointShift {
    point_shift(before, after, points).unwrap().unwrap()
}

/// A scene, the points of so many images of it, and their size.
type Case = (Scene, fn(usize, Size) -> Points, Size);

const SCENES: [Case; 4] = [
    (blobs, grid, [61, 47]),
    (blobs, grid, [47, 102]),
    (fingers, tips_and_knuckles, [64, 64]),
    (fingers, tips_and_knuckles, [225, 187]),
];

/// A point is measurable or not whatever the contrast of the image, unless there is none.
#[test]
fn faint_images_are_measured() {
    let (before, points) = (images(blobs, 4, [61, 47], [0.0; 2]), grid(4, [61, 47]));
    let plain = shift(&before, &before, &points);
    let faint = (&before * 0.1).unwrap();
    let found = shift(&faint, &faint, &points);
    assert_eq!(found.n_points, plain.n_points);
    assert!(found.n_points > found.n_unmeasurable, "{found:?}");
    let none = (&before * 0.0).unwrap();
    assert_eq!(point_shift(&none, &none, &points).unwrap(), None);
}

#[test]
fn what_stays_is_not_shifted() {
    for (scene, points, size) in SCENES {
        let images = images(scene, 4, size, [0.0; 2]);
        let found = shift(&images, &images, &points(4, size));
        assert_eq!((found.n_lost, found.distance_px.mean, found.distance_px.sd), (0, 0.0, 0.0));
        assert!(found.n_points > found.n_unmeasurable, "{found:?}");
    }
}

/// Known movements by fractions of a pixel are found, within the accuracy that the measurement states.
#[test]
fn known_movements_are_measured() {
    for (scene, points, size) in SCENES {
        let before = images(scene, 6, size, [0.0; 2]);
        for moved in [[0.5, 0.0], [-1.3, 0.7], [1.0, 2.25]] {
            let found = shift(&before, &images(scene, 6, size, moved), &points(6, size));
            let [x, y] = found.drift_px.map(|drift| drift.mean);
            assert_eq!(found.n_lost, 0);
            assert!((x - moved[0]).abs() < 0.15 && (y - moved[1]).abs() < 0.15, "{moved:?} {found:?}");
            let error = (found.distance_px.mean - moved[0].hypot(moved[1])).abs();
            assert!(error < 0.15 && error < found.error.p90_px, "{moved:?} {found:?}");
        }
    }
}

/// Returns the images with another tone and noise.
fn altered(images: &Tensor, seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let noise: Vec<f32> = (0..images.elem_count()).map(|_| rng.random_range(-0.1..0.1)).collect();
    let noise = Tensor::from_vec(noise, images.dims(), images.device()).unwrap();
    ((images * 0.7).unwrap() + 0.1).unwrap().add(&noise).unwrap()
}

#[test]
fn another_look_is_no_shift() {
    for (scene, points, size) in SCENES {
        let before = images(scene, 12, size, [0.0; 2]);
        for moved in [[0.0, 0.0], [1.5, -1.0]] {
            let after = altered(&images(scene, 12, size, moved), 3);
            let found = shift(&before, &after, &points(12, size));
            let error = (found.distance_px.mean - f64::hypot(moved[0], moved[1])).abs();
            assert!(error <= found.error.p90_px && found.error.p90_px < 1.5, "{found:?}");
            for (drift, moved) in found.drift_px.iter().zip(moved) {
                assert!((drift.mean - moved).abs() < found.error.median_px, "{found:?}");
            }
        }
    }
}

/// Mirrored images with mirrored labels have a mirrored drift.
#[test]
fn a_mirror_mirrors_the_drift() {
    for (scene, points, size) in SCENES {
        let points = points(6, size);
        let (before, after) = (images(scene, 6, size, [0.0; 2]), images(scene, 6, size, [1.25, 0.5]));
        let plain = shift(&before, &after, &points);
        let width = size[0] as f32;
        let flip = |images: &Tensor| images.flip(&[3]).unwrap();
        let mirror = |[x, y]: &[f32; 2]| [width - x, *y];
        let mirrored: Points = points.iter().map(|all| all.iter().map(mirror).collect()).collect();
        let found = shift(&flip(&before), &flip(&after), &mirrored);
        assert_eq!((found.n_points, found.n_lost), (plain.n_points, plain.n_lost));
        assert!((found.drift_px[0].mean + plain.drift_px[0].mean).abs() < 0.05, "{found:?} {plain:?}");
        assert!((found.drift_px[1].mean - plain.drift_px[1].mean).abs() < 0.05, "{found:?} {plain:?}");
    }
}

/// One point alone moves: its own figures tell, those of its neighbours stay.
#[test]
fn a_point_that_moves_alone_is_told_from_the_others() {
    const SIZE: Size = [96, 81];
    let (middle, points) = (images(blobs, 5, SIZE, [0.0; 2]), grid(5, SIZE));
    // The left third of the image moves down by two pixels.
    let moved = images(blobs, 5, SIZE, [0.0, 2.0]);
    let parts = [moved.narrow(3, 0, 38).unwrap(), middle.narrow(3, 38, 58).unwrap()];
    let found = shift(&middle, &Tensor::cat(&parts, 3).unwrap(), &points);
    for (idx, point) in found.points.iter().enumerate() {
        let Some(point) = point else { continue };
        let down = if idx % 3 == 0 { 2.0 } else { 0.0 };
        assert!((point.drift_px[1].mean - down).abs() < 0.2, "{idx}: {point:?}");
        assert!((point.distance_px.mean - down).abs() < 0.3, "{idx}: {point:?}");
    }
    let count = |of: fn(&SinglePointShift) -> usize| found.points.iter().flatten().map(of).sum::<usize>();
    assert_eq!([found.n_points, found.n_lost], [count(|point| point.n_images), count(|point| point.n_lost)]);
    assert_eq!(found.n_points + found.n_unmeasurable, 45);
}

#[test]
fn lost_points_are_counted() {
    for (scene, points, size) in SCENES {
        let (before, points) = (images(scene, 3, size, [0.0; 2]), points(3, size));
        let blank = (&before * 0.0).unwrap();
        let found = shift(&before, &blank, &points);
        assert_eq!(found.n_lost, found.n_points);
        assert!(found.distance_px.mean >= 4.0 && found.drift_px[0].mean == 0.0, "{found:?}");
        let one = Tensor::cat(&[before.narrow(0, 0, 2).unwrap(), blank.narrow(0, 2, 1).unwrap()], 0).unwrap();
        let found = shift(&before, &one, &points);
        assert!(0 < found.n_lost && found.n_lost <= points[0].len(), "{found:?}");
        // An image that is not finite has nothing to find either.
        let broken = (&before * f64::NAN).unwrap();
        assert_eq!(shift(&before, &broken, &points).n_lost, found.n_points);
    }
}

/// Points in a corner, on a flat ground, along a straight edge or of unknown place are not measured.
#[test]
fn points_that_show_no_movement_are_not_measured() {
    const SIZE: Size = [64, 57];
    let edge: Scene = |_, [x, _], _| if x < 40.0 { -1.0 } else { 0.5 };
    let before = images(edge, 2, SIZE, [0.0; 2]);
    let points = vec![vec![[20.0, 28.0], [40.0, 28.0], [60.0, 50.0], [f32::NAN, 20.0]]; 2];
    assert_eq!(point_shift(&before, &before, &points).unwrap(), None);
    let corner: Scene = |_, [x, y], _| if x < 40.0 || y < 28.0 { -1.0 } else { 0.5 };
    let before = images(corner, 2, SIZE, [0.0; 2]);
    let found = shift(&before, &before, &points);
    assert_eq!((found.n_points, found.n_unmeasurable), (2, 6));
    assert!(found.points[1].is_some() && [0, 2, 3].iter().all(|idx| found.points[*idx].is_none()));
    for size in [[1, 1], [9, 200], [3, 5]] {
        let small = images(blobs, 2, size, [0.0; 2]);
        assert_eq!(point_shift(&small, &small, &grid(2, size)).unwrap(), None);
    }
}

#[test]
fn shifts_of_points_that_do_not_fit_are_errors() {
    let (before, points) = (images(blobs, 3, [61, 47], [0.0; 2]), grid(3, [61, 47]));
    assert!(point_shift(&before, &before.narrow(0, 0, 2).unwrap(), &points).is_err());
    assert!(point_shift(&before, &before, &points[1..]).is_err());
    let none = before.narrow(0, 0, 0).unwrap();
    assert!(matches!(point_shift(&none, &none, &[]), Err(MetricsError::TooFew { .. })));
    let empty = before.narrow(3, 0, 0).unwrap();
    assert!(matches!(point_shift(&empty, &empty, &points), Err(MetricsError::Mismatch(_))));
    let mut ragged = points.clone();
    ragged[2].pop();
    let error = point_shift(&before, &before, &ragged).unwrap_err();
    assert!(matches!(error, MetricsError::Ragged { image: 2, found: 8, needed: 9, .. }), "{error}");
    assert_eq!(point_shift(&before, &before, &vec![Vec::new(); 3]).unwrap(), None);
}
