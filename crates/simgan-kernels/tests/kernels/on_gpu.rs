//! Tensors of bf16 on a GPU against the CPU's `f64`. What is tested elsewhere runs on a GPU in `f32` and `f64`.

use candle_core::{DType, Device, Result, Tensor};
use simgan_kernels::{Border, Conv2d, MaxPool2d, conv2d, conv2d_residual, max_pool2d, reference};

use crate::common::{Place, at, bf16_places, generator, relative_distance, uniform, variable};

/// Images, channels before and after, size, kernel, stride and padding: odd sizes, and layers of the networks.
type Case = (usize, [usize; 2], [usize; 2], [usize; 2], usize, usize);

const CASES: [Case; 9] = [
    (2, [1, 64], [35, 55], [3, 3], 1, 1),
    (2, [64, 64], [9, 13], [3, 3], 1, 1),
    (2, [64, 1], [7, 11], [1, 1], 1, 0),
    (3, [5, 7], [7, 8], [3, 3], 2, 1),
    (1, [3, 5], [11, 1], [3, 3], 1, 1),
    (1, [4, 8], [30, 29], [7, 7], 4, 3),
    (2, [3, 4], [6, 9], [1, 5], 1, 2),
    (3, [17, 33], [12, 13], [5, 5], 1, 2),
    (2, [2, 3], [5, 4], [3, 3], 3, 5),
];

fn gpus() -> impl Iterator<Item = Place> {
    let places = bf16_places().into_iter().filter(|place| !place.device.is_cpu());
    places.map(|place| Place { dtype: DType::BF16, ..place })
}

/// Returns numbers of which bf16 holds each exactly, so that rounding the arguments is no error.
fn exact_in_bf16(seed: u64, dims: &[usize]) -> Tensor {
    let drawn = uniform(&mut generator(seed), dims);
    drawn.to_dtype(DType::F32).unwrap().to_dtype(DType::BF16).unwrap().to_dtype(DType::F64).unwrap()
}

/// Computes `f`'s result and its gradients for all arguments.
fn run(arguments: &[Tensor], place: &Place, f: impl Fn(&[Tensor]) -> Result<Tensor>) -> Vec<Tensor> {
    let variables: Vec<_> = arguments.iter().map(|argument| variable(argument, place)).collect();
    let tensors: Vec<_> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
    let out = f(&tensors).unwrap();
    let direction = at(&exact_in_bf16(9, out.dims()), place);
    let gradients = (&out * direction).unwrap().sum_all().unwrap().backward().unwrap();
    let of = variables.iter().map(|variable| gradients.get(variable).unwrap().clone());
    std::iter::once(out).chain(of).collect()
}

/// Input, weights, bias and residual. The bias outweighs all sums, so that rounding cannot turn a ReLU on or off.
fn arguments((images, [n_in, n_out], size, kernel, stride, padding): Case) -> [Tensor; 4] {
    let out = |axis: usize| (size[axis] + 2 * padding - kernel[axis]) / stride + 1;
    let bias: Vec<f64> = (0..n_out).map(|channel| if channel % 2 == 0 { 96.0 } else { -96.0 }).collect();
    [
        exact_in_bf16(1, &[images, n_in, size[0], size[1]]),
        exact_in_bf16(2, &[n_out, n_in, kernel[0], kernel[1]]),
        Tensor::new(bias, &Device::Cpu).unwrap(),
        exact_in_bf16(4, &[images, n_out, out(0), out(1)]),
    ]
}

fn convolve(given: &[Tensor], options: Conv2d) -> Result<Tensor> {
    match given {
        [input, weight, bias, residual] => conv2d_residual(input, weight, Some(bias), residual, options),
        _ => conv2d(&given[0], &given[1], Some(&given[2]), options),
    }
}

fn convolve_by_reference(given: &[Tensor], options: Conv2d) -> Result<Tensor> {
    match given {
        [input, weight, bias, residual] => {
            reference::conv2d_residual(input, weight, Some(bias), residual, options)
        }
        _ => reference::conv2d(&given[0], &given[1], Some(&given[2]), options),
    }
}

#[test]
fn convolutions_of_bf16_are_near_the_oracle() {
    for place in gpus() {
        for case in CASES {
            let arguments = arguments(case);
            let (.., stride, padding) = case;
            for (border, relu) in [(Border::Zeros, false), (Border::Zeros, true), (Border::Replicate, true)] {
                let options = Conv2d { stride, padding, border, relu };
                for given in [&arguments[..3], &arguments] {
                    let found = run(given, &place, |given| convolve(given, options));
                    let oracle = Place::cpu(DType::F64);
                    let expected = run(given, &oracle, |given| convolve_by_reference(given, options));
                    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                        let error = relative_distance(found, expected);
                        assert!(error < 0.02, "{case:?}, {options:?}: {index} is {error:e} off at {place:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn pools_of_bf16_equal_the_oracle() {
    for place in gpus() {
        for (kernel, stride, padding) in [(3, 1, 1), (3, 2, 0), (2, 2, 0), (5, 3, 2)] {
            let options = MaxPool2d { kernel, stride, padding };
            let input = [exact_in_bf16(1, &[2, 5, 13, 14])];
            let found = run(&input, &place, |given| max_pool2d(&given[0], options));
            let oracle = Place::cpu(DType::F64);
            let expected = run(&input, &oracle, |given| reference::max_pool2d(&given[0], options));
            assert_eq!(relative_distance(&found[0], &expected[0]), 0.0, "{options:?} at {place:?}");
            let error = relative_distance(&found[1], &expected[1]);
            assert!(error < 0.01, "{options:?} at {place:?}: {error:e}");
        }
    }
}
