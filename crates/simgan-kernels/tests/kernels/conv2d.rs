//! The convolution against its oracle, finite differences and PyTorch.

use candle_core::{DType, Device, Result, Tensor, Var};
use simgan_kernels::{Border, Conv2d, conv2d, conv2d_residual, reference};

use crate::common::devices::devices;
use crate::common::differences::check_differences;
use crate::common::{Place, at, generator, golden, places, places_of, relative_distance, uniform, variable};

/// The sizes and options of a convolution.
#[derive(Clone, Copy, Debug)]
struct Case {
    images: usize,
    channels: [usize; 2],
    size: [usize; 2],
    kernel: [usize; 2],
    options: Conv2d,
}

fn case(
    images: usize,
    channels: [usize; 2],
    size: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Case {
    let options = Conv2d { stride, padding, border: Border::Zeros, relu: false };
    Case { images, channels, size, kernel: [kernel, kernel], options }
}

/// Sizes that are odd, even, square, one pixel high or wide, or smaller than the kernel, and every layer of
/// the paper's networks.
fn cases() -> Vec<Case> {
    vec![
        case(2, [1, 64], [35, 55], 3, 1, 1),
        case(2, [64, 64], [9, 13], 3, 1, 1),
        case(7, [5, 3], [1, 17], 3, 1, 1),
        case(1, [3, 5], [11, 1], 3, 1, 1),
        case(1, [130, 7], [5, 7], 3, 1, 1),
        case(3, [2, 130], [1, 1], 3, 1, 1),
        case(2, [64, 1], [7, 11], 1, 1, 0),
        case(2, [64, 96], [7, 19], 1, 1, 0),
        case(1, [61, 70], [11, 13], 1, 1, 0),
        case(2, [3, 4], [7, 11], 1, 1, 2),
        case(2, [3, 5], [10, 9], 3, 1, 0),
        case(3, [1, 96], [35, 55], 3, 2, 1),
        case(3, [96, 64], [18, 28], 3, 2, 1),
        case(2, [3, 4], [7, 8], 3, 2, 1),
        case(2, [3, 4], [8, 7], 3, 2, 1),
        case(2, [3, 4], [9, 14], 3, 2, 0),
        case(2, [3, 4], [1, 6], 3, 2, 1),
        case(1, [4, 8], [30, 29], 7, 4, 3),
        case(1, [8, 4], [13, 12], 5, 2, 2),
        case(1, [6, 5], [9, 23], 7, 1, 3),
        case(1, [2, 3], [2, 3], 7, 1, 3),
        case(2, [2, 3], [5, 4], 3, 3, 5),
        case(1, [40, 8], [64, 64], 3, 1, 1),
        case(1, [64, 64], [35, 55], 3, 1, 1),
        case(7, [17, 33], [29, 31], 3, 1, 1),
        case(1, [130, 20], [25, 37], 3, 1, 1),
        case(1, [130, 140], [21, 30], 3, 1, 1),
        case(2, [32, 32], [33, 53], 3, 1, 0),
        case(2, [80, 20], [12, 22], 3, 1, 0),
        case(3, [20, 40], [12, 13], 3, 1, 1),
        Case { kernel: [1, 5], ..case(2, [3, 4], [6, 9], 0, 1, 2) },
        case(0, [3, 4], [6, 9], 3, 1, 1),
    ]
}

/// Every case with both borders, with and without the ReLU.
fn all_options() -> impl Iterator<Item = Case> {
    let rules = [
        (Border::Zeros, false),
        (Border::Zeros, true),
        (Border::Replicate, false),
        (Border::Replicate, true),
    ];
    cases().into_iter().flat_map(move |case| {
        rules.map(|(border, relu)| Case { options: Conv2d { border, relu, ..case.options }, ..case })
    })
}

/// The arguments of one convolution.
struct Arguments {
    input: Var,
    weight: Var,
    bias: Var,
    residual: Var,
}

impl Arguments {
    fn random(case: &Case, place: &Place) -> Self {
        let mut rng = generator(1);
        let Case { images, channels: [channels_in, channels_out], size: [rows, columns], kernel, options } =
            *case;
        let size =
            |pixels: usize, kernel: usize| (pixels + 2 * options.padding - kernel) / options.stride + 1;
        let out = [images, channels_out, size(rows, kernel[0]), size(columns, kernel[1])];
        let mut draw = |dims: &[usize]| variable(&uniform(&mut rng, dims), place);
        Self {
            input: draw(&[images, channels_in, rows, columns]),
            weight: draw(&[channels_out, channels_in, kernel[0], kernel[1]]),
            bias: draw(&[channels_out]),
            residual: draw(&out),
        }
    }

    fn all(&self) -> [Var; 4] {
        [self.input.clone(), self.weight.clone(), self.bias.clone(), self.residual.clone()]
    }

    fn convolve(&self, options: Conv2d) -> Result<Tensor> {
        conv2d_residual(&self.input, &self.weight, Some(&self.bias), &self.residual, options)
    }

    fn convolve_by_reference(&self, options: Conv2d) -> Result<Tensor> {
        reference::conv2d_residual(&self.input, &self.weight, Some(&self.bias), &self.residual, options)
    }
}

#[test]
fn results_equal_the_oracle() {
    for case in all_options() {
        let exact = Arguments::random(&case, &Place::cpu(DType::F64));
        let expected = exact.convolve_by_reference(case.options).unwrap();
        for place in places() {
            let result = Arguments::random(&case, &place).convolve(case.options).unwrap();
            let error = relative_distance(&result, &expected);
            assert!(error <= place.tolerance(2e-6, 1e-14), "{case:?}: {error:e} at {place:?}");
        }
    }
}

#[test]
fn gradients_equal_the_oracle() {
    for case in all_options() {
        let exact = Arguments::random(&case, &Place::cpu(DType::F64));
        let out = exact.convolve_by_reference(case.options).unwrap();
        let direction = uniform(&mut generator(2), out.dims());
        let expected = (out * &direction).unwrap().sum_all().unwrap().backward().unwrap();
        for place in places() {
            let arguments = Arguments::random(&case, &place);
            let out = arguments.convolve(case.options).unwrap();
            let gradients = (out * at(&direction, &place)).unwrap().sum_all().unwrap().backward().unwrap();
            for (index, (variable, exact)) in arguments.all().iter().zip(exact.all()).enumerate() {
                let Some(expected) = expected.get(&exact) else {
                    assert_eq!(case.images, 0);
                    continue;
                };
                let error = relative_distance(gradients.get(variable).unwrap(), expected);
                let tolerance = place.tolerance(2e-5, 1e-13);
                assert!(error <= tolerance, "{case:?}: argument {index} is {error:e} off at {place:?}");
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let mut rng = generator(3);
    for case in all_options().filter(|case| case.images > 0 && !case.options.relu) {
        for place in places_of(DType::F64) {
            let arguments = Arguments::random(&case, &place);
            check_differences(&arguments.all(), &mut rng, || arguments.convolve(case.options));
        }
    }
}

#[test]
fn the_oracle_equals_finite_differences() {
    let mut rng = generator(4);
    for case in all_options().filter(|case| case.images > 0 && !case.options.relu && case.size[0] < 20) {
        let arguments = Arguments::random(&case, &Place::cpu(DType::F64));
        check_differences(&arguments.all(), &mut rng, || arguments.convolve_by_reference(case.options));
    }
}

/// Tensors in the file are named `<case>.<argument>`; the name of a case tells its options.
#[test]
fn results_and_gradients_equal_pytorch() {
    for place in places_of(DType::F32) {
        check_golden_cases(&place);
    }
}

fn check_golden_cases(place: &Place) {
    let golden = golden("conv2d");
    for (name, stride, padding, border, relu) in [
        ("gaze-stem", 1, 1, Border::Zeros, true),
        ("replicate", 1, 1, Border::Replicate, false),
        ("stride-2", 2, 1, Border::Zeros, true),
        ("stride-4", 4, 3, Border::Zeros, false),
        ("zero-activation", 1, 0, Border::Zeros, true),
    ] {
        let get = |part: &str| golden.get(&format!("{name}.{part}")).unwrap();
        let [input, weight, bias, residual] =
            ["input", "weight", "bias", "residual"].map(|part| variable(get(part), place));
        let options = Conv2d { stride, padding, border, relu };
        let out = conv2d_residual(&input, &weight, Some(&bias), &residual, options).unwrap();
        let tolerance = place.tolerance(1e-6, 0.0);
        let error = relative_distance(&out, get("out"));
        assert!(error < tolerance, "{name}: {error:e} at {place:?}");
        let gradients = (out * at(get("direction"), place)).unwrap().sum_all().unwrap().backward().unwrap();
        for (part, variable) in
            [("input", &input), ("weight", &weight), ("bias", &bias), ("residual", &residual)]
        {
            let error = relative_distance(gradients.get(variable).unwrap(), get(&format!("{part}.gradient")));
            assert!(error < tolerance, "{name}: the gradient of {part} is {error:e} off at {place:?}");
        }
    }
}

#[test]
fn gradients_are_computed_for_variables_alone() {
    for place in places_of(DType::F32) {
        check_gradients_of_variables_alone(&place);
    }
}

fn check_gradients_of_variables_alone(place: &Place) {
    let case = case(2, [3, 4], [6, 9], 3, 1, 1);
    let arguments = Arguments::random(&case, place);
    let constant = |variable: &Var| variable.as_detached_tensor();
    let out = conv2d(&constant(&arguments.input), &arguments.weight, None, case.options).unwrap();
    let gradients = out.sum_all().unwrap().backward().unwrap();
    let expected = conv2d(&arguments.input, &arguments.weight, None, case.options).unwrap();
    let expected = expected.sum_all().unwrap().backward().unwrap();
    let difference = relative_distance(
        gradients.get(&arguments.weight).unwrap(),
        expected.get(&arguments.weight).unwrap(),
    );
    assert_eq!(difference, 0.0);
    let frozen =
        conv2d(&constant(&arguments.input), &constant(&arguments.weight), None, case.options).unwrap();
    assert!(!frozen.track_op());
}

#[test]
fn views_are_read_in_their_order() {
    let mut rng = generator(5);
    let options = Conv2d { padding: 1, ..Conv2d::default() };
    let (wide, weight) = (uniform(&mut rng, &[2, 9, 6, 6]), uniform(&mut rng, &[3, 4, 3, 3]));
    let views = |place: &Place| {
        let input = at(&wide, place).narrow(1, 2, 3).unwrap().transpose(2, 3).unwrap();
        (input, at(&weight, place).transpose(0, 1).unwrap())
    };
    let (input, weight) = views(&Place::cpu(DType::F64));
    let expected = reference::conv2d(&input, &weight, None, options).unwrap();
    for place in places() {
        let (input, weight) = views(&place);
        let result = conv2d(&input, &weight, None, options).unwrap();
        assert!(relative_distance(&result, &expected) < place.tolerance(2e-6, 1e-14), "{place:?}");
    }
}

#[test]
fn half_precision_takes_the_composition() {
    let case = case(2, [3, 4], [6, 9], 3, 1, 1);
    let exact = Arguments::random(&case, &Place::cpu(DType::F64)).convolve(case.options).unwrap();
    for device in devices() {
        let place = Place { device: device.clone(), dtype: DType::BF16 };
        let half = Arguments::random(&case, &place).convolve(case.options).unwrap();
        assert_eq!(half.dtype(), DType::BF16);
        assert!(relative_distance(&half, &exact) < 2e-2, "{place:?}");
    }
}

#[test]
fn nan_is_not_hidden_by_the_relu() {
    let options = Conv2d { relu: true, ..Conv2d::default() };
    for device in devices() {
        let input = Tensor::new(&[f32::NAN, 1.0], device).unwrap().reshape((1, 1, 1, 2)).unwrap();
        let weight = Tensor::ones((1, 1, 1, 1), DType::F32, device).unwrap();
        for convolve in [conv2d, reference::conv2d] {
            let out = convolve(&input, &weight, None, options).unwrap();
            let values: Vec<f32> = out.flatten_all().unwrap().to_vec1().unwrap();
            assert!(values[0].is_nan(), "{device:?}");
            assert_eq!(values[1], 1.0, "{device:?}");
        }
    }
}

#[test]
fn arguments_that_do_not_fit_are_errors() {
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    let (input, weight) = (zeros(&[1, 3, 5, 5]), zeros(&[4, 3, 3, 3]));
    let plain = Conv2d::default();
    let message = |result: Result<Tensor>| result.unwrap_err().to_string();
    assert!(message(conv2d(&zeros(&[3, 5, 5]), &weight, None, plain)).contains("(N, C, H, W)"));
    assert!(message(conv2d(&zeros(&[1, 2, 5, 5]), &weight, None, plain)).contains("2 channels"));
    assert!(message(conv2d(&zeros(&[1, 3, 2, 5]), &weight, None, plain)).contains("does not fit"));
    assert!(message(conv2d(&zeros(&[1, 3, 0, 5]), &weight, None, plain)).contains("empty"));
    assert!(message(conv2d(&input, &weight, None, Conv2d { stride: 0, ..plain })).contains("stride"));
    assert!(message(conv2d(&input, &weight, None, Conv2d { padding: usize::MAX, ..plain })).contains("fit"));
    assert!(message(conv2d(&input, &weight, Some(&zeros(&[3])), plain)).contains("bias"));
    let double = weight.to_dtype(DType::F64).unwrap();
    assert!(message(conv2d(&input, &double, None, plain)).contains("F64"));
    let small = zeros(&[1, 4, 2, 3]);
    assert!(message(conv2d_residual(&input, &weight, None, &small, plain)).contains("residual"));
}
