use candle_core::{DType, Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_models::{Border, Discriminator, DiscriminatorConfig, Layer, Parameters, Refiner, RefinerConfig};

use crate::devices::{self, in_repository};

/// Tensors computed by PyTorch, read from a `case.safetensors` that the `export.py` beside it writes.
pub(crate) struct Golden(Vec<(String, Tensor)>);

impl Golden {
    pub(crate) fn open(case: &str, device: &Device) -> Self {
        let path = in_repository(&format!("tests/golden/{case}/case.safetensors"));
        Self(simgan_models::read_tensors(&path, device).unwrap())
    }

    pub(crate) fn get(&self, name: &str) -> &Tensor {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no `{name}` in the case")).1
    }

    /// Returns the tensors whose names begin with `prefix`, without it.
    pub(crate) fn part(&self, prefix: &str) -> Vec<(String, Tensor)> {
        let part = self.0.iter();
        part.filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
            .collect()
    }

    pub(crate) fn scalar(&self, name: &str) -> f64 {
        scalar(self.get(name))
    }

    /// Sets every parameter to PyTorch's value; both sides must have exactly the same parameters.
    pub(crate) fn fill(&self, prefix: &str, parameters: &Parameters) {
        let names: Vec<_> = self.0.iter().filter_map(|(name, _)| name.strip_prefix(prefix)).collect();
        let names: Vec<_> = names.into_iter().filter(|name| !name.contains('/')).collect();
        assert_eq!(names.len(), parameters.vars().len(), "{names:?}");
        for (name, var) in parameters.vars() {
            var.set(self.get(&format!("{prefix}{name}"))).unwrap();
        }
    }
}

/// Asserts ‖found − expected‖ ≤ tolerance · ‖expected‖, with a floor on ‖expected‖ for gradients that are 0.
/// `tolerance` applies to the CPU; other devices scale it.
pub(crate) fn assert_close(name: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.dims(), expected.dims(), "{name}");
    let error = norm(&(found - expected).unwrap());
    let scale = norm(expected).max(1e-6);
    let tolerance = devices::tolerance(found.device(), tolerance);
    assert!(error <= tolerance * scale, "{name} at {:?}: relative error {:e}", found.device(), error / scale);
}

pub(crate) fn norm(tensor: &Tensor) -> f64 {
    let tensor = tensor.to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
    scalar(&tensor.sqr().unwrap().sum_all().unwrap()).sqrt()
}

pub(crate) fn scalar(tensor: &Tensor) -> f64 {
    tensor.to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap().to_scalar().unwrap()
}

/// Draws uniform pixels in [−1, 1), `f32`, on the CPU.
pub(crate) fn images(seed: u64, shape: (usize, usize, usize, usize)) -> Tensor {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.0 * shape.1 * shape.2 * shape.3;
    let values: Vec<f32> = (0..count).map(|_| stream.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub(crate) fn var(tensor: &Tensor) -> Var {
    Var::from_tensor(&tensor.copy().unwrap()).unwrap()
}

pub(crate) fn refiner_config(stem_kernel: usize, border: Border) -> RefinerConfig {
    RefinerConfig { features: 5, blocks: 2, kernel: 3, stem_kernel, border, ..RefinerConfig::eye_gaze() }
}

pub(crate) fn eye_layers() -> DiscriminatorConfig {
    discriminator_config([(3, 2), (3, 2)], (3, 1), 1)
}

pub(crate) fn hand_layers() -> DiscriminatorConfig {
    discriminator_config([(7, 4), (5, 2)], (3, 2), 2)
}

fn discriminator_config(
    convs: [(usize, usize); 2],
    pool: (usize, usize),
    stride: usize,
) -> DiscriminatorConfig {
    let layers = vec![
        Layer::Conv { kernel: convs[0].0, stride: convs[0].1, features: 6 },
        Layer::Conv { kernel: convs[1].0, stride: convs[1].1, features: 5 },
        Layer::MaxPool { kernel: pool.0, stride: pool.1 },
        Layer::Conv { kernel: 3, stride, features: 4 },
        Layer::Conv { kernel: 1, stride: 1, features: 3 },
    ];
    DiscriminatorConfig { layers, ..DiscriminatorConfig::eye_gaze() }
}

pub(crate) fn new_refiner(
    seed: u64,
    config: &RefinerConfig,
    channels: usize,
    device: &Device,
) -> (Refiner, Parameters) {
    let parameters = Parameters::new(seed, device);
    (Refiner::new(config, channels, parameters.var_builder()).unwrap(), parameters)
}

pub(crate) fn new_discriminator(
    seed: u64,
    config: &DiscriminatorConfig,
    channels: usize,
    device: &Device,
) -> (Discriminator, Parameters) {
    let parameters = Parameters::new(seed, device);
    (Discriminator::new(config, channels, parameters.var_builder()).unwrap(), parameters)
}
