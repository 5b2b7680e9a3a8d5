//! Graphs, batch normalisation and doubling against their oracles, finite differences and PyTorch.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, Var};
use simgan_kernels::{
    BatchNorm, Border, Conv2d, Layer, MaxPool2d, Node, Precision, batch_norm, graph, graph_in, reference,
    upsample2d,
};

use crate::common::differences::check_differences;
use crate::common::{
    Place, at, bf16_places, generator, golden, places, places_of, relative_distance, uniform, variable,
};

type Run = fn(&Tensor, &[Node<'_>], &[usize], bool) -> Result<Vec<Tensor>>;

/// The parameters of [`nodes`], and images.
struct Case {
    images: Var,
    /// Weight and bias of each convolution and normalisation.
    parameters: Vec<[Var; 2]>,
    running: [Tensor; 2],
}

/// Channels of the images, and of the results.
// 61 are a block of each size in which normalisations work.
const CHANNELS: [usize; 2] = [3, 61];

impl Case {
    /// The same numbers at every place.
    fn new(dims: &[usize], place: &Place) -> Self {
        let [few, many] = CHANNELS;
        let mut rng = generator(7);
        let mut draw = |dims: &[usize]| variable(&uniform(&mut rng, dims), place);
        let images = draw(dims);
        let shapes: [&[usize]; 6] = [
            &[many, few, 3, 3],
            &[many],
            &[many, many, 3, 3],
            &[many, many, 1, 1],
            &[many],
            &[2, many, 1, 1],
        ];
        let parameters = shapes.map(|shape| [draw(shape), draw(&shape[..1])]).into();
        let running = [draw(&[many]).detach(), (draw(&[many]).detach().sqr().unwrap() + 0.5).unwrap()];
        Self { images, parameters, running }
    }

    fn variables(&self) -> Vec<Var> {
        self.parameters.iter().flatten().chain([&self.images]).cloned().collect()
    }

    fn norm(&self, at: usize) -> BatchNorm<'_> {
        let [weight, bias] = &self.parameters[at];
        BatchNorm { weight, bias, running_mean: &self.running[0], running_var: &self.running[1] }
    }

    fn conv(&self, at: usize, input: usize, add: Option<usize>, relu: bool) -> Node<'_> {
        let [weight, bias] = &self.parameters[at];
        let padding = weight.dim(2).unwrap() / 2;
        let options = Conv2d { stride: 1, padding, border: Border::Zeros, relu };
        Node::Conv { input, layer: Layer { weight, bias }, options, add }
    }

    /// Values used twice, masked sums, and two results, one of which goes on being used.
    fn nodes(&self) -> [Node<'_>; 8] {
        let pool = MaxPool2d { kernel: 2, stride: 2, padding: 0 };
        [
            self.conv(0, 0, None, false),
            Node::BatchNorm { input: 1, norm: self.norm(1), relu: true },
            self.conv(2, 2, Some(1), true),
            Node::MaxPool { input: 3, options: pool },
            self.conv(3, 4, None, false),
            Node::Upsample { input: 5, add: Some(3) },
            Node::BatchNorm { input: 6, norm: self.norm(4), relu: false },
            self.conv(5, 6, None, false),
        ]
    }

    /// Returns the results 7 and 6 and the gradients of all variables.
    fn run(&self, run: Run, train: bool, place: &Place) -> (Vec<Tensor>, Vec<Tensor>) {
        let results = run(&self.images, &self.nodes(), &[8, 6, 7], train).unwrap();
        let mut rng = generator(8);
        let scores = results.iter().map(|result| {
            let direction = at(&uniform(&mut rng, result.dims()), place);
            (result * direction).unwrap().sum_all().unwrap()
        });
        let gradients = scores.reduce(|a, b| (a + b).unwrap()).unwrap().backward().unwrap();
        let gradients = self.variables().iter().map(|var| gradients.get(var).unwrap().clone()).collect();
        (results, gradients)
    }
}

