//! Tests matching, augmentation and pixel distances against NumPy and SciPy (`golden/matching/export.py`
//! writes the numbers) and on inputs with known answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use simgan_metrics::{augmented, fourier_matched, gradient_distance, histogram_matched, intensity_distance};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/matching/case.json")).unwrap()
}

/// Reads the images of a case; a single one becomes a batch of one.
fn tensor(value: &Value) -> Tensor {
    if let Ok(images) = serde_json::from_value::<Vec<Vec<Vec<Vec<f32>>>>>(value.clone()) {
        let images: Vec<_> =
            images.into_iter().map(|image| Tensor::new(image, &Device::Cpu).unwrap()).collect();
        return Tensor::stack(&images, 0).unwrap();
    }
    let image: Vec<Vec<Vec<f32>>> = serde_json::from_value(value.clone()).unwrap();
    Tensor::new(image, &Device::Cpu).unwrap().unsqueeze(0).unwrap()
}

fn noise(seed: u64, shape: (usize, usize, usize, usize), low: f32, high: f32) -> Tensor {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.0 * shape.1 * shape.2 * shape.3;
    let values = (0..count).map(|_| stream.random_range(low..high)).collect::<Vec<_>>();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn farthest(left: &Tensor, right: &Tensor) -> f32 {
    (left - right).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

#[test]
fn matching_equals_numpy() {
    for case in golden()["matched"].as_array().unwrap() {
        let (image, target) = (tensor(&case["image"]), tensor(&case["target"]));
        let found = histogram_matched(&image, &target, 0).unwrap();
        assert!(farthest(&found, &tensor(&case["histogram"])) < 1e-6, "{found}");
        let found = fourier_matched(&image, &target, case["beta"].as_f64().unwrap(), 0).unwrap();
        assert!(farthest(&found, &tensor(&case["fourier"])) < 1e-5, "{found} {}", case["fourier"]);
    }
}

#[test]
fn distances_equal_scipy() {
    for case in golden()["distances"].as_array().unwrap() {
        let (left, right) = (tensor(&case["left"]), tensor(&case["right"]));
        for (found, expected) in [
            (intensity_distance(&left, &right), &case["intensity"]),
            (intensity_distance(&right, &left), &case["intensity"]),
            (gradient_distance(&left, &right), &case["gradient"]),
        ] {
            let (found, expected) = (found.unwrap(), expected.as_f64().unwrap());
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
    }
}

#[test]
fn an_image_matched_to_itself_stays() {
    for shape in [(1, 1, 9, 13), (1, 3, 8, 11), (1, 1, 1, 7)] {
        let image = noise(1, shape, -1.0, 1.0);
        assert_eq!(farthest(&histogram_matched(&image, &image, 3).unwrap(), &image), 0.0);
        assert!(farthest(&fourier_matched(&image, &image, 0.3, 3).unwrap(), &image) < 1e-5);
        assert_eq!(intensity_distance(&image, &image).unwrap(), 0.0);
    }
    let flat = Tensor::full(0.25f32, (2, 1, 9, 13), &Device::Cpu).unwrap();
    let matched = fourier_matched(&flat, &noise(2, (5, 1, 9, 13), -0.5, 0.5), 0.4, 0).unwrap();
    assert!(
        gradient_distance(&matched, &flat).unwrap() < 1e-3,
        "what an image lacks stays absent: {matched}"
    );
}

/// The intensity distance of two sets equals a constant brightness offset; gradients ignore the offset.
#[test]
fn shifted_pixels_are_as_far_as_they_were_shifted() {
    let images = noise(4, (6, 1, 7, 10), -0.5, 0.25);
    let brighter = (&images + 0.3).unwrap();
    assert!((intensity_distance(&images, &brighter).unwrap() - 0.3).abs() < 1e-6);
    assert!(gradient_distance(&images, &brighter).unwrap() < 1e-6);
    let contrast = (&images * 2.0).unwrap();
    assert!(gradient_distance(&images, &contrast).unwrap() > 0.1);
    assert!(intensity_distance(&images, &images.narrow(0, 0, 0).unwrap()).is_err());
    assert!(gradient_distance(&images, &images.narrow(2, 0, 1).unwrap()).is_err());
}

/// Each image takes the histogram of one reference; all references are used; the seed decides the assignment.
#[test]
fn references_are_drawn() {
    let images = noise(5, (40, 1, 6, 9), -1.0, 1.0);
    let references: Vec<_> = (0..4)
        .map(|idx| noise(idx, (1, 1, 6, 9), -0.9 + 0.4 * idx as f32, -0.5 + 0.4 * idx as f32))
        .collect();
    let reference = Tensor::cat(&references, 0).unwrap();
    let matched = histogram_matched(&images, &reference, 7).unwrap();
    let mean = |image: &Tensor| image.mean_all().unwrap().to_scalar::<f32>().unwrap();
    let means: Vec<_> = references.iter().map(mean).collect();
    let of = |image: usize| {
        let mean = mean(&matched.narrow(0, image, 1).unwrap());
        means.iter().position(|reference| (reference - mean).abs() < 1e-4).unwrap()
    };
    let chosen: Vec<_> = (0..40).map(of).collect();
    assert!((0..4).all(|idx| chosen.iter().filter(|chosen| **chosen == idx).count() == 10), "{chosen:?}");
    assert!(chosen.windows(2).any(|pair| pair[1] != (pair[0] + 1) % 4), "not in their order: {chosen:?}");
    let again = histogram_matched(&images, &reference, 7).unwrap();
    assert_eq!(farthest(&matched, &again), 0.0);
    assert!(farthest(&matched, &histogram_matched(&images, &reference, 8).unwrap()) > 0.1);
}

#[test]
fn what_cannot_be_matched_is_an_error() {
    let image = noise(6, (2, 1, 6, 9), -1.0, 1.0);
    let none = image.narrow(0, 0, 0).unwrap();
    let wide = noise(6, (2, 1, 6, 10), -1.0, 1.0);
    let colour = noise(6, (2, 3, 6, 9), -1.0, 1.0);
    assert!(histogram_matched(&image, &none, 0).is_err() && histogram_matched(&image, &colour, 0).is_err());
    assert!(histogram_matched(&image, &wide, 0).is_ok());
    assert!(fourier_matched(&image, &none, 0.1, 0).is_err());
    assert!(fourier_matched(&image, &wide, 0.1, 0).is_err());
    assert!(
        fourier_matched(&image, &image, 0.5, 0).is_err()
            && fourier_matched(&image, &image, f64::NAN, 0).is_err()
    );
}

/// A dark spot in the middle of each image stays near it, and all values stay in range.
#[test]
fn augmentation_moves_a_little_and_stays_in_range() {
    let (count, height, width) = (200, 35, 55);
    let spot = |idx: usize| {
        let (dx, dy) = ((idx % width) as f32 + 0.5 - 27.5, (idx / width) as f32 + 0.5 - 17.5);
        0.8 - 1.6 * (-(dx * dx + dy * dy) / 18.0).exp()
    };
    let values: Vec<f32> = (0..count * height * width).map(|idx| spot(idx % (height * width))).collect();
    let images = Tensor::from_vec(values, (count, 1, height, width), &Device::Cpu).unwrap();
    let changed = augmented(&images, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    let all = changed.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
    assert!(all.iter().flatten().all(|value| (-1.0..=1.0).contains(value)));
    let centres: Vec<_> = all.iter().map(|image| darkest(image, width)).collect();
    let reach = |axis: usize| centres.iter().fold(0f32, |most, centre| most.max((centre[axis]).abs()));
    assert!((1.2..2.6).contains(&reach(0)) && (1.2..2.6).contains(&reach(1)), "{} {}", reach(0), reach(1));
    let mean = |axis: usize| centres.iter().map(|centre| centre[axis]).sum::<f32>() / count as f32;
    assert!(mean(0).abs() < 0.3 && mean(1).abs() < 0.3, "{} {}", mean(0), mean(1));
    assert!(intensity_distance(&images, &changed).unwrap() > 0.05);

    let again = augmented(&images, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    assert_eq!(farthest(&again, &changed), 0.0);
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    let first = augmented(&images, &mut stream).unwrap();
    assert!(farthest(&first, &augmented(&images, &mut stream).unwrap()) > 0.1, "a batch is changed anew");
    for shape in [(3, 3, 2, 5), (2, 1, 1, 1), (0, 1, 4, 4)] {
        assert_eq!(augmented(&noise(1, shape, -1.0, 1.0), &mut stream).unwrap().dims4().unwrap(), shape);
    }
}

/// Returns the offset of the dark part's centre from the image's middle, in pixels.
fn darkest(image: &[f32], width: usize) -> [f32; 2] {
    let darkest = image.iter().fold(f32::INFINITY, |least, value| least.min(*value));
    let mean = image.iter().sum::<f32>() / image.len() as f32;
    let limit = 0.5 * (darkest + mean);
    let (mut sum, mut centre) = (0.0, [0.0; 2]);
    for (idx, value) in image.iter().enumerate() {
        let weight = (limit - value).max(0.0);
        sum += weight;
        centre[0] += weight * ((idx % width) as f32 + 0.5 - width as f32 / 2.0);
        centre[1] += weight * ((idx / width) as f32 + 0.5 - (image.len() / width) as f32 / 2.0);
    }
    centre.map(|centre| centre / sum)
}
