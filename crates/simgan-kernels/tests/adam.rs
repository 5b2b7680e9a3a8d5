//! Adam's step in place against its composition.

#![expect(clippy::unwrap_used, reason = "a failed test is what it is for")]

use candle_core::{Device, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_kernels::{Adam, reference};

fn random(dims: &[usize], stream: &mut ChaCha8Rng) -> Tensor {
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| stream.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Several steps, of sizes below and above what a thread takes at a time; a gradient that does not lie in order.
#[test]
fn in_place_equals_the_composition_digit_for_digit() {
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    for dims in [vec![1], vec![7, 3], vec![131, 257]] {
        let parameter = Var::from_tensor(&random(&dims, &mut stream)).unwrap();
        let [mean, mean_square] = [(); 2].map(|()| parameter.zeros_like().unwrap());
        let mut expected = [parameter.copy().unwrap(), mean.copy().unwrap(), mean_square.copy().unwrap()];
        for step in 1..=3 {
            let turned: Vec<_> = dims.iter().rev().copied().collect();
            let gradient = random(&turned, &mut stream);
            let gradient = if dims.len() == 2 { gradient.t().unwrap() } else { gradient };
            let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-8, lr: 0.01, step };
            adam.apply(&parameter, &gradient, [&mean, &mean_square]).unwrap();
            let [before, m, v] = &expected;
            expected = reference::adam(adam, before, &gradient, [m, v]).unwrap();
            for (found, expected) in [parameter.as_tensor(), &mean, &mean_square].into_iter().zip(&expected) {
                assert_eq!(bits(found), bits(expected), "{dims:?}, step {step}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let [three, four] = [3, 4].map(|n| Tensor::zeros(n, candle_core::DType::F32, &Device::Cpu).unwrap());
    let double = three.to_dtype(candle_core::DType::F64).unwrap();
    let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-8, lr: 0.01, step: 1 };
    assert!(adam.apply(&three, &four, [&three, &three]).is_err());
    assert!(adam.apply(&double, &double, [&double, &double]).is_err());
}