#[test]
fn results_gradients_and_running_statistics_equal_the_oracle() {
    for (dims, train) in [([2, 3, 6, 10], true), ([2, 3, 6, 10], false), ([5, 3, 14, 8], true)] {
        let oracle = Place::cpu(DType::F64);
        let expected = Case::new(&dims, &oracle);
        let (results, gradients) = expected.run(reference::graph, train, &oracle);
        for place in places() {
            let found = Case::new(&dims, &place);
            let (our_results, our_gradients) = found.run(graph, train, &place);
            let ours = our_results.iter().chain(&our_gradients).chain(&found.running);
            let theirs = results.iter().chain(&gradients).chain(&expected.running);
            for (index, (found, expected)) in ours.zip(theirs).enumerate() {
                let error = relative_distance(found, expected);
                assert!(error < place.tolerance(2e-5, 1e-11), "{dims:?}, {index} at {place:?}: {error:e}");
            }
        }
    }
}

#[test]
fn in_bf16_on_a_gpu_results_and_gradients_are_near_the_oracle() {
    let (dims, oracle) = ([5, 3, 14, 8], Place::cpu(DType::F64));
    let (results, gradients) = Case::new(&dims, &oracle).run(reference::graph, true, &oracle);
    for place in bf16_places().into_iter().filter(|place| !place.device.is_cpu()) {
        let in_bf16: Run =
            |images, nodes, results, train| graph_in(images, nodes, results, train, Precision::Bf16);
        let (our_results, our_gradients) = Case::new(&dims, &place).run(in_bf16, true, &place);
        for (index, (found, expected)) in our_results.iter().zip(&results).enumerate() {
            let error = relative_distance(found, expected);
            assert!((1e-5..0.02).contains(&error), "result {index} at {place:?}: {error:e}");
        }
        for (index, (found, expected)) in our_gradients.iter().zip(&gradients).enumerate() {
            let error = relative_distance(found, expected);
            assert!(error < 0.2, "gradient {index} at {place:?}: {error:e}");
        }
    }
}

