//! Batch normalisation on the CPU, channels last: a batch is a matrix of pixels by channels.
//!
//! Sums run over blocks of a constant number of pixels, whose results are added in order and in `f64`: results do
//! not depend on the number of threads, nor lose precision with the size of the batch.

use rayon::prelude::*;

use super::EPSILON;
use crate::simd::{Isa, Simd, Task, run};

/// Pixels whose sums are taken in `f32`.
const PIXELS: usize = 256;

/// What a normalisation of one batch does to each channel: `x * scale + shift`.
pub(crate) struct Channels {
    /// Mean and 1/√(variance + ε).
    mean: Vec<f32>,
    inverse: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Channels {
    /// From means and biased variances, weights and biases.
    pub(crate) fn new(mean: &[f32], variance: &[f32], weight: &[f32], bias: &[f32]) -> Self {
        let inverse: Vec<f32> =
            variance.iter().map(|&variance| (1.0 / (f64::from(variance) + EPSILON).sqrt()) as f32).collect();
        let scale: Vec<f32> = inverse.iter().zip(weight).map(|(inverse, weight)| inverse * weight).collect();
        let shift =
            scale.iter().zip(mean).zip(bias).map(|((scale, mean), bias)| bias - mean * scale).collect();
        Self { mean: mean.to_vec(), inverse, scale, shift }
    }

    /// Writes the normalised batch.
    pub(crate) fn forward(&self, isa: Isa, input: &[f32], relu: bool, out: &mut [f32]) {
        let block = PIXELS * self.mean.len();
        input.par_chunks(block).zip(out.par_chunks_mut(block)).for_each(|(input, out)| {
            run(isa, Scale { channels: self, input, relu, out });
        });
    }

    /// Adds the gradient of the input to `of_input`, or writes it if `write`, and returns the gradients of
    /// weight and bias.
    ///
    /// `batch` says whether mean and variance are those of the batch, and so depend on the input.
    pub(crate) fn backward(
        &self,
        isa: Isa,
        pass: &Pass<'_>,
        of_input: Option<(&mut [f32], bool)>,
        batch: bool,
    ) -> [Vec<f32>; 2] {
        let block = PIXELS * self.mean.len();
        let parts: Vec<_> = (pass.input.par_chunks(block))
            .zip(pass.gradient.par_chunks(block))
            .map(|(input, gradient)| {
                run(isa, GradientSums { channels: self, input, gradient, relu: pass.relu })
            })
            .collect();
        let [of_bias, of_weight] = total(&parts, self.mean.len()).map(|sums| to_single(&sums));
        if let Some((of_input, write)) = of_input {
            let pixels = (pass.input.len() / self.mean.len()) as f32;
            let share = |sums: &[f32]| -> Vec<f32> {
                sums.iter().map(|sum| if batch { sum / pixels } else { 0.0 }).collect()
            };
            let means = [share(&of_bias), share(&of_weight)];
            (pass.input.par_chunks(block))
                .zip(pass.gradient.par_chunks(block))
                .zip(of_input.par_chunks_mut(block))
                .for_each(|((input, gradient), of_input)| {
                    let pass = Pass { input, gradient, relu: pass.relu };
                    run(isa, InputGradient { channels: self, pass, means: &means, of_input, write });
                });
        }
        [of_weight, of_bias]
    }
}

/// An input, the gradient of its result, and whether a ReLU made that result.
pub(crate) struct Pass<'a> {
    pub(crate) input: &'a [f32],
    pub(crate) gradient: &'a [f32],
    pub(crate) relu: bool,
}

/// Returns mean and biased variance of each channel.
pub(crate) fn statistics(isa: Isa, input: &[f32], channels: usize) -> [Vec<f32>; 2] {
    // Shifted by a value of the data, so that a large mean leaves the variance its digits.
    let origin = &input[..channels];
    let parts: Vec<_> =
        input.par_chunks(PIXELS * channels).map(|input| run(isa, Moments { input, origin })).collect();
    let pixels = (input.len() / channels) as f64;
    let [sums, squares] = total(&parts, channels);
    let shifted: Vec<f64> = sums.iter().map(|sum| sum / pixels).collect();
    let variance = shifted.iter().zip(&squares).map(|(mean, square)| square / pixels - mean * mean);
    // `max` would hide NaN.
    let variance = variance.map(|variance| if variance < 0.0 { 0.0 } else { variance as f32 }).collect();
    let mean = shifted.iter().zip(origin).map(|(mean, &origin)| (mean + f64::from(origin)) as f32).collect();
    [mean, variance]
}

