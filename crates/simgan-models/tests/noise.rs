//! Refiners with noise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use candle_core::{DType, Device, Module, Tensor};
use simgan_models::{
    Noise, NoiseSource, Parameters, REFINER_CONFIG_FILE, Refiner, RefinerConfig, RefinerImages, load_refiner,
    save_refiner,
};
use tempfile::TempDir;

fn refiner(config: &RefinerConfig, channels: usize) -> (Refiner, Parameters) {
    let parameters = Parameters::new(0, &Device::Cpu);
    (Refiner::new(config, channels, parameters.var_builder()).unwrap(), parameters)
}

fn images(shape: (usize, usize, usize, usize)) -> Tensor {
    let count = shape.0 * shape.1 * shape.2 * shape.3;
    let values: Vec<f32> = (0..count).map(|idx| ((idx * idx) as f32 * 0.37).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn noise_gives_an_image_many_refined_ones() {
    let config = RefinerConfig {
        features: 4,
        blocks: 1,
        noise_channels: 2,
        grain_channels: 1,
        ..RefinerConfig::eye_gaze()
    };
    let (refiner, parameters) = refiner(&config, 3);
    let stem = parameters.vars().into_iter().find(|(name, _)| name == "stem.weight").unwrap().1;
    assert_eq!(stem.dims(), [4, 6, 3, 3]);
    let synthetic = images((3, 3, 5, 7));
    let with = |source: NoiseSource| {
        let noise = refiner.noise(&synthetic, source).unwrap();
        let dims = [&noise.z, &noise.grain].map(|noise| noise.as_ref().unwrap().dims().to_vec());
        assert_eq!(dims, [vec![3, 2], vec![3, 1, 5, 7]]);
        values(&refiner.forward_with(&synthetic, &noise).unwrap())
    };
    let first = NoiseSource::default();
    assert_eq!(values(&refiner.forward(&synthetic).unwrap()), with(first));
    assert_ne!(with(first), with(NoiseSource { variant: 2, ..first }));
    // An image alone is refined as it is among others.
    let one = synthetic.narrow(0, 1, 1).unwrap();
    assert_eq!(values(&refiner.forward(&one).unwrap()), with(first)[105..210]);
    assert_eq!(refiner.features(&synthetic).unwrap().dims(), [3, 4, 5, 7]);
    let noise = refiner.noise(&synthetic, first).unwrap();
    let zeros = |shape: &[usize]| Some(Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap());
    for odd in [
        Noise { z: zeros(&[3, 1]), ..noise.clone() },
        Noise { z: None, ..noise.clone() },
        Noise { grain: zeros(&[3, 1, 7, 5]), ..noise.clone() },
    ] {
        let error = refiner.forward_with(&synthetic, &odd).unwrap_err().to_string();
        assert!(error.contains("2 noise channels and 1 grain channels"), "{error}");
    }
    // Each of the two changes the image.
    for other in
        [Noise { z: zeros(&[3, 2]), ..noise.clone() }, Noise { grain: zeros(&[3, 1, 5, 7]), ..noise }]
    {
        assert_ne!(values(&refiner.forward_with(&synthetic, &other).unwrap()), with(first));
    }

    let folder = TempDir::new().unwrap();
    save_refiner(folder.path(), &config, 3, &parameters.tensors()).unwrap();
    let loaded = load_refiner(folder.path(), &Device::Cpu).unwrap();
    assert_eq!((loaded.channels(), *loaded.config()), (3, config));
    assert_eq!(values(&loaded.forward(&synthetic).unwrap()), with(first));
}

/// A plane of grain that is constant is a number of z.
#[test]
fn grain_is_a_plane_beside_the_image() {
    let config = RefinerConfig { features: 4, blocks: 1, noise_channels: 2, ..RefinerConfig::eye_gaze() };
    let grained = RefinerConfig { noise_channels: 0, grain_channels: 2, ..config };
    let (refiner, parameters) = refiner(&config, 3);
    let other = Refiner::new(&grained, 3, parameters.var_builder()).unwrap();
    let synthetic = images((3, 3, 5, 7));
    let z = images((3, 2, 1, 1));
    let planes = z.broadcast_as((3, 2, 5, 7)).unwrap().contiguous().unwrap();
    let of_z = refiner.forward_with(&synthetic, &Noise { z: Some(z.reshape((3, 2)).unwrap()), grain: None });
    let of_grain = other.forward_with(&synthetic, &Noise { z: None, grain: Some(planes) });
    assert_eq!(values(&of_z.unwrap()), values(&of_grain.unwrap()));
}

/// What programs without noise wrote, byte for byte.
#[test]
fn a_refiner_without_noise_keeps_its_file() {
    let config = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };
    let (_, parameters) = refiner(&config, 1);
    let folder = TempDir::new().unwrap();
    save_refiner(folder.path(), &config, 1, &parameters.tensors()).unwrap();
    let text = fs::read_to_string(folder.path().join(REFINER_CONFIG_FILE)).unwrap();
    let before = "format_version = 1\n\n[refiner]\nchannels = 1\nfeatures = 4\nblocks = 1\nkernel = 3\n\
                  stem_kernel = 3\nborder = \"replicate\"\n";
    assert_eq!(text, before);
}

/// A refiner of one block whose maps before tanh are constant: those of the values, and s.
fn constant(value: f32, s: f32) -> (Refiner, Parameters) {
    let config =
        RefinerConfig { features: 2, blocks: 1, grain_channels: 2, holes: true, ..RefinerConfig::eye_gaze() };
    let (refiner, parameters) = refiner(&config, 1);
    for (name, var) in parameters.vars() {
        if name == "head.weight" {
            var.set(&var.zeros_like().unwrap()).unwrap();
        }
        if name == "head.bias" {
            var.set(&Tensor::new(&[value.atanh(), s.atanh()], &Device::Cpu).unwrap()).unwrap();
        }
    }
    (refiner, parameters)
}

#[test]
fn a_pixel_is_measured_with_the_probability_of_the_last_map() {
    let synthetic = images((2, 1, 61, 83));
    for (s, expected) in [(-0.3, 0.7), (-0.9, 0.1), (0.0, 1.0), (0.4, 1.0)] {
        let refined = values(&constant(0.25, s).0.forward(&synthetic).unwrap());
        let n_measured = refined.iter().filter(|value| **value > -1.0).count();
        let share = n_measured as f32 / refined.len() as f32;
        assert!((share - expected).abs() < 0.02, "{s}: {share}");
        assert!(refined.iter().all(|value| *value == -1.0 || (value - 0.25).abs() < 1e-6));
    }
    // Another variant has its holes elsewhere.
    let refiner = constant(0.25, -0.3).0;
    let of = |variant| {
        let noise = refiner.noise(&synthetic, NoiseSource { variant, ..NoiseSource::default() }).unwrap();
        values(&refiner.forward_with(&synthetic, &noise).unwrap())
    };
    assert_ne!(of(1), of(2));
    let config = RefinerConfig { holes: true, ..RefinerConfig::eye_gaze() };
    let parameters = Parameters::new(0, &Device::Cpu);
    assert!(Refiner::new(&config, 1, parameters.var_builder()).is_err(), "nothing decides without grain");
}

/// The gradient of the sum of R(x) is that of its expectation, Σ (v + 1)(1 + s) − 1, as far as decisions go:
/// v's is 1 where a pixel is measured, s's v + 1 everywhere.
#[test]
fn decisions_have_the_gradient_of_their_probability() {
    let (value, s) = (0.25f32, -0.3f32);
    let (refiner, parameters) = constant(value, s);
    let synthetic = images((2, 1, 7, 11));
    let noise = refiner.noise(&synthetic, NoiseSource::default()).unwrap();
    let output = refiner.output(&synthetic, &noise).unwrap();
    let n_measured = values(output.measured.as_ref().unwrap()).iter().sum::<f32>();
    let gradients = output.images.sum_all().unwrap().backward().unwrap();
    let bias = parameters.vars().into_iter().find(|(name, _)| name == "head.bias").unwrap().1;
    let found = values(gradients.get(&bias).unwrap());
    let n_pixels = 2.0 * 7.0 * 11.0;
    let expected = [n_measured * (1.0 - value * value), n_pixels * (value + 1.0) * (1.0 - s * s)];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-3 * expected, "{found} {expected}");
    }
    assert!(values(&output.values).iter().all(|found| (found - value).abs() < 1e-6));
}

