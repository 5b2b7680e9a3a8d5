use simgan_models::{Border, Parameters};

use super::*;

fn rgb() -> Image {
    Image::new(3, 1, 2, Pixels::U8(vec![200, 10, 100, 20, 50, 30]))
}

#[test]
fn a_refiner_that_changes_nothing_changes_no_byte() {
    for image in [rgb(), Image::new(1, 2, 1, Pixels::U16(vec![7, 65_000]))] {
        for channels in [1, 3] {
            for range in [None, ValueRange::new(5.0, 90.0), ValueRange::new(-9.0, 70_000.0)] {
                let refinable = Refinable::new(&image, channels, range, None);
                let (refined, change) = refinable.with_refined(&refinable.values.clone());
                assert_eq!((refined, change.mean), (image.clone(), 0.0));
            }
        }
    }
}

/// Adds `change` to all that the network sees.
fn brightened(image: &Image, range: Option<ValueRange>, change: f32) -> (Image, Change) {
    let refinable = Refinable::new(image, 1, range, None);
    let refined: Vec<f32> = refinable.values.iter().map(|value| value + change).collect();
    refinable.with_refined(&refined)
}

#[test]
fn depth_keeps_its_unit() {
    let range = ValueRange::new(1000.0, 2000.0);
    // Not measured, below the range, inside twice, beyond it, at the end of the scale.
    let depth = Image::new(1, 1, 6, Pixels::U16(vec![0, 900, 1156, 2000, 2500, 65_535]));
    let (image, change) = brightened(&depth, range, 0.01);
    assert_eq!(image.pixels(), &Pixels::U16(vec![0, 905, 1161, 2005, 2505, 65_535]));
    assert!((change.mean - 0.01).abs() < 1e-6);
    let RangeUse { values, n_values, n_inside, .. } = change.range_use;
    assert_eq!((values, n_values, n_inside), (Some([900.0, 65_535.0]), 5, 2));
    assert!(change.range_use.is_beyond());
    let nothing = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0];
    let metres = Image::new(1, 1, 5, Pixels::F32([&nothing[..], &[1.25]].concat()));
    let (image, change) = brightened(&metres, ValueRange::new(1.0, 2.0), 0.5);
    assert_eq!(image.pixels(), &Pixels::F32([&nothing[..], &[1.5]].concat()));
    assert_eq!((change.mean, change.range_use.inside()), (0.5, 1.0));
    let (image, _) = brightened(&metres, None, 0.5);
    assert_eq!(image.pixels(), &Pixels::F32([&nothing[..3], &[0.25, 1.5]].concat()), "0 is a value in 0..1");
}

#[test]
fn a_tone_comes_before_the_refiner_in_any_unit() {
    // A refiner that changes nothing leaves the toned image, in the unit and depth of the file.
    let toned = |image: &Image, channels, range| {
        let refinable = Refinable::new(image, channels, range, Some(&Tone::Equalize));
        let (image, change) = refinable.with_refined(&refinable.values.clone());
        assert_eq!(change.mean, 0.0);
        image
    };
    let gray = Image::new(1, 1, 4, Pixels::U8(vec![40, 50, 50, 60]));
    for channels in [1, 3] {
        assert_eq!(toned(&gray, channels, None).pixels(), &Pixels::U8(vec![0, 170, 170, 255]));
    }
    let sixteen =
        Image::new(1, 1, 4, Pixels::U16(vec![40, 50, 50, 60].into_iter().map(|v| v * 257).collect()));
    assert_eq!(toned(&sixteen, 1, None).pixels(), &Pixels::U16(vec![0, 43_690, 43_690, 65_535]));
    let range = ValueRange::new(1000.0, 2000.0);
    // Not measured, then values at levels 51 and 204 of 255, then one beyond the range.
    let depth = Image::new(1, 1, 4, Pixels::U16(vec![0, 1200, 1800, 2500]));
    assert_eq!(toned(&depth, 1, range).pixels(), &Pixels::U16(vec![0, 1000, 1500, 2500]));
    let metres = Image::new(1, 1, 4, Pixels::F32(vec![f32::NAN, 1.2, 1.8, 2.0]));
    let Pixels::F32(found) = toned(&metres, 1, ValueRange::new(1.0, 2.0)).pixels().clone() else { panic!() };
    let near = |(found, expected): (&f32, f32)| {
        found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-5
    };
    assert!(found.iter().zip([f32::NAN, 1.0, 1.5, 2.0]).all(near), "{found:?}");
    // A gray refiner sees the toned luma, and colours keep their ratios.
    let colours = toned(&rgb(), 1, None);
    assert_eq!(colours.pixels().iter().skip(1).step_by(2).collect::<Vec<_>>(), [0.0; 3], "the darker pixel");
    let bright: Vec<f32> = colours.pixels().iter().step_by(2).collect();
    assert!(bright[0] == 255.0 && (bright[1] / bright[2] - 2.0).abs() < 0.05, "{bright:?}");
}

