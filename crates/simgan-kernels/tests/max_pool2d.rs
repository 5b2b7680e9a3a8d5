//! The maximum against its oracle, finite differences and PyTorch.

mod common;
mod differences;

use candle_core::{DType, Device, Tensor};
use common::{generator, relative_distance, uniform, variable};
use differences::check_differences;
use simgan_kernels::{MaxPool2d, max_pool2d, reference};

fn pool(kernel: usize, stride: usize, padding: usize) -> MaxPool2d {
    MaxPool2d { kernel, stride, padding }
}

/// The paper's pools, and kernels that do not divide the image.
fn cases() -> Vec<(MaxPool2d, [usize; 4])> {
    vec![
        (pool(3, 1, 1), [2, 5, 9, 14]),
        (pool(3, 2, 0), [2, 3, 31, 51]),
        (pool(2, 2, 0), [1, 4, 7, 5]),
        (pool(3, 2, 1), [1, 2, 1, 9]),
        (pool(5, 3, 2), [2, 2, 13, 4]),
        (pool(1, 2, 0), [1, 2, 5, 6]),
        (pool(3, 5, 1), [1, 2, 12, 1]),
        (pool(3, 1, 1), [0, 2, 3, 4]),
    ]
}

#[test]
fn results_and_gradients_equal_the_oracle() {
    for (options, dims) in cases() {
        for dtype in [DType::F32, DType::F64] {
            // Rounded, so that windows hold ties.
            let input = variable(&(uniform(&mut generator(1), &dims) * 4.0).unwrap().round().unwrap(), dtype);
            let out = max_pool2d(&input, options).unwrap();
            let expected = reference::max_pool2d(&input, options).unwrap();
            assert_eq!(relative_distance(&out, &expected), 0.0, "{options:?} {dims:?}");
            let direction = uniform(&mut generator(2), out.dims()).to_dtype(dtype).unwrap();
            let gradient = |out: Tensor| {
                let gradients = (out * &direction).unwrap().sum_all().unwrap().backward().unwrap();
                gradients.get(&input).unwrap().clone()
            };
            let error = relative_distance(&gradient(out), &gradient(expected));
            assert!(error < 1e-6, "{options:?} {dims:?}: {error:e}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let mut rng = generator(3);
    for (options, dims) in cases().into_iter().filter(|(_, dims)| dims[0] > 0) {
        let input = variable(&uniform(&mut rng, &dims), DType::F64);
        check_differences(std::slice::from_ref(&input), &mut rng, || max_pool2d(&input, options));
    }
}

#[test]
fn results_and_gradients_equal_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/max_pool2d.safetensors");
    let golden = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    for options in [pool(3, 1, 1), pool(3, 2, 0), pool(2, 2, 0), pool(3, 2, 1)] {
        let MaxPool2d { kernel, stride, padding } = options;
        let get = |part: &str| golden.get(&format!("{kernel}-{stride}-{padding}.{part}")).unwrap();
        let input = variable(get("input"), DType::F32);
        let out = max_pool2d(&input, options).unwrap();
        assert_eq!(relative_distance(&out, get("out")), 0.0, "{options:?}");
        let gradients = (out * get("direction")).unwrap().sum_all().unwrap().backward().unwrap();
        let error = relative_distance(gradients.get(&input).unwrap(), get("gradient"));
        assert!(error < 1e-6, "{options:?}: {error:e}");
    }
}

#[test]
fn nan_is_the_maximum_of_its_window() {
    let input = Tensor::new(&[[[[1f32, f32::NAN, 3.0, 2.0]]]], &Device::Cpu).unwrap();
    for out in [max_pool2d(&input, pool(1, 1, 0)), reference::max_pool2d(&input, pool(1, 1, 0))] {
        assert!(out.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[1].is_nan());
    }
    let column = input.reshape((1, 1, 2, 2)).unwrap();
    for out in [max_pool2d(&column, pool(2, 1, 0)), reference::max_pool2d(&column, pool(2, 1, 0))] {
        assert!(out.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
    }
}

#[test]
fn arguments_that_do_not_fit_are_errors() {
    let input = Tensor::zeros((1, 2, 4, 5), DType::F32, &Device::Cpu).unwrap();
    for options in [pool(0, 1, 0), pool(3, 0, 0), pool(3, 1, 2), pool(5, 1, 0)] {
        assert!(max_pool2d(&input, options).is_err(), "{options:?}");
    }
    assert!(max_pool2d(&input.squeeze(0).unwrap(), pool(1, 1, 0)).is_err());
}
