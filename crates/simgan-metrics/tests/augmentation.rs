//! Labels carried along by augmentation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use simgan_metrics::{AugmentOptions, Strength, Warp, augmented, augmented_with};

const HEIGHT: usize = 61;
const WIDTH: usize = 88;

/// All options, those for depth last.
const OPTIONS: [(Strength, bool, bool); 8] = [
    (Strength::Light, false, false),
    (Strength::Light, true, false),
    (Strength::Strong, false, false),
    (Strength::Strong, true, false),
    (Strength::Light, false, true),
    (Strength::Light, true, true),
    (Strength::Strong, false, true),
    (Strength::Strong, true, true),
];

fn options((strength, turn, depth): (Strength, bool, bool)) -> AugmentOptions {
    AugmentOptions { strength, turn, depth }
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(4)
}

/// Returns `count` images of two channels with a bright round spot on a dark ground.
fn spots(count: usize, [x, y]: [f32; 2], radius: f32) -> Tensor {
    let level = |idx: usize| {
        let (row, column) = (idx / WIDTH, idx % WIDTH);
        let distance = (column as f32 + 0.5 - x).hypot(row as f32 + 0.5 - y);
        -1.0 + 1.5 * (radius + 0.5 - distance).clamp(0.0, 1.0)
    };
    let plane: Vec<f32> = (0..HEIGHT * WIDTH).map(level).collect();
    let spot = Tensor::from_vec(plane, (1, 1, HEIGHT, WIDTH), &Device::Cpu).unwrap();
    spot.expand((count, 2, HEIGHT, WIDTH)).unwrap().contiguous().unwrap()
}

/// Returns the centroid of the pixels that exceed a quarter of the largest. All count alike, because strong
/// light saturates some.
fn centroid(plane: &[Vec<f32>]) -> [f32; 2] {
    let most = plane.iter().flatten().copied().fold(0.0, f32::max);
    let mut sums = [0.0; 3];
    for (row, pixels) in plane.iter().enumerate() {
        for (column, value) in pixels.iter().enumerate() {
            let weight = f32::from(u8::from(*value > 0.25 * most));
            let at = [column as f32 + 0.5, row as f32 + 0.5, 1.0];
            sums = std::array::from_fn(|idx| sums[idx] + weight * at[idx]);
        }
    }
    [sums[0] / sums[2], sums[1] / sums[2]]
}

/// A spot lies where the warp says, whatever else changed; off the centre and in a non-square image, so that
/// an exchanged axis or a wrong sign shows. What the same changes make of the empty ground is subtracted.
#[test]
fn points_follow_the_pixels() {
    let at = [33.25, 38.5];
    for kind in OPTIONS {
        let options = options(kind);
        let spots = spots(40, at, 9.0);
        let (images, warps) = augmented_with(&spots, options, &mut rng()).unwrap();
        let ground = spots.zeros_like().unwrap().affine(1.0, -1.0).unwrap();
        let images = (images - augmented_with(&ground, options, &mut rng()).unwrap().0).unwrap();
        // Depths move by whole pixels. Where strong light and noise saturate pixels, the spot's shape suffers.
        let (most, mean) = match (options.strength, options.depth) {
            (_, true) => (0.8, 0.5),
            (Strength::Strong, false) => (1.0, 0.2),
            (Strength::Light, false) => (0.2, 0.2),
        };
        let (mut moved, mut errors) = (0.0f32, Vec::new());
        for (idx, warp) in warps.iter().enumerate() {
            let [x, y] = warp.point(at);
            let planes = images.get(idx).unwrap().to_vec3::<f32>().unwrap();
            for plane in &planes {
                let [found_x, found_y] = centroid(plane);
                let error = (found_x - x).hypot(found_y - y);
                errors.push(error);
                assert!(error < most, "{options:?}: {found_x}, {found_y} instead of {x}, {y}");
            }
            moved = moved.max((x - at[0]).hypot(y - at[1]));
        }
        assert!(errors.iter().sum::<f32>() < mean * errors.len() as f32, "{options:?} {errors:?}");
        assert!(moved > if options.turn { 5.0 } else { 2.0 }, "{options:?} {moved}");
    }
}

