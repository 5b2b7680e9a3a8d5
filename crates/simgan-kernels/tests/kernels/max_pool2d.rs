//! Max pooling against its oracle, finite differences and PyTorch.

use candle_core::{DType, Device, Result, Tensor};
use simgan_kernels::{MaxPool2d, max_pool2d, reference};

use crate::common::devices::devices;
use crate::common::differences::check_differences;
use crate::common::{Place, at, generator, golden, places, places_of, relative_distance, uniform, variable};

fn pool(kernel: usize, stride: usize, padding: usize) -> MaxPool2d {
    MaxPool2d { kernel, stride, padding }
}

/// The paper's pools, and windows that do not divide the image.
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
        // Rounded, so that windows hold ties.
        let input = (uniform(&mut generator(1), &dims) * 4.0).unwrap().round().unwrap();
        let run = |place: &Place, pool: fn(&Tensor, MaxPool2d) -> Result<Tensor>| {
            let input = variable(&input, place);
            let out = pool(&input, options).unwrap();
            let direction = at(&uniform(&mut generator(2), out.dims()), place);
            let gradients = (&out * direction).unwrap().sum_all().unwrap().backward().unwrap();
            (out, gradients.get(&input).unwrap().clone())
        };
        let (expected, expected_gradient) = run(&Place::cpu(DType::F64), reference::max_pool2d);
        for place in places() {
            let (out, gradient) = run(&place, max_pool2d);
            assert_eq!(relative_distance(&out, &expected), 0.0, "{options:?} {dims:?} at {place:?}");
            let error = relative_distance(&gradient, &expected_gradient);
            assert!(error < place.tolerance(1e-6, 1e-14), "{options:?} {dims:?} at {place:?}: {error:e}");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let mut rng = generator(3);
    for (options, dims) in cases().into_iter().filter(|(_, dims)| dims[0] > 0) {
        for place in places_of(DType::F64) {
            let input = variable(&uniform(&mut rng, &dims), &place);
            check_differences(std::slice::from_ref(&input), &mut rng, || max_pool2d(&input, options));
        }
    }
}

#[test]
fn results_and_gradients_equal_pytorch() {
    for place in places_of(DType::F32) {
        check_golden_cases(&place);
    }
}

fn check_golden_cases(place: &Place) {
    let golden = golden("max_pool2d");
    for options in [pool(3, 1, 1), pool(3, 2, 0), pool(2, 2, 0), pool(3, 2, 1)] {
        let MaxPool2d { kernel, stride, padding } = options;
        let get = |part: &str| golden.get(&format!("{kernel}-{stride}-{padding}.{part}")).unwrap();
        let input = variable(get("input"), place);
        let out = max_pool2d(&input, options).unwrap();
        assert_eq!(relative_distance(&out, get("out")), 0.0, "{options:?} at {place:?}");
        let gradients = (out * at(get("direction"), place)).unwrap().sum_all().unwrap().backward().unwrap();
        let error = relative_distance(gradients.get(&input).unwrap(), get("gradient"));
        assert!(error < place.tolerance(1e-6, 0.0), "{options:?} at {place:?}: {error:e}");
    }
}

#[test]
fn nan_is_the_maximum_of_its_window() {
    for device in devices() {
        check_nan(device);
    }
}

fn check_nan(device: &Device) {
    let input = Tensor::new(&[[[[1f32, f32::NAN, 3.0, 2.0]]]], device).unwrap();
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
