//! Adam's in-place step against its composition.

use candle_core::{DType, Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use simgan_kernels::{Adam, reference};

use crate::common::{Place, at, generator, places, relative_distance, uniform};

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Draws a parameter or a gradient of shape `dims`.
fn draw(dims: &[usize], stream: &mut ChaCha8Rng, place: &Place) -> Tensor {
    at(&uniform(stream, dims), place)
}

/// Takes three steps in place at `place` and by the composition at `oracle`, and gives both results of each
/// step to `compare`. Sizes lie below and above the elements that a thread takes at a time; gradients are not
/// contiguous.
fn each_step(place: &Place, oracle: &Place, compare: impl Fn([&Tensor; 3], &[Tensor; 3], &str)) {
    let mut stream = generator(1);
    for dims in [vec![1], vec![7, 3], vec![131, 257]] {
        let parameter = Var::from_tensor(&draw(&dims, &mut stream, place)).unwrap();
        let [mean, mean_square] = [(); 2].map(|()| parameter.zeros_like().unwrap());
        let mut expected =
            [parameter.as_tensor(), &mean, &mean_square].map(|tensor| at(&tensor.copy().unwrap(), oracle));
        for step in 1..=3 {
            let turned: Vec<_> = dims.iter().rev().copied().collect();
            let gradient = draw(&turned, &mut stream, place);
            let gradient = if dims.len() == 2 { gradient.t().unwrap() } else { gradient };
            let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-8, lr: 0.01, step };
            adam.apply(&parameter, &gradient, [&mean, &mean_square]).unwrap();
            let [before, m, v] = &expected;
            expected = reference::adam(adam, before, &at(&gradient, oracle), [m, v]).unwrap();
            let found = [parameter.as_tensor(), &mean, &mean_square];
            compare(found, &expected, &format!("{place:?}, {dims:?}, step {step}"));
        }
    }
}

#[test]
fn in_place_equals_the_composition_digit_for_digit() {
    let place = Place::cpu(DType::F32);
    each_step(&place, &place, |found, expected, what| {
        for (found, expected) in found.into_iter().zip(expected) {
            assert_eq!(bits(found), bits(expected), "{what}");
        }
    });
}

#[test]
fn in_place_equals_the_oracle() {
    for place in places() {
        each_step(&place, &Place::cpu(DType::F64), |found, expected, what| {
            for (found, expected) in found.into_iter().zip(expected) {
                let error = relative_distance(found, expected);
                assert!(error <= place.tolerance(1e-6, 1e-14), "{what}: {error:e}");
            }
        });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let [three, four] = [3, 4].map(|n| Tensor::zeros(n, DType::F32, &Device::Cpu).unwrap());
    let double = three.to_dtype(DType::F64).unwrap();
    let turned = Tensor::zeros((3, 2), DType::F32, &Device::Cpu).unwrap().t().unwrap();
    let adam = Adam { betas: [0.9, 0.999], epsilon: 1e-8, lr: 0.01, step: 1 };
    assert!(adam.apply(&three, &four, [&three, &three]).is_err());
    assert!(adam.apply(&three, &double, [&three, &three]).is_err());
    assert!(adam.apply(&double, &three, [&double, &double]).is_err());
    assert!(adam.apply(&turned, &turned, [&turned, &turned]).is_err());
}
