//! The fused refiner against its oracle.

mod bf16;

use candle_core::{DType, Device, Result, Tensor, Var};
use simgan_kernels::{Border, Layer, Precision, RefinerLayers, reference, refiner, refiner_in};

use crate::common::differences::check_differences;
use crate::common::{Place, at, generator, places, places_of, relative_distance, uniform, variable};

#[derive(Clone, Copy, Debug)]
struct Case {
    images: usize,
    /// Planes that follow those of the image in the input.
    noise: usize,
    channels: usize,
    size: [usize; 2],
    features: usize,
    stem: usize,
    blocks: usize,
    border: Border,
}

fn cases() -> Vec<Case> {
    let with_noise = |noise, images, channels, size, features, stem, blocks| {
        [Border::Zeros, Border::Replicate].map(|border| Case {
            images,
            noise,
            channels,
            size,
            features,
            stem,
            blocks,
            border,
        })
    };
    let case = |images, channels, size, features, stem, blocks| {
        with_noise(0, images, channels, size, features, stem, blocks)
    };
    [
        case(1, 1, [35, 55], 64, 3, 4),
        case(1, 1, [36, 60], 64, 3, 4),
        case(1, 3, [16, 16], 16, 3, 2),
        case(7, 1, [13, 11], 17, 3, 2),
        case(7, 2, [1, 19], 5, 5, 1),
        case(1, 1, [23, 1], 33, 7, 1),
        case(1, 1, [7, 31], 130, 7, 1),
        case(3, 3, [5, 4], 1, 1, 3),
        case(2, 1, [9, 9], 8, 3, 0),
        case(19, 1, [6, 5], 3, 3, 1),
        with_noise(1, 1, 1, [35, 55], 32, 3, 3),
        with_noise(4, 19, 1, [13, 11], 17, 3, 2),
        with_noise(2, 3, 3, [1, 19], 5, 5, 1),
        with_noise(3, 2, 1, [5, 4], 1, 1, 0),
    ]
    .concat()
}

/// Images, and the weight and bias of each layer.
struct Arguments {
    images: Var,
    parameters: Vec<[Var; 2]>,
}

impl Arguments {
    /// If `decided`, biases outweigh everything else, so that rounding cannot turn a ReLU on or off: half of
    /// the features are always on.
    fn random(case: &Case, place: &Place, decided: bool) -> Self {
        let mut rng = generator(1);
        let Case { images, noise, channels, size: [height, width], features, stem, blocks, .. } = *case;
        let mut draw = |dims: &[usize]| uniform(&mut rng, dims);
        let input = draw(&[images, channels + noise, height, width]);
        let mut layer = |[n_out, n_in, k]: [usize; 3], hidden: bool| {
            let scale = (3.0 / (n_in * k * k) as f64).sqrt();
            let scale = if decided { scale * 0.1 } else { scale };
            let weight = (draw(&[n_out, n_in, k, k]) * scale).unwrap();
            let mut bias = (draw(&[n_out]) * 0.1).unwrap();
            if decided && hidden {
                let sides: Vec<f64> = (0..n_out).map(|i| if i % 2 == 0 { 8.0 } else { -60.0 }).collect();
                bias = (bias + Tensor::new(sides, &Device::Cpu).unwrap()).unwrap();
            }
            [variable(&weight, place), variable(&bias, place)]
        };
        let mut parameters = vec![layer([features, channels + noise, stem], true)];
        parameters.extend((0..2 * blocks).map(|_| layer([features, features, 3], true)));
        parameters.push(layer([channels, features, 1], false));
        Self { images: variable(&input, place), parameters }
    }

