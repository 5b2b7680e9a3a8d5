//! Tests of the digit simulator as a source.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use simgan_data::{
    AnnotationsExt, Image, Pixels, Sample, Size, Source, Want, annotations_from_record, names,
};
use simgan_digits::{Digits, DigitsConfig, Range};

fn digits(seed: u64, width: usize, height: usize) -> Digits {
    let config = DigitsConfig { seed, size: Size { width, height }, ..DigitsConfig::default() };
    Digits::new(config).unwrap()
}

fn bytes(image: &Image) -> &[u8] {
    let Pixels::U8(values) = image.pixels() else { panic!("renders have 8 bits") };
    values
}

fn class(sample: &Sample) -> usize {
    sample.annotations.class(names::CLASS).unwrap() as usize
}

/// FNV-1a hashes of the first samples, identical on every machine. They change only when the images are meant
/// to.
#[test]
fn pinned_renders() {
    let hash = |width, height| {
        let digits = digits(0, width, height);
        let hash = (0..64).fold(0xCBF2_9CE4_8422_2325_u64, |hash, index| {
            let sample = digits.sample(index, Want::Labels).unwrap();
            let bytes = bytes(&sample.image).iter().copied().chain([class(&sample) as u8]);
            bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
        });
        format!("{hash:016x}")
    };
    assert_eq!(
        [hash(28, 28), hash(40, 24), hash(9, 64)],
        ["449238d3e1158466", "ece099a0f6759f25", "9afca80fb1d02125"]
    );
}

#[test]
fn a_sample_depends_on_seed_and_index_alone() {
    let one = digits(3, 28, 28);
    let forwards: Vec<Sample> = (0..40).map(|index| one.sample(index, Want::Labels).unwrap()).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for index in (0..40).rev() {
                    assert_eq!(one.sample(index, Want::Labels).unwrap(), forwards[index]);
                }
            });
        }
    });
    let image = |seed, index| digits(seed, 28, 28).sample(index, Want::Image).unwrap();
    assert_eq!(image(3, 7), Sample::new("7", forwards[7].image.clone()));
    assert_ne!(image(3, 7).image, image(4, 7).image);
    assert_ne!(image(3, 7).image, image(3, 8).image);
}

/// A χ² test of 10,000 labels; with 9 degrees of freedom, 27.9 is exceeded once in a thousand.
#[test]
fn classes_are_uniform() {
    let digits = digits(1, 8, 8);
    let mut counts = [0_u32; 10];
    (0..10_000).for_each(|index| counts[class(&digits.sample(index, Want::Labels).unwrap())] += 1);
    let chi2: f64 = counts.iter().map(|n| (f64::from(*n) - 1000.0).powi(2) / 1000.0).sum();
    assert!(chi2 < 27.9, "{counts:?}: {chi2}");
}

#[test]
fn a_record_says_the_class() {
    let sample = digits(2, 28, 28).sample(9, Want::Labels).unwrap();
    let annotations = annotations_from_record(sample.record.as_ref().unwrap(), 28).unwrap();
    assert_eq!(annotations, sample.annotations);
}

/// Ink never touches the frame, and a figure is as long as its extent says.
#[test]
fn strokes_lie_inside_the_image() {
    for (width, height) in [(28, 28), (40, 24), (24, 60)] {
        let config = DigitsConfig {
            size: Size { width, height },
            offset: Range::new(-0.5, 0.5),
            extent: Range::new(0.8, 0.8),
            ..DigitsConfig::default()
        };
        let digits = Digits::new(config).unwrap();
        for index in 0..500 {
            let sample = digits.sample(index, Want::Image).unwrap();
            let ink = |x: usize, y: usize| bytes(&sample.image)[y * width + x];
            let rows: Vec<usize> = (0..height).filter(|y| (0..width).any(|x| ink(x, *y) > 0)).collect();
            let columns: Vec<usize> = (0..width).filter(|x| (0..height).any(|y| ink(*x, y) > 0)).collect();
            let span = |lit: &[usize], n: usize| {
                assert!(lit[0] > 0 && lit[lit.len() - 1] < n - 1, "{width}x{height}, {index}");
                lit[lit.len() - 1] - lit[0] + 1
            };
            let longest = span(&rows, height).max(span(&columns, width)) as f32;
            let expected = 0.8 * width.min(height) as f32;
            assert!((expected - 0.5..expected + 3.0).contains(&longest), "{index}: {longest} of {expected}");
        }
    }
}

#[test]
fn colour_repeats_gray() {
    let config = DigitsConfig { channels: 3, ..DigitsConfig::default() };
    let colour = Digits::new(config).unwrap().sample(0, Want::Image).unwrap().image;
    let gray = digits(0, 28, 28).sample(0, Want::Image).unwrap().image;
    assert_eq!(bytes(&colour), bytes(&gray).repeat(3));
}

/// Figures of one seed name most figures of another, of ten classes: the classes differ, and the labels are right.
#[test]
fn figures_look_like_their_class() {
    let train: Vec<Sample> =
        (0..3000).map(|index| digits(1, 28, 28).sample(index, Want::Labels).unwrap()).collect();
    let test = digits(2, 28, 28);
    let distance = |a: &Image, b: &Image| -> u64 {
        bytes(a).iter().zip(bytes(b)).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum()
    };
    let n_right = (0..300)
        .map(|index| test.sample(index, Want::Labels).unwrap())
        .filter(|sample| {
            let nearest = train.iter().min_by_key(|other| distance(&sample.image, &other.image)).unwrap();
            class(nearest) == class(sample)
        })
        .count();
    assert!(n_right > 180, "{n_right} of 300");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_settings_within_the_limits_are_drawn(
        seed: u64, index in 0_usize..100_000, width in 8_usize..90, height in 8_usize..90,
        pen in 0.01_f32..0.25, extent in 0.3_f32..0.9, slant in -45.0_f32..45.0, turn in -45.0_f32..45.0,
        aspect in 0.5_f32..2.0, offset in -0.5_f32..0.5, jitter in 0.0_f32..0.3, wobble in 0.0_f32..0.1,
    ) {
        let one = |value| Range::new(value, value);
        let config = DigitsConfig {
            seed, size: Size { width, height }, pen: one(pen), extent: one(extent), slant_deg: one(slant),
            rotation_deg: one(turn), aspect: one(aspect), offset: one(offset), jitter, wobble, ..DigitsConfig::default()
        };
        let digits = Digits::new(config).unwrap();
        let image = digits.sample(index, Want::Image).unwrap().image;
        prop_assert_eq!(image.spec(), digits.spec());
        prop_assert!(bytes(&image).iter().any(|level| *level > 0));
    }
}
