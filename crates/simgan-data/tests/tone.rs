//! The tone stage, compared with OpenCV and NumPy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use serde_json::Value;
use simgan_data::{
    Fitted, Image, MemorySource, Pixels, Sample, Source, Target, Tone, ToneReference, Toned, Tones,
    ValueRange, Want,
};

fn gray(rows: &Value) -> Image {
    let rows: Vec<Vec<u8>> = serde_json::from_value(rows.clone()).unwrap();
    Image::new(1, rows.len(), rows[0].len(), Pixels::U8(rows.concat()))
}

fn source(images: Vec<Image>) -> Arc<dyn Source> {
    Arc::new(MemorySource::new(images.into_iter().map(|image| Sample::new("", image)).collect()).unwrap())
}

/// The largest difference of two images' values as stored.
fn difference(a: &Image, b: &Image) -> f32 {
    assert_eq!(a.spec(), b.spec());
    a.pixels().iter().zip(b.pixels().iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn tones_are_those_of_other_programs() {
    let case: Value = serde_json::from_str(include_str!("golden/tone/case.json")).unwrap();
    let references = case["references"].as_array().unwrap().iter().map(gray).collect();
    let reference = ToneReference::of_source(&*source(references), 3).unwrap();
    let expected: Vec<f32> = serde_json::from_value(case["percentiles"].clone()).unwrap();
    let found = reference.percentiles().iter().zip(&expected);
    assert!(found.clone().all(|(found, share)| (found - (2.0 * share - 1.0)).abs() < 1e-6), "{found:?}");
    let matching = Tone::Match(reference);
    for case in case["cases"].as_array().unwrap() {
        let image = gray(&case["image"]);
        assert_eq!(difference(&Tone::Equalize.apply(&image), &gray(&case["equalized"])), 0.0);
        // A value halfway between two integers may be rounded either way.
        assert!(difference(&matching.apply(&image), &gray(&case["matched"])) <= 1.0);
    }
}

#[test]
fn what_was_not_measured_stays_and_does_not_count() {
    let values = [0, 1500, 1250, 1500, 0, 1000, 2000, 0, 1750];
    let depth = Image::new(1, 3, 3, Pixels::U16(values.to_vec()));
    let target = Target { range: ValueRange::new(1000.0, 2000.0), ..Target::default() };
    let fitted: Arc<dyn Source> = Arc::new(Fitted::new(source(vec![depth]), target));
    let toned = Toned::new(Arc::clone(&fitted), Tone::Equalize);
    assert_eq!(toned.spec(), fitted.spec());
    let Pixels::F32(found) = toned.sample(0, Want::Image).unwrap().image.pixels().clone() else {
        panic!("float")
    };
    let expected = [f32::NAN, 0.6, 0.2, 0.6, f32::NAN, 0.0, 1.0, f32::NAN, 0.8];
    for (found, expected) in found.iter().zip(expected) {
        // 1500 lies between two of the 256 levels.
        let is_near = (found - expected).abs() < 0.21 || found.is_nan() && expected.is_nan();
        assert!(is_near, "{found} {expected}");
    }
    let nothing = Image::new(1, 1, 2, Pixels::F32(vec![f32::NAN, f32::INFINITY]));
    let same = Tone::Equalize.apply(&nothing);
    assert!(same.pixels().iter().next().is_some_and(f32::is_nan));
    let error = ToneReference::of_source(&*source(vec![nothing]), 9).unwrap_err().to_string();
    assert!(error.contains("none of 1 images"), "{error}");
}

#[test]
fn colours_keep_their_ratios_and_brightness_its_order() {
    let colours = [[10, 20, 40, 60, 0], [20, 10, 80, 30, 0], [30, 30, 10, 30, 0]].concat();
    let image = Image::new(3, 1, 5, Pixels::U8(colours));
    let reference =
        ToneReference::from_percentiles((0..101).map(|i| -0.4 + 0.01 * i as f32).collect()).unwrap();
    for tone in [Tone::Equalize, Tone::Match(reference)] {
        let [before, after] = [image.clone(), tone.apply(&image)].map(|image| {
            let luma: Vec<f32> = image.to_channels(1).pixels().iter().collect();
            (image.pixels().iter().collect::<Vec<f32>>(), luma)
        });
        for (a, b) in [(0, 1), (1, 2), (2, 3), (3, 4), (0, 3)] {
            let order = (before.1[a] - before.1[b]) * (after.1[a] - after.1[b]);
            assert!(order >= 0.0, "{tone:?}: {a} {b}");
        }
        assert!(after.1.iter().fold(0.0f32, |most, luma| most.max(*luma)) > before.1[2] + 5.0, "brighter");
        let ratio = |values: &[f32]| values[0] / values[5];
        assert!((ratio(&before.0) - ratio(&after.0)).abs() < 0.1, "{tone:?}: {:?}", after.0);
    }
    let flat = Image::new(1, 1, 3, Pixels::U8(vec![7; 3]));
    assert_eq!(Tone::Equalize.apply(&flat), flat, "one level has nothing to spread");
}

#[test]
fn a_reference_is_a_distribution() {
    let ramp =
        |from: f32, to: f32| (0..101).map(|i| from + (to - from) * i as f32 / 100.0).collect::<Vec<f32>>();
    assert!(ToneReference::from_percentiles(ramp(-1.0, 1.0)).is_some());
    for wrong in [ramp(0.5, -0.5), ramp(-1.0, 1.5), ramp(-1.0, f32::NAN), vec![0.0; 100]] {
        assert_eq!(ToneReference::from_percentiles(wrong), None);
    }
}

#[test]
fn tones_are_as_far_apart_as_their_ranks() {
    let ramp =
        |from: u8, factor: u8| Image::new(1, 4, 5, Pixels::U8((0..20).map(|i| from + factor * i).collect()));
    let reference = ToneReference::of_source(&*source(vec![ramp(10, 2)]), 9).unwrap();
    for (image, expected) in
        [(ramp(10, 2), 0.0), (ramp(61, 2), 51.0), (ramp(48, 0), 19.0), (ramp(10, 6), 38.0)]
    {
        let found = 255.0 * Tones::of_source(&*source(vec![image]), 9).unwrap().distance(&reference);
        assert!((found - expected).abs() < 1e-3, "{found} instead of {expected}");
    }
    let nothing = Image::new(1, 1, 2, Pixels::F32(vec![f32::NAN; 2]));
    assert!(Tones::of_source(&*source(vec![nothing]), 9).is_err());
}