    fn run(
        &self,
        border: Border,
        f: impl Fn(&Tensor, &RefinerLayers<'_>, Border) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let layers: Vec<Layer<'_>> =
            self.parameters.iter().map(|[weight, bias]| Layer { weight, bias }).collect();
        let blocks = layers[1..layers.len() - 1].chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
        f(&self.images, &RefinerLayers { stem: layers[0], blocks, head: layers[layers.len() - 1] }, border)
    }

    /// Runs without gradients, as in refining images.
    fn infer(&self, border: Border, precision: Precision) -> Result<Tensor> {
        let parameters: Vec<[Tensor; 2]> =
            self.parameters.iter().map(|layer| layer.each_ref().map(|variable| variable.detach())).collect();
        let layers: Vec<Layer<'_>> = parameters.iter().map(|[weight, bias]| Layer { weight, bias }).collect();
        let blocks = layers[1..layers.len() - 1].chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
        let layers = RefinerLayers { stem: layers[0], blocks, head: layers[layers.len() - 1] };
        refiner_in(&self.images.detach(), &layers, border, precision)
    }

    fn all(&self) -> Vec<Var> {
        let parameters = self.parameters.as_flattened().iter();
        std::iter::once(&self.images).chain(parameters).cloned().collect()
    }
}

#[test]
fn results_equal_the_oracle() {
    for case in cases() {
        let exact = Arguments::random(&case, &Place::cpu(DType::F64), false);
        let expected = exact.run(case.border, reference::refiner).unwrap();
        // The sums of the head cancel, so errors weigh twice as much as in the feature maps.
        for place in places() {
            let out = Arguments::random(&case, &place, false).run(case.border, refiner).unwrap();
            let error = relative_distance(&out, &expected);
            assert!(error <= place.tolerance(4e-6, 1e-13), "{case:?}: {error:e} at {place:?}");
        }
    }
}

/// With a multiple of the identity as its head, a refiner outputs its last feature maps.
#[test]
fn feature_maps_equal_the_oracle() {
    for border in [Border::Zeros, Border::Replicate] {
        // Sizes whose cheapest tiles differ.
        let sizes = [
            (1, [35, 55], 64),
            (1, [36, 60], 64),
            (7, [17, 13], 24),
            (1, [32, 32], 48),
            (1, [28, 35], 130),
            (7, [1, 31], 16),
            (2, [29, 1], 33),
            (1, [14, 18], 1),
        ];
        for (images, size, features) in sizes {
            let case =
                Case { images, noise: 0, channels: features, size, features, stem: 3, blocks: 4, border };
            let expected = feature_maps(&case, &Place::cpu(DType::F64), reference::refiner);
            for place in places_of(DType::F32) {
                let error = relative_distance(&feature_maps(&case, &place, refiner), &expected);
                assert!(error <= place.tolerance(2e-6, 0.0), "{case:?}: {error:e} at {place:?}");
            }
        }
    }
}

type Refine = fn(&Tensor, &RefinerLayers<'_>, Border) -> Result<Tensor>;

/// Returns the tanh of the last feature maps, scaled down so that tanh hardly bends them.
fn feature_maps(case: &Case, place: &Place, refine: Refine) -> Tensor {
    let mut arguments = Arguments::random(case, place, false);
    let identity = (Tensor::eye(case.features, DType::F64, &Device::Cpu).unwrap() * 0.05).unwrap();
    let identity = identity.reshape((case.features, case.features, 1, 1)).unwrap();
    let zeros = Tensor::zeros(case.features, DType::F64, &Device::Cpu).unwrap();
    *arguments.parameters.last_mut().unwrap() = [variable(&identity, place), variable(&zeros, place)];
    arguments.run(case.border, refine).unwrap()
}

/// Returns the gradients of all arguments.
fn gradients(case: &Case, place: &Place, decided: bool, refine: Refine) -> Vec<Tensor> {
    let arguments = Arguments::random(case, place, decided);
    let out = arguments.run(case.border, refine).unwrap();
    let direction = at(&uniform(&mut generator(2), out.dims()), place);
    let gradients = (out * direction).unwrap().sum_all().unwrap().backward().unwrap();
    arguments.all().iter().map(|variable| gradients.get(variable).unwrap().clone()).collect()
}

/// Compares the gradients in `f32` with the oracle's, on every device.
fn check_gradients(decided: bool, tolerance: f64) {
    for case in cases() {
        let expected = gradients(&case, &Place::cpu(DType::F64), decided, reference::refiner);
        for place in places_of(DType::F32) {
            let found = gradients(&case, &place, decided, refiner);
            let errors =
                found.iter().zip(&expected).map(|(found, expected)| relative_distance(found, expected));
            let error = errors.fold(0.0, f64::max);
            assert!(error <= place.tolerance(tolerance, 0.0), "{case:?}: {error:e} at {place:?}");
        }
    }
}

#[test]
fn gradients_equal_the_oracle() {
    check_gradients(true, 2e-5);
}

/// Where a sum is close to zero, `f32` and `f64` may disagree on its sign, and then on a whole path of the
/// gradient.
#[test]
fn gradients_through_undecided_relus_are_near_the_oracle() {
    check_gradients(false, 1e-2);
}

#[test]
fn other_networks_are_composed_and_differentiate_right() {
    let case = Case {
        images: 2,
        noise: 1,
        channels: 2,
        size: [5, 6],
        features: 3,
        stem: 3,
        blocks: 1,
        border: Border::Replicate,
    };
    for place in places_of(DType::F64) {
        let arguments = Arguments::random(&case, &place, true);
        check_differences(&arguments.all(), &mut generator(3), || arguments.run(case.border, refiner));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let case = Case {
        images: 37,
        noise: 3,
        channels: 1,
        size: [9, 11],
        features: 16,
        stem: 3,
        blocks: 1,
        border: Border::Zeros,
    };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let arguments = Arguments::random(&case, &Place::cpu(DType::F32), false);
            let out = arguments.run(case.border, refiner).unwrap();
            let gradients = out.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let mut all = vec![out];
            all.extend(arguments.all().iter().map(|variable| gradients.get(variable).unwrap().clone()));
            all
        })
    };
    let expected = run(1);
    for threads in [2, 3, 8] {
        for (a, b) in run(threads).iter().zip(&expected) {
            assert_eq!(relative_distance(a, b), 0.0, "{threads} threads");
        }
    }
}

