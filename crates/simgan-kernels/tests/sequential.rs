//! Stages in one operation against the same stages one by one.
#![expect(clippy::unwrap_used, reason = "a failure in a helper fails the test that called it")]

mod common;

use candle_core::{DType, Device, Result, Tensor, Var};
use common::{generator, relative_distance, uniform, variable};
use simgan_kernels::{Border, Conv2d, Layer, MaxPool2d, Stage, conv2d, max_pool2d, sequential};

/// Images, and the weights and biases of the paper's discriminator with fewer features.
struct Arguments {
    images: Var,
    parameters: Vec<[Var; 2]>,
    border: Border,
}

const SIZES: [[usize; 3]; 4] = [[6, 2, 3], [17, 6, 3], [5, 17, 3], [2, 5, 1]];
const POOL: MaxPool2d = MaxPool2d { kernel: 3, stride: 1, padding: 1 };

impl Arguments {
    fn random(images: usize, size: [usize; 2], border: Border) -> Self {
        let mut rng = generator(1);
        let mut draw = |dims: &[usize]| variable(&uniform(&mut rng, dims), DType::F32);
        let images = draw(&[images, 2, size[0], size[1]]);
        let parameters = SIZES.map(|[n_out, n_in, k]| [draw(&[n_out, n_in, k, k]), draw(&[n_out])]).to_vec();
        Self { images, parameters, border }
    }

    fn options(&self, layer: usize) -> Conv2d {
        let (stride, padding) = [(2, 1), (2, 1), (1, 1), (1, 0)][layer];
        Conv2d { stride, padding, border: self.border, relu: layer < 3 }
    }

    fn at_once(&self) -> Result<Tensor> {
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

    /// The result, and the gradients of everything.
    fn all(&self, out: &Tensor) -> Vec<Tensor> {
        let direction = uniform(&mut generator(2), out.dims()).to_dtype(DType::F32).unwrap();
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
            let arguments = Arguments::random(images, size, border);
            let got = arguments.all(&arguments.at_once().unwrap());
            let expected = arguments.all(&arguments.one_by_one().unwrap());
            for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
                let error = relative_distance(got, expected);
                assert!(error < 1e-6, "{images} images of {size:?}: {index} is {error:e} off");
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let arguments = Arguments::random(37, [9, 11], Border::Zeros);
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

#[test]
fn several_passes_may_be_under_way() {
    let arguments = Arguments::random(3, [9, 11], Border::Zeros);
    let (first, second) = (arguments.at_once().unwrap(), arguments.at_once().unwrap());
    let expected = arguments.all(&second);
    for (a, b) in arguments.all(&first).iter().chain(&arguments.all(&first)).zip(expected.iter().cycle()) {
        assert_eq!(relative_distance(a, b), 0.0);
    }
}

#[test]
fn stages_that_do_not_fit_are_errors() {
    let images = Tensor::zeros((1, 2, 4, 4), DType::F32, &Device::Cpu).unwrap();
    let arguments = Arguments::random(1, [4, 4], Border::Zeros);
    let [weight, bias] = &arguments.parameters[1];
    let stage = Stage::Conv(Layer { weight, bias }, Conv2d::default());
    assert!(sequential(&images, &[stage]).unwrap_err().to_string().contains("2 channels"));
    assert!(sequential(&images, &[Stage::MaxPool(MaxPool2d { kernel: 9, stride: 1, padding: 0 })]).is_err());
    assert_eq!(sequential(&images, &[]).unwrap().dims(), images.dims());
}