/// What was not measured stays so, in a range above 0 only: with or without holes, and from a file.
#[test]
fn pixels_that_were_not_measured_stay() {
    let synthetic = images((1, 1, 7, 11));
    let keep = synthetic.gt(0.0).unwrap().to_dtype(DType::F32).unwrap();
    let synthetic = (((synthetic + 1.0).unwrap() * &keep).unwrap() - 1.0).unwrap();
    let missing: Vec<bool> = values(&keep).iter().map(|keep| *keep == 0.0).collect();
    let plain = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };
    let holes = RefinerConfig { grain_channels: 1, holes: true, ..plain };
    for config in [plain, holes] {
        for (range, stays) in [(Some([400.0, 900.0]), true), (Some([0.0, 900.0]), false), (None, false)] {
            let parameters = Parameters::new(3, &Device::Cpu);
            let refiner = Refiner::new(&config, 1, parameters.var_builder()).unwrap().with_range(range);
            let refined = values(&refiner.forward(&synthetic).unwrap());
            let n_kept =
                refined.iter().zip(&missing).filter(|(value, gone)| **gone && **value == -1.0).count();
            let n_missing = missing.iter().filter(|gone| **gone).count();
            assert!(if stays { n_kept == n_missing } else { n_kept < n_missing }, "{range:?} {n_kept}");
            let folder = TempDir::new().unwrap();
            let about = RefinerImages { channels: 1, range, tone: None };
            save_refiner(folder.path(), &config, about, &parameters.tensors()).unwrap();
            let loaded = load_refiner(folder.path(), &Device::Cpu).unwrap();
            assert_eq!(values(&loaded.forward(&synthetic).unwrap()), refined);
        }
    }
}