/// With fewer images than threads, each image is spread over the threads.
#[test]
fn one_image_is_the_same_on_any_number_of_threads() {
    let case = Case {
        images: 1,
        noise: 1,
        channels: 2,
        size: [37, 23],
        features: 19,
        stem: 3,
        blocks: 2,
        border: Border::Replicate,
    };
    let arguments = Arguments::random(&case, &Place::cpu(DType::F32), false);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| arguments.infer(case.border, Precision::F32))
    };
    let expected = arguments.run(case.border, refiner).unwrap();
    for threads in [1, 2, 5] {
        assert_eq!(relative_distance(&run(threads).unwrap(), &expected), 0.0, "{threads} threads");
    }
}

#[test]
fn a_second_backward_pass_gives_the_same() {
    let case = cases()[2];
    let arguments = Arguments::random(&case, &Place::cpu(DType::F32), false);
    let loss = arguments.run(case.border, refiner).unwrap().sum_all().unwrap();
    let (first, second) = (loss.backward().unwrap(), loss.backward().unwrap());
    for variable in arguments.all() {
        assert_eq!(relative_distance(second.get(&variable).unwrap(), first.get(&variable).unwrap()), 0.0);
    }
}

#[test]
fn parameters_that_do_not_fit_are_errors() {
    let mut arguments = Arguments::random(&cases()[2], &Place::cpu(DType::F32), false);
    arguments.parameters[1][1] =
        variable(&Tensor::zeros(3, DType::F64, &Device::Cpu).unwrap(), &Place::cpu(DType::F32));
    assert!(arguments.run(Border::Zeros, refiner).unwrap_err().to_string().contains("block"));
    arguments = Arguments::random(&cases()[2], &Place::cpu(DType::F32), false);
    arguments.parameters[0] =
        arguments.parameters[0].clone().map(|var| variable(&var, &Place::cpu(DType::F64)));
    assert!(arguments.run(Border::Zeros, refiner).is_err());
}
