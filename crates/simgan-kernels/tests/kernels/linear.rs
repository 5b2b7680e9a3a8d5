//! Fully connected layers against their oracle and finite differences.

use candle_core::{DType, Device, Result, Tensor, Var};
use simgan_kernels::{Precision, linear_in, reference};

use crate::common::differences::check_differences;
use crate::common::{
    Place, at, bf16_places, generator, golden, has_bf16, places, places_of, relative_distance, uniform,
    variable,
};

/// Items of the batch, inputs and outputs: few and many, odd ones, and more than are taken at a time.
const CASES: [[usize; 3]; 6] =
    [[1, 70, 64], [3, 131, 65], [17, 520, 33], [64, 1100, 130], [33, 64, 600], [5, 6, 7]];

/// Input, weight and bias. Biases decide which outputs the ReLU keeps, so that rounding cannot.
fn arguments([n, inputs, outputs]: [usize; 3], place: &Place) -> [Var; 3] {
    let mut rng = generator(1);
    let input = uniform(&mut rng, &[n, inputs]);
    let weight = (uniform(&mut rng, &[outputs, inputs]) * (1.0 / inputs as f64)).unwrap();
    let signs: Vec<f64> = (0..outputs).map(|at| if at % 3 == 0 { -2.0 } else { 2.0 }).collect();
    let bias = (uniform(&mut rng, &[outputs]) + Tensor::new(signs, &Device::Cpu).unwrap()).unwrap();
    [input, weight, bias].map(|tensor| variable(&tensor, place))
}

/// The result and the gradients of input, weight and bias.
fn run(case: [usize; 3], place: &Place, f: impl Fn(&[Var; 3]) -> Result<Tensor>) -> Vec<Tensor> {
    let arguments = arguments(case, place);
    let out = f(&arguments).unwrap();
    let direction = at(&uniform(&mut generator(2), out.dims()), place);
    let gradients = (&out * direction).unwrap().sum_all().unwrap().backward().unwrap();
    let of_arguments = arguments.iter().map(|argument| gradients.get(argument).unwrap().clone());
    std::iter::once(out).chain(of_arguments).collect()
}

fn largest_error(found: &[Tensor], expected: &[Tensor]) -> f64 {
    found.iter().zip(expected).map(|(found, expected)| relative_distance(found, expected)).fold(0.0, f64::max)
}

#[test]
fn results_and_gradients_equal_the_oracle() {
    for case in CASES {
        for relu in [false, true] {
            let oracle = |[input, weight, bias]: &[Var; 3]| reference::linear(input, weight, bias, relu);
            let expected = run(case, &Place::cpu(DType::F64), oracle);
            for place in places() {
                let found = run(case, &place, |[input, weight, bias]| {
                    linear_in(input, weight, bias, relu, Precision::F32)
                });
                let error = largest_error(&found, &expected);
                assert!(error < place.tolerance(2e-6, 1e-13), "{case:?}, {relu}: {error:e} at {place:?}");
            }
        }
    }
}

#[test]
fn results_and_gradients_equal_pytorch() {
    let golden = golden("linear");
    for place in places_of(DType::F32) {
        for relu in [false, true] {
            let get = |part: &str| golden.get(&format!("{relu}.{part}")).unwrap();
            let arguments = ["input", "weight", "bias"].map(|name| variable(get(name), &place));
            let [input, weight, bias] = &arguments;
            let out = linear_in(input, weight, bias, relu, Precision::F32).unwrap();
            assert!(relative_distance(&out, get("out")) < place.tolerance(1e-6, 0.0), "{relu} at {place:?}");
            let gradients =
                (out * at(get("direction"), &place)).unwrap().sum_all().unwrap().backward().unwrap();
            for (name, argument) in ["input", "weight", "bias"].iter().zip(&arguments) {
                let expected = get(&format!("{name}.gradient"));
                let error = relative_distance(gradients.get(argument).unwrap(), expected);
                assert!(error < place.tolerance(1e-6, 0.0), "{relu}, {name} at {place:?}: {error:e}");
            }
        }
    }
}

#[test]
fn the_oracles_gradients_equal_finite_differences() {
    let mut rng = generator(3);
    let arguments = arguments([3, 7, 5], &Place::cpu(DType::F64));
    let [input, weight, bias] = &arguments;
    check_differences(&arguments, &mut rng, || reference::linear(input, weight, bias, true));
}

#[test]
fn in_bf16_results_and_gradients_are_near_the_oracle() {
    for case in CASES {
        let oracle = |[input, weight, bias]: &[Var; 3]| reference::linear(input, weight, bias, true);
        let expected = run(case, &Place::cpu(DType::F64), oracle);
        for place in bf16_places().into_iter().filter(|place| place.device.is_cpu()) {
            let found = run(case, &place, |[input, weight, bias]| {
                linear_in(input, weight, bias, true, Precision::Bf16)
            });
            let error = largest_error(&found, &expected);
            assert!(error < 0.01, "{case:?}: {error:e}");
            let is_rounded = case[1] * case[2] >= 4096;
            assert!(!is_rounded || error > 1e-5, "{case:?} was computed in f32: {error:e}");
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let of = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            run([17, 1100, 130], &Place::cpu(DType::F32), |[input, weight, bias]| {
                linear_in(input, weight, bias, true, Precision::F32)
            })
        })
    };
    let expected = of(1);
    for threads in [2, 3] {
        assert_eq!(largest_error(&of(threads), &expected), 0.0, "{threads} threads");
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let tensor = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    for (input, weight, bias) in [([2, 3], [4, 5], [4]), ([2, 3], [4, 3], [3])] {
        let error =
            linear_in(&tensor(&input), &tensor(&weight), &tensor(&bias), false, Precision::F32).unwrap_err();
        assert!(error.to_string().contains("fully connected"), "{error}");
    }
    if has_bf16() {
        let double = |dims: &[usize]| Tensor::zeros(dims, DType::F64, &Device::Cpu).unwrap();
        let error =
            linear_in(&double(&[2, 3]), &double(&[4, 3]), &double(&[4]), false, Precision::Bf16).unwrap_err();
        assert!(error.to_string().contains("bf16"), "{error}");
    }
    let none =
        linear_in(&tensor(&[0, 70]), &tensor(&[64, 70]), &tensor(&[64]), true, Precision::F32).unwrap();
    assert_eq!(none.dims(), [0, 64]);
}
