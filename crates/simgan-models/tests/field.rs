//! How much of an image a decision of the discriminator depends on.

use candle_core::{Device, Module, Tensor};
use simgan_models::{Discriminator, DiscriminatorConfig, Parameters};

/// A decision changes with the pixels of its field and with no other, row by row and column by column.
#[test]
fn a_field_is_what_a_decision_depends_on() {
    let presets = [
        (DiscriminatorConfig::eye_gaze(), 23),
        (DiscriminatorConfig::middle(), 15),
        (DiscriminatorConfig::texture(), 9),
    ];
    for (config, expected) in presets {
        assert_eq!(config.field_px(), expected);
        let parameters = Parameters::new(0, &Device::Cpu);
        let network = Discriminator::new(&config, 1, parameters.var_builder()).unwrap();
        let decision = |images: &Tensor| {
            let logits = network.forward(images).unwrap();
            let (_, _, height, width) = logits.dims4().unwrap();
            let one = logits.narrow(2, height / 2, 1).unwrap().narrow(3, width / 2, 1).unwrap();
            one.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let (height, width) = (45, 37);
        let count = height * width;
        let image: Vec<f32> = (0..count).map(|idx| ((idx * idx) as f32 * 0.37).sin()).collect();
        let tensor =
            |pixels: &[f32]| Tensor::from_slice(pixels, (1, 1, height, width), &Device::Cpu).unwrap();
        let before = decision(&tensor(&image));
        // A convolution in tiles also rounds by what else lies in the tile.
        let differs = |after: Vec<f32>| {
            let scale = before.iter().fold(0.0f32, |most, value| most.max(value.abs()));
            before.iter().zip(after).any(|(before, after)| (before - after).abs() > 1e-5 * scale)
        };
        // Changes strongly, in both directions, what `is_changed` says of a row and a column.
        let is_seen = |is_changed: &dyn Fn(usize, usize) -> bool| {
            [-9.0, 9.0].into_iter().any(|value| {
                let mut pixels = image.clone();
                for (idx, pixel) in pixels.iter_mut().enumerate() {
                    if is_changed(idx / width, idx % width) {
                        *pixel = value * ((idx % 5) as f32 - 1.5);
                    }
                }
                differs(decision(&tensor(&pixels)))
            })
        };
        let rows: Vec<usize> = (0..height).filter(|row| is_seen(&|y, _| y == *row)).collect();
        let columns: Vec<usize> = (0..width).filter(|column| is_seen(&|_, x| x == *column)).collect();
        for seen in [rows, columns] {
            assert_eq!(seen.len(), expected, "{seen:?}");
            assert_eq!(seen[expected - 1] - seen[0] + 1, expected, "{seen:?}");
        }
    }
    assert_eq!(DiscriminatorConfig::hand_pose().field_px(), 71);
}

/// The patches that a marked pixel belongs to are those whose logits it can change, at borders too.
#[test]
fn marked_patches_are_those_that_a_pixel_changes() {
    let (height, width) = (21, 34);
    for config in [DiscriminatorConfig::eye_gaze(), DiscriminatorConfig::texture()] {
        for at in [[0, 0], [9, 14], [20, 33], [10, 1]] {
            let plane = |value: f32| {
                let mut pixels = vec![0.0f32; height * width];
                pixels[at[0] * width + at[1]] = value;
                Tensor::from_vec(pixels, (1, 1, height, width), &Device::Cpu).unwrap()
            };
            let network = |seed| {
                let parameters = Parameters::new(seed, &Device::Cpu);
                Discriminator::new(&config, 1, parameters.var_builder()).unwrap()
            };
            let flat =
                |map: Tensor| map.narrow(1, 0, 1).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let marked = flat(network(0).patches_with(&plane(1.0)).unwrap());
            // A ReLU or a maximum hides some of it from a single network.
            let mut changed = vec![0.0f32; marked.len()];
            for seed in 0..4 {
                let network = network(seed);
                let before = flat(network.forward(&plane(0.0)).unwrap());
                for value in [-90.0, 90.0] {
                    let after = flat(network.forward(&plane(value)).unwrap());
                    for ((changed, before), after) in changed.iter_mut().zip(&before).zip(after) {
                        *changed = changed.max(f32::from(u8::from((before - after).abs() > 1e-4)));
                    }
                }
            }
            assert_eq!(marked, changed, "{at:?}");
            assert!(marked.contains(&0.0) && marked.contains(&1.0));
        }
    }
}