/// Adds pairs of sums over blocks, in order.
fn total(parts: &[[Vec<f32>; 2]], channels: usize) -> [Vec<f64>; 2] {
    [0, 1].map(|which| {
        let mut total = vec![0.0; channels];
        for part in parts {
            total.iter_mut().zip(&part[which]).for_each(|(total, &sum)| *total += f64::from(sum));
        }
        total
    })
}

fn to_single(sums: &[f64]) -> Vec<f32> {
    sums.iter().map(|&sum| sum as f32).collect()
}

/// Sums of `x - origin` and of its square over some pixels.
struct Moments<'a> {
    input: &'a [f32],
    origin: &'a [f32],
}

impl Task for Moments<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> [Vec<f32>; 2] {
        let Self { input, origin } = self;
        let channels = origin.len();
        let (mut sums, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
        for pixel in input.chunks_exact(channels) {
            let sums = sums.iter_mut().zip(&mut squares);
            for ((sum, square), (&x, &origin)) in sums.zip(pixel.iter().zip(origin)) {
                let x = x - origin;
                *sum += x;
                *square += x * x;
            }
        }
        [sums, squares]
    }
}

/// Normalises some pixels.
struct Scale<'a> {
    channels: &'a Channels,
    input: &'a [f32],
    relu: bool,
    out: &'a mut [f32],
}

impl Task for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { channels: Channels { scale, shift, .. }, input, relu, out } = self;
        let channels = scale.len();
        for (out, pixel) in out.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
            let factors = scale.iter().zip(shift);
            for ((out, &x), (&scale, &shift)) in out.iter_mut().zip(pixel).zip(factors) {
                let y = x * scale + shift;
                *out = if relu && y <= 0.0 { 0.0 } else { y };
            }
        }
    }
}

/// The gradient before the ReLU of `x * scale + shift`; the same arithmetic as in [`Scale`] gives the same
/// mask.
#[inline(always)]
fn masked(x: f32, scale: f32, shift: f32, gradient: f32, relu: bool) -> f32 {
    if relu && x * scale + shift <= 0.0 { 0.0 } else { gradient }
}

/// Sums over some pixels of the gradient, and of its product with the normalised input.
struct GradientSums<'a> {
    channels: &'a Channels,
    input: &'a [f32],
    gradient: &'a [f32],
    relu: bool,
}

impl Task for GradientSums<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> [Vec<f32>; 2] {
        let Self { channels: Channels { mean, inverse, scale, shift }, input, gradient, relu } = self;
        let channels = mean.len();
        let [inverse, scale, shift] = [inverse, scale, shift].map(|values| &values[..channels]);
        let (mut sums, mut products) = (vec![0.0; channels], vec![0.0; channels]);
        for (pixel, gradient) in input.chunks_exact(channels).zip(gradient.chunks_exact(channels)) {
            for at in 0..channels {
                let g = masked(pixel[at], scale[at], shift[at], gradient[at], relu);
                sums[at] += g;
                products[at] += g * (pixel[at] - mean[at]) * inverse[at];
            }
        }
        [sums, products]
    }
}

/// Computes the gradient of the input of some pixels.
struct InputGradient<'a> {
    channels: &'a Channels,
    pass: Pass<'a>,
    /// Means over the batch of the gradient, and of its product with the normalised input.
    means: &'a [Vec<f32>; 2],
    of_input: &'a mut [f32],
    write: bool,
}

impl Task for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { channels: Channels { mean, inverse, scale, shift }, pass, means, of_input, write } = self;
        let Pass { input, gradient, relu } = pass;
        let channels = mean.len();
        let [inverse, scale, shift] = [inverse, scale, shift].map(|values| &values[..channels]);
        let [mean_gradient, mean_product] = means.each_ref().map(|values| &values[..channels]);
        let pixels = input.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for (of_pixel, (pixel, gradient)) in of_input.chunks_exact_mut(channels).zip(pixels) {
            for at in 0..channels {
                let g = masked(pixel[at], scale[at], shift[at], gradient[at], relu);
                let normal = (pixel[at] - mean[at]) * inverse[at];
                let of_x = scale[at] * (g - mean_gradient[at] - normal * mean_product[at]);
                of_pixel[at] = if write { of_x } else { of_pixel[at] + of_x };
            }
        }
    }
}
