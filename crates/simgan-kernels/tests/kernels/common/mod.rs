//! Shared by the tests of this crate: seeded tensors, the places to compute at, and distances between
//! tensors.
#![expect(clippy::unwrap_used, reason = "a failure here fails the test that called")]

pub(crate) mod devices;
pub(crate) mod differences;

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_kernels::Precision;

/// A device and a type to compute with.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) device: Device,
    pub(crate) dtype: DType,
}

impl Place {
    pub(crate) const fn cpu(dtype: DType) -> Self {
        Self { device: Device::Cpu, dtype }
    }

    /// Returns the relative error accepted here, given those accepted on the CPU in `f32` and in `f64`.
    pub(crate) fn tolerance(&self, single: f64, double: f64) -> f64 {
        devices::tolerance(&self.device, if self.dtype == DType::F64 { double } else { single })
    }
}

/// Returns each available device with `f32` and with `f64`. Metal has no `f64`.
pub(crate) fn places() -> Vec<Place> {
    let all = devices::devices().iter();
    let all =
        all.flat_map(|device| [DType::F32, DType::F64].map(|dtype| Place { device: device.clone(), dtype }));
    all.filter(|place| !(place.device.is_metal() && place.dtype == DType::F64)).collect()
}

/// [`places`] of one type.
pub(crate) fn places_of(dtype: DType) -> impl Iterator<Item = Place> {
    places().into_iter().filter(move |place| place.dtype == dtype)
}

/// Whether this processor multiplies bf16; says so if not.
#[expect(clippy::print_stderr, reason = "whoever tests should know what is not tested")]
pub(crate) fn has_bf16() -> bool {
    let check = Precision::Bf16.check(&Device::Cpu);
    if let Err(error) = &check {
        eprintln!("not tested: {error}");
    }
    check.is_ok()
}

/// [`places_of`] `f32` whose device multiplies bf16; says where not.
#[expect(clippy::print_stderr, reason = "whoever tests should know what is not tested")]
pub(crate) fn bf16_places() -> Vec<Place> {
    let multiplies = |place: &Place| {
        let check = Precision::Bf16.check(&place.device);
        if let Err(error) = &check {
            eprintln!("not tested: {error}");
        }
        check.is_ok()
    };
    places_of(DType::F32).filter(multiplies).collect()
}

/// Draws uniform numbers in [-1, 1), as `f64` on the CPU, so that every place starts from the same ones.
pub(crate) fn uniform(rng: &mut ChaCha8Rng, dims: &[usize]) -> Tensor {
    let count = dims.iter().product();
    let values: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

pub(crate) fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Copies a tensor to the device and type of a place.
pub(crate) fn at(tensor: &Tensor, place: &Place) -> Tensor {
    tensor.to_dtype(place.dtype).unwrap().to_device(&place.device).unwrap()
}

pub(crate) fn variable(tensor: &Tensor, place: &Place) -> Var {
    Var::from_tensor(&at(tensor, place)).unwrap()
}

/// Loads PyTorch's results, written by `golden/export.py`.
pub(crate) fn golden(case: &str) -> HashMap<String, Tensor> {
    let path = devices::in_repository(&format!("crates/simgan-kernels/tests/golden/{case}.safetensors"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

/// ‖a − b‖ / ‖b‖, or ‖a‖ where b is zero.
pub(crate) fn relative_distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let [a, b] = [a, b].map(|tensor| at(&tensor.to_device(&Device::Cpu).unwrap(), &Place::cpu(DType::F64)));
    let norm = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
    let (distance, length) = (norm(&(a - &b).unwrap()), norm(&b));
    if length > 0.0 { distance / length } else { distance }
}
