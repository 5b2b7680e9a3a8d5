//! Each instruction set, tile size, border and padding against loops in `f64`.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::geometry::Border;
use crate::precision::Precision;
use crate::simd::{BLOCK, Isa, run};

/// One image with its filters, bias and gradient; channels are not padded.
struct Problem {
    size: [usize; 2],
    size_out: [usize; 2],
    channels: [usize; 2],
    border: Border,
    padding: usize,
    image: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    gradient: Vec<f64>,
}

impl Problem {
    fn random(size: [usize; 2], channels: [usize; 2], border: Border, padding: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut draw = |count: usize| -> Vec<f64> {
            (0..count).map(|_| f64::from(rng.random_range(-1.0f32..1.0))).collect()
        };
        let size_out = size.map(|pixels| pixels + 2 * padding - 2);
        Self {
            size,
            size_out,
            channels,
            border,
            padding,
            image: draw(size[0] * size[1] * channels[0]),
            weight: draw(channels[0] * channels[1] * 9),
            bias: draw(channels[1]),
            gradient: draw(size_out[0] * size_out[1] * channels[1]),
        }
    }

    /// Calls `f` with the places of all products: in the result, the image (none for a zero) and the weights.
    fn each_product(&self, mut f: impl FnMut(usize, Option<usize>, usize)) {
        let ([height, width], [n_in, n_out]) = (self.size, self.channels);
        let source =
            |at: usize, tap: usize, size: usize| match (self.border, (at + tap).checked_sub(self.padding)) {
                (_, Some(at)) if at < size => Some(at),
                (Border::Zeros, _) => None,
                (Border::Replicate, at) => Some(at.unwrap_or(0).min(size - 1)),
            };
        for y in 0..self.size_out[0] {
            for x in 0..self.size_out[1] {
                for tap in 0..9 {
                    let pixel =
                        source(y, tap / 3, height).zip(source(x, tap % 3, width)).map(|(y, x)| y * width + x);
                    for out in 0..n_out {
                        for input in 0..n_in {
                            let image = pixel.map(|pixel| pixel * n_in + input);
                            let result = (y * self.size_out[1] + x) * n_out + out;
                            f(result, image, (out * n_in + input) * 9 + tap);
                        }
                    }
                }
            }
        }
    }

    fn forward(&self) -> Vec<f64> {
        let mut out = self.bias.repeat(self.size_out[0] * self.size_out[1]);
        self.each_product(|result, image, weight| {
            out[result] += image.map_or(0.0, |image| self.image[image]) * self.weight[weight];
        });
        out
    }

    /// Gradients of the image, the weights and the bias.
    fn backward(&self) -> [Vec<f64>; 3] {
        let mut of_image = vec![0.0; self.image.len()];
        let mut of_weight = vec![0.0; self.weight.len()];
        self.each_product(|result, image, weight| {
            if let Some(image) = image {
                of_image[image] += self.gradient[result] * self.weight[weight];
                of_weight[weight] += self.gradient[result] * self.image[image];
            }
        });
        let of_bias = (0..self.channels[1])
            .map(|channel| self.gradient.iter().skip(channel).step_by(self.channels[1]).sum());
        [of_image, of_weight, of_bias.collect()]
    }
}