#[test]
fn three_channels_change_one_by_one_in_a_range() {
    let image = rgb();
    let refinable = Refinable::new(&image, 3, ValueRange::new(0.0, 200.0), None);
    let changes = [0.1, 0.0, 0.0, 0.2, 0.0, 0.0];
    let refined: Vec<f32> = refinable.values.iter().zip(changes).map(|(v, change)| v + change).collect();
    let (image, _) = refinable.with_refined(&refined);
    assert_eq!(image.pixels(), &Pixels::U8(vec![210, 10, 100, 40, 50, 30]));
}

#[test]
fn a_gray_refiner_shifts_the_three_colours_alike() {
    let refinable = Refinable::new(&rgb(), 1, None, None);
    let brighter: Vec<f32> = refinable.values.iter().map(|v| v + 10.0 / 127.5).collect();
    let (image, change) = refinable.with_refined(&brighter);
    assert_eq!(image.pixels(), &Pixels::U8(vec![210, 20, 110, 30, 60, 40]));
    assert!((change.mean - 10.0 / 127.5).abs() < 1e-6);
}

#[test]
fn a_colour_refiner_gives_a_gray_image_its_mean_change() {
    let gray = Image::new(1, 1, 2, Pixels::U8(vec![100, 50]));
    let refinable = Refinable::new(&gray, 3, None, None);
    let changes = [30.0, 0.0, 0.0, 9.0, 0.0, 0.0].map(|change| change / 127.5);
    let refined: Vec<f32> = refinable.values.iter().zip(changes).map(|(v, change)| v + change).collect();
    assert_eq!(refinable.with_refined(&refined).0.pixels(), &Pixels::U8(vec![110, 53]));
}

#[test]
fn tiles_give_what_the_whole_image_gives() {
    for border in [Border::Replicate, Border::Zeros] {
        let config =
            RefinerConfig { features: 3, blocks: 2, kernel: 5, stem_kernel: 7, border, noise_channels: 2 };
        let refiner = Refiner::new(&config, 3, Parameters::new(3, &Device::Cpu).var_builder()).unwrap();
        let values: Vec<f32> = (0..3 * 37 * 53).map(|i| ((i * 7919) % 200) as f32 / 100.0 - 1.0).collect();
        let synthetic = Tensor::from_vec(values.clone(), (1, 3, 37, 53), &Device::Cpu).unwrap();
        let noise = NoiseSource::default().draw(&values, 2);
        let whole = refiner.forward(&synthetic).unwrap().flatten_all().unwrap();
        let whole = whole.to_vec1::<f32>().unwrap();
        for tile in [1, 16, 37, 100] {
            let tiled = refine_tiled(&refiner, &values, [3, 37, 53], &noise, tile, &Device::Cpu).unwrap();
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(
                whole.len() == tiled.len() && whole.iter().zip(&tiled).all(is_near),
                "{border:?}, {tile}"
            );
        }
    }
}
