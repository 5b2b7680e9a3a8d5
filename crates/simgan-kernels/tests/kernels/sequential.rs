//! Stages in one operation against the stages run one by one.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use simgan_kernels::{
    Border, Conv2d, Layer, MaxPool2d, Precision, Stage, conv2d, max_pool2d, reference, sequential,
    sequential_in,
};

use crate::common::{
    Place, at, bf16_places, generator, has_bf16, places, places_of, relative_distance, uniform, variable,
};

/// Images, and the weights and biases of the paper's discriminator with fewer features.
struct Arguments {
    images: Var,
    parameters: Vec<[Var; 2]>,
    border: Border,
    place: Place,
}

const SIZES: [[usize; 3]; 4] = [[6, 2, 3], [17, 6, 3], [5, 17, 3], [2, 5, 1]];
const POOL: MaxPool2d = MaxPool2d { kernel: 3, stride: 1, padding: 1 };

impl Arguments {
    fn random(images: usize, size: [usize; 2], border: Border, place: &Place) -> Self {
        let mut rng = generator(1);
        let mut draw = |dims: &[usize]| variable(&uniform(&mut rng, dims), place);
        let images = draw(&[images, 2, size[0], size[1]]);
        let parameters = SIZES.map(|[n_out, n_in, k]| [draw(&[n_out, n_in, k, k]), draw(&[n_out])]).to_vec();
        Self { images, parameters, border, place: place.clone() }
    }

    fn options(&self, layer: usize) -> Conv2d {
        let (stride, padding) = [(2, 1), (2, 1), (1, 1), (1, 0)][layer];
        Conv2d { stride, padding, border: self.border, relu: layer < 3 }
    }

    fn at_once(&self) -> Result<Tensor> {
        self.run(sequential)
    }

