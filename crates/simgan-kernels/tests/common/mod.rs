//! What the tests of this crate share: seeded tensors, and distances between tensors.
#![expect(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use candle_core::{DType, Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Uniform numbers in [-1, 1): `f64`, so that every type starts from the same ones.
pub(crate) fn uniform(rng: &mut ChaCha8Rng, dims: &[usize]) -> Tensor {
    let count = dims.iter().product();
    let values: Vec<f64> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

pub(crate) fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

pub(crate) fn variable(tensor: &Tensor, dtype: DType) -> Var {
    Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
}

/// ‖a − b‖ / ‖b‖, or ‖a‖ where b is zero.
pub(crate) fn relative_distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let norm = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt();
    let (a, b) = (a.to_dtype(DType::F64).unwrap(), b.to_dtype(DType::F64).unwrap());
    let (distance, length) = (norm(&(a - &b).unwrap()), norm(&b));
    if length > 0.0 { distance / length } else { distance }
}