/// Distances between points tell scale, directions the turn, and both stay within what is documented.
#[test]
fn turns_and_scales_are_in_range() {
    for kind in OPTIONS {
        let (_, warps) = augmented_with(&spots(300, [0.0; 2], 1.0), options(kind), &mut rng()).unwrap();
        let changes = warps.iter().map(|warp| {
            let ([x, y], [right, down]) = (warp.point([10.0, 20.0]), warp.point([30.0, 20.0]));
            let (dx, dy) = ((right - x) / 20.0, (down - y) / 20.0);
            [dx.hypot(dy), dy.atan2(dx).to_degrees()]
        });
        let changes: Vec<_> = changes.collect();
        let range = |idx: usize| {
            let values = || changes.iter().map(|change| change[idx]);
            [values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max)]
        };
        let reach = match kind {
            (_, true, _) => 0.25,
            _ => 0.08,
        };
        let [[small, large], [left, right]] = [range(0), range(1)];
        assert!(
            small > 0.999 - reach && large < 1.001 + reach && large - small > 1.8 * reach,
            "{small} {large}"
        );
        let most = if kind.1 { 20.0 } else { 0.0 };
        assert!(left >= -most - 0.01 && right <= most + 0.01 && right - left >= 1.8 * most, "{left} {right}");
    }
}

/// Points that are unknown stay unknown, and the light augmentation of before has its pixels.
#[test]
fn light_is_the_default() {
    let images = spots(5, [20.0, 30.0], 5.0);
    let (with, warps) = augmented_with(&images, AugmentOptions::default(), &mut rng()).unwrap();
    let plain = augmented(&images, &mut rng()).unwrap();
    let values = |images: &Tensor| images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(values(&with), values(&plain));
    assert!(warps.iter().all(|warp: &Warp| warp.point([f32::NAN, 3.0]).iter().any(|value| value.is_nan())));
    assert!(
        augmented_with(&images.squeeze(0).unwrap().get(0).unwrap(), AugmentOptions::default(), &mut rng())
            .is_err()
    );
    let none = images.narrow(0, 0, 0).unwrap();
    assert!(augmented_with(&none, AugmentOptions::default(), &mut rng()).unwrap().1.is_empty());
}

/// What was not measured stays −1, no depth appears that was not there, and places beyond the border were not
/// measured either.
#[test]
fn depth_is_moved_and_never_made_up() {
    const BLOCK: usize = 8;
    let depth = |row: usize, column: usize| match (row / BLOCK + 5 * (column / BLOCK)) % 7 {
        0 => -1.0,
        level => 0.125 * level as f32,
    };
    let plane: Vec<f32> = (0..HEIGHT * WIDTH).map(|idx| depth(idx / WIDTH, idx % WIDTH)).collect();
    let images = Tensor::from_vec(plane, (1, 1, HEIGHT, WIDTH), &Device::Cpu).unwrap();
    let images = images.expand((20, 1, HEIGHT, WIDTH)).unwrap();
    for kind in &OPTIONS[4..] {
        let (moved, warps) = augmented_with(&images, options(*kind), &mut rng()).unwrap();
        for (idx, warp) in warps.iter().enumerate() {
            let plane = moved.get(idx).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(plane.iter().all(|value| *value == -1.0 || (value * 8.0).fract() == 0.0));
            for (row, column) in [(20, 28), (44, 52), (28, 44), (36, 60), (28, 36)] {
                let [x, y] = warp.point([column as f32, row as f32]);
                assert_eq!(plane[y as usize * WIDTH + x as usize], depth(row, column), "{kind:?} {idx}");
            }
        }
        // The image's own edges hold depths only in part.
        let edge = moved.narrow(2, 0, 1).unwrap().narrow(3, 9, 1).unwrap().flatten_all().unwrap();
        let edge = edge.to_vec1::<f32>().unwrap();
        assert!(depth(0, 9) != -1.0 && edge.contains(&-1.0) && edge.iter().any(|value| *value > 0.0));
    }
}