    fn run(&self, sequential: fn(&Tensor, &[Stage<'_>]) -> Result<Tensor>) -> Result<Tensor> {
        let conv = |layer: usize| {
            let [weight, bias] = &self.parameters[layer];
            Stage::Conv(Layer { weight, bias }, self.options(layer))
        };
        sequential(&self.images, &[conv(0), conv(1), Stage::MaxPool(POOL), conv(2), conv(3)])
    }

    fn one_by_one(&self) -> Result<Tensor> {
        let conv = |input: &Tensor, layer: usize| {
            let [weight, bias] = &self.parameters[layer];
            conv2d(input, weight, Some(bias), self.options(layer))
        };
        let pooled = max_pool2d(&conv(&conv(&self.images, 0)?, 1)?, POOL)?;
        conv(&conv(&pooled, 2)?, 3)
    }

    /// Returns the result and the gradients of all arguments.
    fn all(&self, out: &Tensor) -> Vec<Tensor> {
        let direction = at(&uniform(&mut generator(2), out.dims()), &self.place);
        let gradients = (out * direction).unwrap().sum_all().unwrap().backward().unwrap();
        let variables = std::iter::once(&self.images).chain(self.parameters.as_flattened());
        let gradients = variables.map(|variable| gradients.get(variable).unwrap().clone());
        std::iter::once(out.clone()).chain(gradients).collect()
    }
}

#[test]
fn stages_at_once_equal_stages_one_by_one() {
    for (images, size) in [(1, [35, 55]), (7, [8, 13]), (2, [1, 9]), (33, [5, 5])] {
        for border in [Border::Zeros, Border::Replicate] {
            for place in places_of(DType::F32) {
                let arguments = Arguments::random(images, size, border, &place);
                let got = arguments.all(&arguments.at_once().unwrap());
                let expected = arguments.all(&arguments.one_by_one().unwrap());
                for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    let error = relative_distance(got, expected);
                    let tolerance = place.tolerance(1e-6, 0.0);
                    assert!(error < tolerance, "{images} images of {size:?}: {index} is {error:e} off");
                }
            }
        }
    }
}

/// Rounding may flip a ReLU or move a maximum, and with it a path of the gradient.
#[test]
fn results_and_gradients_equal_the_oracle() {
    for (images, size) in [(2, [35, 55]), (7, [8, 13]), (2, [1, 9]), (3, [5, 5])] {
        let run = |place: &Place, sequential| {
            let arguments = Arguments::random(images, size, Border::Replicate, place);
            arguments.all(&arguments.run(sequential).unwrap())
        };
        let expected = run(&Place::cpu(DType::F64), reference::sequential);
        for place in places() {
            for (index, (got, expected)) in run(&place, sequential).iter().zip(&expected).enumerate() {
                let tolerance =
                    if index == 0 { place.tolerance(2e-6, 1e-13) } else { place.tolerance(1e-2, 1e-12) };
                let error = relative_distance(got, expected);
                assert!(
                    error <= tolerance,
                    "{images} images of {size:?} at {place:?}: {index} is {error:e} off"
                );
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let arguments = Arguments::random(37, [9, 11], Border::Zeros, &Place::cpu(DType::F32));
            arguments.all(&arguments.at_once().unwrap())
        })
    };
    let expected = run(1);
    for threads in [2, 5] {
        for (a, b) in run(threads).iter().zip(&expected) {
            assert_eq!(relative_distance(a, b), 0.0, "{threads} threads");
        }
    }
}

/// Rounding turns a few ReLUs on or off and moves maxima, and with them paths of the gradient.
#[test]
fn in_bf16_results_and_gradients_are_near_the_oracle() {
    for place in bf16_places() {
        check_bf16(&place);
    }
}

fn check_bf16(place: &Place) {
    for (images, size) in [(2, [35, 55]), (7, [8, 13]), (2, [1, 9]), (3, [5, 5]), (1, [64, 40])] {
        let run = |place: &Place, sequential| {
            let arguments = Arguments::random(images, size, Border::Replicate, place);
            arguments.all(&arguments.run(sequential).unwrap())
        };
        let expected = run(&Place::cpu(DType::F64), reference::sequential);
        let single = run(place, sequential);
        let half = run(place, |images, stages| sequential_in(images, stages, Precision::Bf16));
        for (index, (got, expected)) in half.iter().zip(&expected).enumerate() {
            let (error, most) = (relative_distance(got, expected), if index == 0 { 0.01 } else { 0.2 });
            assert!(error < most, "{images} images of {size:?}: {index} is {error:e} off at {place:?}");
        }
        assert!(relative_distance(&half[0], &single[0]) > 1e-5, "computed in f32");
    }
}

#[test]
fn several_passes_may_be_under_way() {
    let arguments = Arguments::random(3, [9, 11], Border::Zeros, &Place::cpu(DType::F32));
    let (first, second) = (arguments.at_once().unwrap(), arguments.at_once().unwrap());
    let expected = arguments.all(&second);
    for (a, b) in arguments.all(&first).iter().chain(&arguments.all(&first)).zip(expected.iter().cycle()) {
        assert_eq!(relative_distance(a, b), 0.0);
    }
}

#[test]
fn stages_that_do_not_fit_are_errors() {
    let images = Tensor::zeros((1, 2, 4, 4), DType::F32, &Device::Cpu).unwrap();
    let arguments = Arguments::random(1, [4, 4], Border::Zeros, &Place::cpu(DType::F32));
    let [weight, bias] = &arguments.parameters[1];
    let stage = Stage::Conv(Layer { weight, bias }, Conv2d::default());
    assert!(sequential(&images, &[stage]).unwrap_err().to_string().contains("2 channels"));
    assert!(sequential(&images, &[Stage::MaxPool(MaxPool2d { kernel: 9, stride: 1, padding: 0 })]).is_err());
    assert_eq!(sequential(&images, &[]).unwrap().dims(), images.dims());
}

/// The result of one convolution, by the oracle if there is no precision, and the gradients of images, weights and bias.
fn convolved(
    [images, weight, bias]: &[Var; 3],
    options: Conv2d,
    precision: Option<Precision>,
    rng: &mut ChaCha8Rng,
    place: &Place,
) -> Vec<Tensor> {
    let stages = [Stage::Conv(Layer { weight, bias }, options)];
    let out = match precision {
        Some(precision) => sequential_in(images, &stages, precision),
        None => reference::sequential(images, &stages),
    };
    let out = out.unwrap();
    let direction = at(&uniform(rng, out.dims()), place);
    let gradients = (&out * direction).unwrap().sum_all().unwrap().backward().unwrap();
    let of = [images, weight, bias].map(|variable| gradients.get(variable).unwrap().clone());
    std::iter::once(out).chain(of).collect()
}

/// Convolutions of many channels, with and without a border and a ReLU, which have kernels of their own on tiles.
#[test]
fn in_bf16_wide_convolutions_are_near_the_oracle() {
    for (kernel, padding, border, relu) in
        [(3, 0, Border::Zeros, false), (3, 1, Border::Replicate, true), (5, 2, Border::Zeros, true)]
    {
        let run = |place: &Place, precision: Option<Precision>| {
            let mut rng = generator(4);
            let mut draw = |dims: &[usize]| uniform(&mut rng, dims);
            // Biases decide which results the ReLU keeps, so that rounding cannot.
            let signs: Vec<f64> = (0..17).map(|at| if at % 3 == 0 { -9.0 } else { 9.0 }).collect();
            let bias = (draw(&[17]) + Tensor::new(signs, &Device::Cpu).unwrap()).unwrap();
            let weight = (draw(&[17, 34, kernel, kernel]) * 0.1).unwrap();
            let [images, weight, bias] =
                [draw(&[3, 34, 19, 22]), weight, bias].map(|tensor| variable(&tensor, place));
            let options = Conv2d { stride: 1, padding, border, relu };
            convolved(&[images, weight, bias], options, precision, &mut rng, place)
        };
        let expected = run(&Place::cpu(DType::F64), None);
        for place in bf16_places().into_iter().filter(|place| place.device.is_cpu()) {
            let found = run(&place, Some(Precision::Bf16));
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let error = relative_distance(found, expected);
                assert!(error < 0.02, "{kernel}, {padding}, {border:?}, {relu}: {index} is {error:e} off");
            }
            assert!(relative_distance(&found[0], &expected[0]) > 1e-6, "computed in f32");
        }
    }
}

/// A 1×1 convolution of odd numbers of channels, whose last ones fill half a word.
#[test]
fn in_bf16_wide_pointwise_convolutions_are_near_the_oracle() {
    if !has_bf16() {
        return;
    }
    let (n_in, n_out) = (67, 65);
    let run = |place: &Place, precision: Option<Precision>| {
        let mut rng = generator(4);
        let mut draw = |dims: &[usize]| variable(&uniform(&mut rng, dims), place);
        let [images, weight, bias] = [draw(&[2, n_in, 9, 13]), draw(&[n_out, n_in, 1, 1]), draw(&[n_out])];
        convolved(&[images, weight, bias], Conv2d::default(), precision, &mut rng, place)
    };
    let expected = run(&Place::cpu(DType::F64), None);
    let found = run(&Place::cpu(DType::F32), Some(Precision::Bf16));
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let error = relative_distance(found, expected);
        assert!(error < 0.01, "{index} is {error:e} off");
    }
    assert!(relative_distance(&found[0], &expected[0]) > 1e-5, "computed in f32");
}
