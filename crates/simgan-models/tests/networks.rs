//! Shapes, sizes and files of the networks. The workspace's tests compare their values with PyTorch's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use candle_core::{DType, Device, Module, Tensor};
use simgan_models::{
    Border, Discriminator, DiscriminatorConfig, GazeEstimator, GazeEstimatorConfig, Layer, ModelError,
    Parameters, REFINER_CONFIG_FILE, REFINER_FILE, Refiner, RefinerConfig, RefinerImages, ToneStage,
    load_refiner, load_refiner_images, save_refiner, write_tensors,
};
use tempfile::TempDir;

fn refiner(config: &RefinerConfig, channels: usize) -> (Refiner, Parameters) {
    let parameters = Parameters::new(0, &Device::Cpu);
    (Refiner::new(config, channels, parameters.var_builder()).unwrap(), parameters)
}

fn discriminator(config: &DiscriminatorConfig, channels: usize) -> (Discriminator, Parameters) {
    let parameters = Parameters::new(0, &Device::Cpu);
    (Discriminator::new(config, channels, parameters.var_builder()).unwrap(), parameters)
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
fn the_papers_networks_have_its_sizes() {
    let (_, parameters) = refiner(&RefinerConfig::eye_gaze(), 1);
    assert_eq!(parameters.count(), 296_129);
    let (_, parameters) = refiner(&RefinerConfig::hand_pose(), 1);
    assert_eq!(parameters.count(), (49 + 1) * 64 + 20 * (64 * 9 + 1) * 64 + 65);

    let (eyes, parameters) = discriminator(&DiscriminatorConfig::eye_gaze(), 1);
    assert_eq!(parameters.count(), 75_906);
    assert_eq!(eyes.forward(&images((2, 1, 35, 55))).unwrap().dims(), [2, 2, 9, 14]);
    let (hands, _) = discriminator(&DiscriminatorConfig::hand_pose(), 1);
    assert_eq!(hands.forward(&images((1, 1, 224, 224))).unwrap().dims(), [1, 2, 7, 7]);
}

#[test]
fn any_image_size_works() {
    let config = RefinerConfig { features: 4, blocks: 1, stem_kernel: 7, ..RefinerConfig::eye_gaze() };
    let (refiner, _) = refiner(&config, 3);
    let (eyes, _) = discriminator(&DiscriminatorConfig::eye_gaze(), 3);
    let (global, _) =
        discriminator(&DiscriminatorConfig { local: false, ..DiscriminatorConfig::hand_pose() }, 3);
    for (height, width) in [(1, 1), (1, 9), (8, 7), (20, 33)] {
        let refined = refiner.forward(&images((2, 3, height, width))).unwrap();
        assert_eq!(refined.dims(), [2, 3, height, width]);
        assert!(values(&refined).iter().all(|value| value.abs() <= 1.0));
        let map = [2, 2, height.div_ceil(2).div_ceil(2), width.div_ceil(2).div_ceil(2)];
        assert_eq!(eyes.forward(&refined).unwrap().dims(), map);
        assert_eq!(global.forward(&refined).unwrap().dims(), [2, 2, 1, 1]);
    }
    assert!(refiner.forward(&images((1, 1, 8, 8))).is_err(), "one channel for a network of three");
    assert!(eyes.forward(&images((1, 3, 0, 8))).is_err());
}

/// Labels stay valid because a pixel affects no more than its receptive field: 19 pixels for R.
#[test]
fn the_refiner_sees_19_pixels() {
    let (refiner, _) = refiner(&RefinerConfig::eye_gaze(), 1);
    let dark = Tensor::zeros((1, 1, 1, 41), DType::F32, &Device::Cpu).unwrap();
    let mut spot = vec![0f32; 41];
    spot[20] = 1.0;
    let spot = Tensor::from_vec(spot, (1, 1, 1, 41), &Device::Cpu).unwrap();
    let change = (refiner.forward(&spot).unwrap() - refiner.forward(&dark).unwrap()).unwrap();
    // Farther out, only rounding errors of 1e-8 remain, because whole tiles of pixels are convolved at once.
    let changed: Vec<_> = values(&change).iter().map(|value| value.abs() > 1e-7).collect();
    assert_eq!(changed.iter().position(|changed| *changed), Some(11));
    assert_eq!(changed.iter().rposition(|changed| *changed), Some(29));
}

/// A uniform image has no edge that a network with replicated borders could paint.
/// R(x) = x + tanh(…), cut to [−1, 1]; a pixel that was not measured stays one.
#[test]
fn a_refiner_with_skip_adds_to_the_image() {
    let plain = RefinerConfig { features: 5, blocks: 1, ..RefinerConfig::eye_gaze() };
    let (painted, parameters) = refiner(&plain, 1);
    let skip = RefinerConfig { skip: true, ..plain };
    let added = Refiner::new(&skip, 1, parameters.var_builder()).unwrap();
    let mut pixels = values(&images((2, 1, 5, 7)));
    (pixels[3], pixels[4]) = (-1.0, 1.0);
    let synthetic = Tensor::from_vec(pixels.clone(), (2, 1, 5, 7), &Device::Cpu).unwrap();
    let changes = values(&painted.forward(&synthetic).unwrap());
    let expected: Vec<_> = pixels.iter().zip(&changes).map(|(x, r)| (x + r).clamp(-1.0, 1.0)).collect();
    assert_eq!(values(&added.forward(&synthetic).unwrap()), expected);
    assert!(expected.iter().any(|value| value.abs() == 1.0), "something was cut");
    let depth = added.clone().with_range(Some([300.0, 900.0]));
    assert_eq!(values(&depth.forward(&synthetic).unwrap())[3], -1.0);

    // Where nothing is cut, the parameters' gradients are those of the painted image; where x + r leaves the range
    // there are none.
    let inside: Vec<f32> =
        pixels.iter().zip(&changes).map(|(x, r)| f32::from(u8::from((x + r).abs() < 1.0))).collect();
    let inside = Tensor::from_vec(inside, (2, 1, 5, 7), &Device::Cpu).unwrap();
    let weight = parameters.vars().into_iter().find(|(name, _)| name == "stem.weight").unwrap().1;
    let gradient = |loss: Tensor| values(loss.backward().unwrap().get(&weight).unwrap());
    let of_added = gradient(added.forward(&synthetic).unwrap().sum_all().unwrap());
    let of_painted = gradient((painted.forward(&synthetic).unwrap() * inside).unwrap().sum_all().unwrap());
    let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(of_added.iter().zip(&of_painted).all(is_near), "{of_added:?} {of_painted:?}");
}

#[test]
fn replicated_borders_paint_no_frame() {
    let flat = Tensor::full(0.4f32, (1, 1, 9, 12), &Device::Cpu).unwrap();
    let spread = |border| {
        let (refiner, _) = refiner(&RefinerConfig { border, ..RefinerConfig::eye_gaze() }, 1);
        let refined = values(&refiner.forward(&flat).unwrap());
        refined.iter().fold(f32::MIN, |a, b| a.max(*b)) - refined.iter().fold(f32::MAX, |a, b| a.min(*b))
    };
    assert!(spread(Border::Replicate) < 1e-5);
    assert!(spread(Border::Zeros) > 1e-3);
}

#[test]
fn frozen_networks_follow_their_parameters_without_gradients() {
    let (refiner, parameters) =
        refiner(&RefinerConfig { blocks: 1, features: 3, ..RefinerConfig::eye_gaze() }, 1);
    let (eyes, eyes_parameters) = discriminator(&DiscriminatorConfig::eye_gaze(), 1);
    let (frozen_refiner, frozen_eyes) = (refiner.frozen(), eyes.frozen());
    for (_, var) in parameters.vars().iter().chain(&eyes_parameters.vars()) {
        var.set(&(var.as_tensor().detach() * 0.5).unwrap()).unwrap();
    }
    let synthetic = images((1, 1, 8, 11));
    let refined = frozen_refiner.forward(&synthetic).unwrap();
    assert_eq!(values(&refined), values(&refiner.forward(&synthetic).unwrap()));
    let logits = frozen_eyes.forward(&refined).unwrap();
    assert_eq!(values(&logits), values(&eyes.forward(&refined).unwrap()));
    let gradients = logits.sum_all().unwrap().backward().unwrap();
    for (name, var) in parameters.vars().iter().chain(&eyes_parameters.vars()) {
        assert!(gradients.get(var).is_none(), "{name}");
    }
}

#[test]
fn impossible_networks_are_refused() {
    let eye = RefinerConfig::eye_gaze();
    let vb = || Parameters::new(0, &Device::Cpu);
    for (config, told) in [
        (RefinerConfig { kernel: 4, ..eye }, "`refiner.kernel` cannot be 4: an odd number from 1 to 31"),
        (RefinerConfig { stem_kernel: 0, ..eye }, "an odd number from 1 to 31"),
        (RefinerConfig { features: 0, ..eye }, "a whole number from 1 to 4096"),
        (RefinerConfig { blocks: 1_000, ..eye }, "a whole number from 0 to 256"),
    ] {
        let error = Refiner::new(&config, 1, vb().var_builder()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert!(Refiner::new(&eye, 0, vb().var_builder()).is_err());
    for layer in [
        Layer::Conv { kernel: 2, stride: 1, features: 1 },
        Layer::Conv { kernel: 3, stride: 0, features: 1 },
        Layer::Conv { kernel: 3, stride: 1, features: 0 },
        Layer::Conv { kernel: 3, stride: 1, features: 1_000_000_000 },
        Layer::MaxPool { kernel: 0, stride: 1 },
    ] {
        let config = DiscriminatorConfig { layers: vec![layer], ..DiscriminatorConfig::eye_gaze() };
        let error = Discriminator::new(&config, 1, vb().var_builder()).unwrap_err().to_string();
        assert!(error.contains("layers[0]") && error.contains("odd kernels from 1 to 31"), "{error}");
    }
    let layers = vec![Layer::MaxPool { kernel: 1, stride: 1 }; 65];
    let error = DiscriminatorConfig { layers, ..DiscriminatorConfig::eye_gaze() }.check().unwrap_err();
    assert!(error.to_string().contains("at most 64 layers"), "{error}");
}

#[test]
fn configs_are_readable_and_strict() {
    for config in [DiscriminatorConfig::eye_gaze(), DiscriminatorConfig::hand_pose()] {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<DiscriminatorConfig>(&text).unwrap(), config);
    }
    let text = toml::to_string(&RefinerConfig::eye_gaze()).unwrap();
    let config: RefinerConfig = toml::from_str(&text.replace("replicate", "zeros")).unwrap();
    assert_eq!(config, RefinerConfig { border: Border::Zeros, ..RefinerConfig::eye_gaze() });
    assert!(toml::from_str::<RefinerConfig>(&format!("{text}\nfeature = 8")).is_err());
    assert!(toml::from_str::<RefinerConfig>(&text.replace("replicate", "mirror")).is_err());
}

/// As format version 1 has always written it.
const REFINER_TOML: &str = "format_version = 1

[refiner]
channels = 3
features = 6
blocks = 2
kernel = 3
stem_kernel = 3
border = \"zeros\"
";

#[test]
fn a_saved_refiner_refines_the_same() {
    let folder = TempDir::new().unwrap();
    let config = RefinerConfig { features: 6, blocks: 2, border: Border::Zeros, ..RefinerConfig::eye_gaze() };
    let parameters = Parameters::new(5, &Device::Cpu);
    let refiner = Refiner::new(&config, 3, parameters.var_builder()).unwrap();
    save_refiner(folder.path(), &config, 3, &parameters.tensors()).unwrap();
    let path = folder.path().join(REFINER_CONFIG_FILE);
    assert_eq!(fs::read_to_string(&path).unwrap(), REFINER_TOML);
    // Values missing from a file default to the paper's.
    fs::write(&path, REFINER_TOML.replace("\nkernel = 3", "")).unwrap();
    let loaded = load_refiner(folder.path(), &Device::Cpu).unwrap();
    let synthetic = images((2, 3, 7, 10));
    assert_eq!(values(&loaded.forward(&synthetic).unwrap()), values(&refiner.forward(&synthetic).unwrap()));
    assert_eq!(load_refiner_images(folder.path()).unwrap(), RefinerImages::from(3));
}

#[test]
fn a_refiner_knows_its_images() {
    let folder = TempDir::new().unwrap();
    let small = RefinerConfig { features: 2, blocks: 1, ..RefinerConfig::eye_gaze() };
    let path = folder.path().join(REFINER_CONFIG_FILE);
    let percentiles: Vec<f32> = (0..101).map(|i| i as f32 / 97.0 - 0.7).map(|value| value.min(1.0)).collect();
    for tone in [None, Some(ToneStage::Equalize {}), Some(ToneStage::Match { percentiles })] {
        let images = RefinerImages { channels: 1, range: Some([0.1, 2400.0]), tone };
        save_refiner(folder.path(), &small, images.clone(), &refiner(&small, 1).1.tensors()).unwrap();
        assert_eq!(load_refiner_images(folder.path()).unwrap(), images);
        load_refiner(folder.path(), &Device::Cpu).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
    let ranges = ["range = [2.0, 1.0]", "range = [0.0, inf]", "range = [nan, 1.0]", "range = [1.0]"];
    let ranges = ranges.map(|range| (line("range"), range));
    let tones = ["percentiles = [0.0, 0.5]", "gamma = 2.0"].map(|tone| (line("percentiles"), tone));
    let kinds = ["kind = \"gamma\"", "kind = \"equalize\""].map(|kind| (line("kind"), kind));
    for (before, now) in ranges.into_iter().chain(tones).chain(kinds) {
        fs::write(&path, text.replace(before, now)).unwrap();
        assert!(load_refiner_images(folder.path()).is_err(), "{now}");
        assert!(load_refiner(folder.path(), &Device::Cpu).is_err(), "{now}");
    }
}

#[test]
fn a_refiner_whose_files_do_not_fit_is_refused() {
    let folder = TempDir::new().unwrap();
    let small = RefinerConfig { features: 2, blocks: 1, ..RefinerConfig::eye_gaze() };
    let save = || save_refiner(folder.path(), &small, 1, &refiner(&small, 1).1.tensors()).unwrap();
    let refusal = |path: &str, from: &str, to: &str| {
        save();
        let path = folder.path().join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(&path, text.replace(from, to)).unwrap();
        load_refiner(folder.path(), &Device::Cpu).unwrap_err().to_string()
    };
    let config = REFINER_CONFIG_FILE;
    assert!(refusal(config, "format_version = 1", "format_version = 2").contains("format version 2"));
    assert!(refusal(config, "features = 2", "features = 3").contains("`stem.weight` has shape"));
    assert!(refusal(config, "blocks = 1", "blocks = 0").contains("unknown parameter `blocks.0."));
    assert!(refusal(config, "blocks = 1", "blocks = 2").contains("`blocks.1.conv1.weight` is missing"));
    assert!(refusal(config, "kernel = 3", "kernel = 2").contains("kernel"));
    assert!(refusal(config, "blocks", "block").contains(config));
    save();
    fs::remove_file(folder.path().join(REFINER_FILE)).unwrap();
    assert!(load_refiner(folder.path(), &Device::Cpu).unwrap_err().to_string().contains(REFINER_FILE));
}

#[test]
fn the_papers_gaze_network_flattens_to_9600() {
    let config = GazeEstimatorConfig::eye_gaze();
    assert_eq!(config.flattened().unwrap(), 9600);
    let parameters = Parameters::new(0, &Device::Cpu);
    let network = GazeEstimator::new(&config, parameters.var_builder()).unwrap();
    let convs = [1, 32, 32, 64, 80, 192].windows(2).map(|pair| (9 * pair[0] + 1) * pair[1]).sum::<usize>();
    assert_eq!(parameters.count(), convs + 9601 * 1000 + 1001 * 3);
    assert_eq!(network.forward(&images((2, 1, 35, 55))).unwrap().dims(), [2, 3]);
    let error = network.forward(&images((2, 1, 36, 60))).unwrap_err().to_string();
    assert!(error.contains("[1, 35, 55]"), "{error}");
    assert_eq!(GazeEstimatorConfig::eye_gaze_wide().hidden, [9600, 1000]);
}

#[test]
fn a_gaze_network_answers_the_same_from_its_file() {
    let config = GazeEstimatorConfig {
        height: 21,
        width: 26,
        features: [3, 2, 5, 4, 6],
        hidden: vec![7, 5],
        ..GazeEstimatorConfig::eye_gaze()
    };
    let answers =
        |network: &GazeEstimator| network.forward(&images((2, 1, 21, 26))).unwrap().to_vec2::<f32>().unwrap();
    let network = GazeEstimator::new(&config, Parameters::new(3, &Device::Cpu).var_builder()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gaze.safetensors");
    write_tensors(&path, &network.tensors()).unwrap();
    let parameters = Parameters::new(4, &Device::Cpu);
    let other = GazeEstimator::new(&config, parameters.var_builder()).unwrap();
    assert_ne!(answers(&other), answers(&network));
    parameters.load(&path).unwrap();
    assert_eq!(answers(&other), answers(&network));
}

#[test]
fn gaze_networks_work_from_19_pixels_on() {
    let small = GazeEstimatorConfig { features: [2; 5], hidden: vec![], ..GazeEstimatorConfig::eye_gaze() };
    for (height, width) in [(19, 19), (20, 26), (33, 24)] {
        let config = GazeEstimatorConfig { height, width, ..small.clone() };
        let network = GazeEstimator::new(&config, Parameters::new(0, &Device::Cpu).var_builder()).unwrap();
        assert_eq!(network.forward(&images((3, 1, height, width))).unwrap().dims(), [3, 3]);
    }
    for config in [
        GazeEstimatorConfig { height: 18, ..small.clone() },
        GazeEstimatorConfig { width: 0, ..small.clone() },
        GazeEstimatorConfig { hidden: vec![0], ..small.clone() },
    ] {
        let error = GazeEstimator::new(&config, Parameters::new(0, &Device::Cpu).var_builder()).unwrap_err();
        assert!(matches!(error, ModelError::Config(_)), "{error}");
    }
}