/// Converts to the layout of the kernels: `f32`, channels padded with zeros.
fn padded_channels(values: &[f64], channels: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for pixel in values.chunks(channels) {
        out.extend(pixel.iter().map(|&value| value as f32));
        out.resize(out.len().next_multiple_of(BLOCK), 0.0);
    }
    out
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn error(got: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let square = |x: f64| x * x;
    let distance: f64 = got.iter().zip(expected).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let length: f64 = expected.iter().map(|&b| square(f64::from(b))).sum();
    (distance / length).sqrt()
}

/// The error accepted of an instruction set, given that of `f32`: numbers of bf16 have 16 bits less.
fn tolerance(isa: Isa, plan: &Plan, single: f64) -> f64 {
    match isa.precision() {
        Precision::F32 => single,
        Precision::Bf16 => 0.002 * plan.magnification(),
    }
}

/// Every size, border, padding, tile and instruction set.
fn each_case(mut check: impl FnMut(&Problem, Plan, Isa)) {
    let sizes = [[1, 1], [1, 7], [9, 1], [5, 5], [7, 13], [10, 11], [4, 16]];
    for (size, channels) in
        sizes.into_iter().zip([[3, 5], [16, 1], [1, 130], [17, 16], [5, 33], [48, 20], [2, 2]])
    {
        for (border, padding) in [(Border::Zeros, 1), (Border::Replicate, 1), (Border::Replicate, 0)] {
            if padding == 0 && size.iter().any(|&pixels| pixels < 3) {
                continue;
            }
            let problem = Problem::random(size, channels, border, padding);
            for tile in Plan::tiles([1, 1], Precision::F32) {
                let plan = Plan::with_tile(tile, size, channels, border).with_padding(padding);
                for isa in Isa::available().into_iter().chain(Isa::of(Precision::Bf16)) {
                    check(&problem, plan, isa);
                }
            }
        }
    }
}

#[test]
fn forward_equals_loops() {
    each_case(|problem, plan, isa| {
        let weight = single(&problem.weight);
        let shape = [problem.channels[1], problem.channels[0]];
        let mut filters = vec![f32::NAN; plan.filters()];
        let out = &mut filters;
        run(isa, Filters { plan: &plan, weight: &weight, shape, direction: Direction::Forward, out });
        let image = padded_channels(&problem.image, problem.channels[0]);
        let bias = padded_channels(&problem.bias, problem.channels[1]);
        let mut out = vec![f32::NAN; plan.image_out()];
        let finish = Finish { bias: &bias, residual: Residual::None, relu: false };
        let mut scratch = Scratch::default();
        run(
            isa,
            Forward {
                plan: &plan,
                image: &image,
                filters: &filters,
                finish,
                rows: 0..plan.tiles[0],
                out: &mut out,
                scratch: &mut scratch,
            },
        );
        let exact = padded_channels(&problem.forward(), problem.channels[1]);
        let error = error(&out, &exact);
        // Up to twice the error of a refiner's last feature map, since these numbers are of both signs.
        assert!(error < tolerance(isa, &plan, 4e-6), "{plan:?} on {}: {error:e}", isa.name());

        let residual: Vec<f32> = exact.iter().map(|x| x.sin()).collect();
        let finish = Finish { bias: &bias, residual: Residual::Of(&residual), relu: true };
        let mut finished = vec![f32::NAN; plan.image_out()];
        let out_again = &mut finished;
        run(
            isa,
            Forward {
                plan: &plan,
                image: &image,
                filters: &filters,
                finish,
                rows: 0..plan.tiles[0],
                out: out_again,
                scratch: &mut scratch,
            },
        );
        let expected: Vec<f32> = out.iter().zip(&residual).map(|(x, r)| (x + r).max(0.0)).collect();
        assert_eq!(finished, expected, "{plan:?} on {}", isa.name());
    });
}

#[test]
fn backward_equals_loops() {
    each_case(|problem, plan, isa| {
        let weight = single(&problem.weight);
        let shape = [problem.channels[1], problem.channels[0]];
        let mut filters = vec![f32::NAN; plan.filters()];
        let out = &mut filters;
        run(isa, Filters { plan: &plan, weight: &weight, shape, direction: Direction::Backward, out });
        let image = padded_channels(&problem.image, problem.channels[0]);
        let gradient = padded_channels(&problem.gradient, problem.channels[1]);
        let mut of_filters = FilterGradient::zeros(&plan);
        let mut of_image = vec![f32::NAN; plan.image_in()];
        let finish = FinishGradient { accumulate: false, mask: None };
        let mut scratch = Scratch::default();
        let task = Backward {
            plan: &plan,
            image: &image,
            gradient: &gradient,
            of_filters: Some(&mut of_filters),
            of_image: Some((&filters, &mut of_image, finish)),
            scratch: &mut scratch,
        };
        run(isa, task);
        let mut of_weight = vec![0.0; weight.len()];
        let of_weight_back = &mut of_weight;
        run(
            isa,
            FiltersAdjoint { plan: &plan, filters: &of_filters.filters, of_weight: of_weight_back, shape },
        );
        let [exact_image, exact_weight, exact_bias] = problem.backward();
        let name = isa.name();
        let error_image = error(&of_image, &padded_channels(&exact_image, problem.channels[0]));
        assert!(
            error_image < tolerance(isa, &plan, 1e-5),
            "{plan:?} on {name}: {error_image:e} off in the image's gradient"
        );
        let error_weight = error(&of_weight, &single(&exact_weight));
        assert!(
            error_weight < tolerance(isa, &plan, 2e-5),
            "{plan:?} on {name}: {error_weight:e} off in the weights' gradient"
        );
        let error_bias = error(&of_filters.bias, &padded_channels(&exact_bias, problem.channels[1]));
        assert!(error_bias < 1e-5, "{plan:?} on {name}: {error_bias:e} off in the bias' gradient");

        let mask: Vec<f32> = of_image.iter().map(|x| x.cos()).collect();
        let mut finished = mask.clone();
        let finish = FinishGradient { accumulate: true, mask: Some(&mask) };
        let task = Backward {
            plan: &plan,
            image: &image,
            gradient: &gradient,
            of_filters: None,
            of_image: Some((&filters, &mut finished, finish)),
            scratch: &mut scratch,
        };
        run(isa, task);
        let kept = |(&value, &mask): (&f32, &f32)| if mask > 0.0 { value + mask } else { 0.0 };
        let expected: Vec<f32> = of_image.iter().zip(&mask).map(kept).collect();
        assert_eq!(finished, expected, "{plan:?} on {name}");
    });
}