#[test]
fn without_gradients_values_share_memory_and_the_results_are_the_same() {
    let case = Case::new(&[3, 3, 6, 10], &Place::cpu(DType::F32));
    let kept = graph(&case.images, &case.nodes(), &[8, 6], false).unwrap();
    let parameters = case
        .parameters
        .iter()
        .map(|pair| pair.each_ref().map(|var| Var::from_tensor(&var.detach()).unwrap()));
    let frozen =
        Case { images: case.images.clone(), parameters: parameters.collect(), running: case.running.clone() };
    let detached: Vec<_> =
        frozen.parameters.iter().map(|pair| pair.each_ref().map(Var::as_detached_tensor)).collect();
    let nodes = frozen.nodes();
    let mut conv = 0;
    let nodes = nodes.map(|node| match node {
        Node::Conv { input, options, add, .. } => {
            let [weight, bias] = &detached[[0, 2, 3, 5][conv]];
            conv += 1;
            Node::Conv { input, layer: Layer { weight, bias }, options, add }
        }
        Node::BatchNorm { input, relu, norm } => {
            let [weight, bias] = &detached[if input == 1 { 1 } else { 4 }];
            Node::BatchNorm { input, relu, norm: BatchNorm { weight, bias, ..norm } }
        }
        other => other,
    });
    let shared = graph(&case.images.as_detached_tensor(), &nodes, &[8, 6], false).unwrap();
    for (kept, shared) in kept.iter().zip(&shared) {
        assert!(!shared.track_op());
        assert_eq!(relative_distance(shared, kept), 0.0);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let place = Place::cpu(DType::F32);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Case::new(&[5, 3, 14, 8], &place).run(graph, true, &place))
    };
    let (results, gradients) = run(1);
    for threads in [2, 3] {
        let (other_results, other_gradients) = run(threads);
        let pairs = results.iter().chain(&gradients).zip(other_results.iter().chain(&other_gradients));
        for (one, other) in pairs {
            assert_eq!(relative_distance(other, one), 0.0, "{threads} threads");
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    for place in places_of(DType::F64) {
        let case = Case::new(&[2, 3, 4, 6], &place);
        let mut rng = generator(3);
        check_differences(&case.variables(), &mut rng, || {
            let results = graph(&case.images, &case.nodes(), &[8, 7], true)?;
            Tensor::cat(&[results[0].flatten_all()?, results[1].flatten_all()?], 0)
        });
    }
}

#[test]
fn a_large_mean_leaves_the_variance_its_digits() {
    let place = Place::cpu(DType::F32);
    let case = Case::new(&[2, 3, 4, 6], &place);
    let input = (uniform(&mut generator(5), &[3, 61, 11, 13]) + 300.0).unwrap();
    let input = at(&input, &place);
    let oracle = Case::new(&[2, 3, 4, 6], &Place::cpu(DType::F64));
    let double = input.to_dtype(DType::F64).unwrap();
    let expected = reference::batch_norm(&double, oracle.norm(1), false, true).unwrap();
    let found = batch_norm(&input, case.norm(1), false, true).unwrap();
    assert!(relative_distance(&found, &expected) < 1e-4);
    assert!(relative_distance(&case.running[1], &oracle.running[1]) < 1e-6);
}

#[test]
fn results_and_gradients_equal_pytorch() {
    for place in places_of(DType::F32) {
        let golden = golden("batch_norm");
        for relu in [false, true] {
            for train in [false, true] {
                check_norm(&golden, relu, train, &place);
            }
        }
        let input = variable(&golden["upsample.input"], &place);
        let out = upsample2d(&input).unwrap();
        assert_eq!(relative_distance(&out, &golden["upsample.out"]), 0.0);
        let score = (out * at(&golden["upsample.direction"], &place)).unwrap().sum_all().unwrap();
        let gradients = score.backward().unwrap();
        assert!(relative_distance(gradients.get(&input).unwrap(), &golden["upsample.gradient"]) < 1e-6);
    }
}

fn check_norm(golden: &HashMap<String, Tensor>, relu: bool, train: bool, place: &Place) {
    let get = |part: &str| &golden[&format!("{relu}-{train}.{part}").to_lowercase()];
    let [input, weight, bias] = ["input", "weight", "bias"].map(|name| variable(get(name), place));
    let [running_mean, running_var] =
        ["running_mean", "running_var"].map(|name| variable(get(name), place).detach());
    let norm =
        BatchNorm { weight: &weight, bias: &bias, running_mean: &running_mean, running_var: &running_var };
    let out = batch_norm(&input, norm, relu, train).unwrap();
    let gradients = (&out * at(get("direction"), place)).unwrap().sum_all().unwrap().backward().unwrap();
    let check = |name: &str, found: &Tensor| {
        let error = relative_distance(found, get(name));
        assert!(error < place.tolerance(2e-6, 0.0), "{name}, {relu} {train} at {place:?}: {error:e}");
    };
    check("out", &out);
    for (name, var) in [("input", &input), ("weight", &weight), ("bias", &bias)] {
        check(&format!("{name}.gradient"), gradients.get(var).unwrap());
    }
    check("running_mean.after", &running_mean);
    check("running_var.after", &running_var);
}

#[test]
fn arguments_that_do_not_fit_are_errors() {
    let place = Place::cpu(DType::F32);
    let case = Case::new(&[1, 3, 4, 6], &place);
    for dtype in [DType::F32, DType::F64] {
        let images = case.images.to_dtype(dtype).unwrap();
        let run = |node: Node<'_>| graph(&images, &[node], &[1], true);
        assert!(run(case.conv(0, 1, None, false)).is_err(), "its own result");
        assert!(run(case.conv(0, 0, Some(0), false)).is_err(), "another shape");
        assert!(run(Node::Upsample { input: 0, add: Some(0) }).is_err(), "another shape");
        assert!(run(Node::BatchNorm { input: 0, norm: case.norm(1), relu: false }).is_err(), "channels");
        assert!(graph(&images, &[Node::Upsample { input: 0, add: None }], &[2], true).is_err());
        assert!(upsample2d(&images.squeeze(0).unwrap()).is_err());
    }
    let one = Tensor::zeros((1, 61, 1, 1), DType::F32, &Device::Cpu).unwrap();
    assert!(batch_norm(&one, case.norm(1), false, true).is_err(), "no variance");
    assert!(batch_norm(&one, case.norm(1), false, false).is_ok());
}
