//! Batch normalisation on the CPU, channels last: a batch is a matrix of pixels by channels.
//!
//! Sums run over blocks of a constant number of pixels, whose results are added in order and in `f64`:
//! results do not depend on the number of threads, nor lose precision with the size of the batch.

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
            let [slope, constant] = self.dependence(&of_weight, &of_bias, pass, batch);
            (pass.input.par_chunks(block))
                .zip(pass.gradient.par_chunks(block))
                .zip(of_input.par_chunks_mut(block))
                .for_each(|((input, gradient), of_input)| {
                    let pass = Pass { input, gradient, relu: pass.relu };
                    let (slope, constant) = (&slope, &constant);
                    run(isa, InputGradient { channels: self, pass, slope, constant, of_input, write });
                });
        }
        [of_weight, of_bias]
    }

    /// Returns what the mean and the variance of a batch, which depend on each of its values, add to the
    /// gradient of the input: `slope * (x - mean) + constant`.
    fn dependence(&self, of_weight: &[f32], of_bias: &[f32], pass: &Pass<'_>, batch: bool) -> [Vec<f32>; 2] {
        let share = if batch { self.mean.len() as f32 / pass.input.len() as f32 } else { 0.0 };
        let slopes = self.scale.iter().zip(&self.inverse).zip(of_weight);
        let constants = self.scale.iter().zip(of_bias);
        [
            slopes.map(|((scale, inverse), of_weight)| -scale * inverse * of_weight * share).collect(),
            constants.map(|(scale, of_bias)| -scale * of_bias * share).collect(),
        ]
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

/// Calls the body for blocks of 32 channels, and of the fewer that are left, whose numbers it can hold in registers from
/// pixel to pixel.
macro_rules! in_blocks {
    ($channels:expr, |$first:ident, $n:ident| $body:block) => {{
        let mut next = 0;
        in_blocks!(@of 32, next, $channels, $first, $n, $body);
        in_blocks!(@of 16, next, $channels, $first, $n, $body);
        in_blocks!(@of 8, next, $channels, $first, $n, $body);
        in_blocks!(@of 4, next, $channels, $first, $n, $body);
        in_blocks!(@of 1, next, $channels, $first, $n, $body);
    }};
    (@of $size:literal, $next:ident, $channels:expr, $first:ident, $n:ident, $body:block) => {{
        const $n: usize = $size;
        while $next + $n <= $channels {
            let $first = $next;
            $body
            $next += $n;
        }
    }};
}

/// The numbers of `N` channels of a pixel.
#[inline(always)]
fn block<const N: usize>(pixel: &[f32], first: usize) -> &[f32; N] {
    let Some(block) = pixel[first..].first_chunk() else { unreachable!("a pixel has all channels") };
    block
}

#[inline(always)]
fn block_mut<const N: usize>(pixel: &mut [f32], first: usize) -> &mut [f32; N] {
    let Some(block) = pixel[first..].first_chunk_mut() else { unreachable!("a pixel has all channels") };
    block
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
        let channels = self.origin.len();
        let (mut sums, mut squares) = (vec![0.0; channels], vec![0.0; channels]);
        in_blocks!(channels, |first, N| {
            let origin = block::<N>(self.origin, first);
            let (mut sum, mut square) = ([0.0; N], [0.0; N]);
            for pixel in self.input.chunks_exact(channels) {
                let pixel = block::<N>(pixel, first);
                for at in 0..N {
                    let x = pixel[at] - origin[at];
                    sum[at] += x;
                    square[at] += x * x;
                }
            }
            sums[first..first + N].copy_from_slice(&sum);
            squares[first..first + N].copy_from_slice(&square);
        });
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
        in_blocks!(channels, |first, N| {
            let [scale, shift] = [scale, shift].map(|values| *block::<N>(values, first));
            for (out, pixel) in out.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
                let (out, pixel) = (block_mut::<N>(out, first), block::<N>(pixel, first));
                for at in 0..N {
                    let y = pixel[at] * scale[at] + shift[at];
                    out[at] = if relu && y <= 0.0 { 0.0 } else { y };
                }
            }
        });
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
        let (mut sums, mut products) = (vec![0.0; channels], vec![0.0; channels]);
        in_blocks!(channels, |first, N| {
            let [mean, scale, shift] = [mean, scale, shift].map(|values| *block::<N>(values, first));
            let (mut sum, mut product) = ([0.0; N], [0.0; N]);
            for (pixel, gradient) in input.chunks_exact(channels).zip(gradient.chunks_exact(channels)) {
                let (pixel, gradient) = (block::<N>(pixel, first), block::<N>(gradient, first));
                for at in 0..N {
                    let g = masked(pixel[at], scale[at], shift[at], gradient[at], relu);
                    sum[at] += g;
                    product[at] += g * (pixel[at] - mean[at]);
                }
            }
            sums[first..first + N].copy_from_slice(&sum);
            products[first..first + N].copy_from_slice(&product);
        });
        products.iter_mut().zip(inverse).for_each(|(product, inverse)| *product *= inverse);
        [sums, products]
    }
}

/// Computes the gradient of the input of some pixels.
struct InputGradient<'a> {
    channels: &'a Channels,
    pass: Pass<'a>,
    /// What is added to the scaled gradient: `slope * (x - mean) + constant`.
    slope: &'a [f32],
    constant: &'a [f32],
    of_input: &'a mut [f32],
    write: bool,
}

impl Task for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { channels: Channels { mean, scale, shift, .. }, pass, slope, constant, of_input, write } =
            self;
        let Pass { input, gradient, relu } = pass;
        let channels = mean.len();
        in_blocks!(channels, |first, N| {
            let [mean, scale, shift] = [mean, scale, shift].map(|values| *block::<N>(values, first));
            let [slope, constant] = [slope, constant].map(|values| *block::<N>(values, first));
            let pixels = input.chunks_exact(channels).zip(gradient.chunks_exact(channels));
            for (of_pixel, (pixel, gradient)) in of_input.chunks_exact_mut(channels).zip(pixels) {
                let (pixel, gradient) = (block::<N>(pixel, first), block::<N>(gradient, first));
                let of_pixel = block_mut::<N>(of_pixel, first);
                for at in 0..N {
                    let g = masked(pixel[at], scale[at], shift[at], gradient[at], relu);
                    let of_x = scale[at] * g + (slope[at] * (pixel[at] - mean[at]) + constant[at]);
                    of_pixel[at] = if write { of_x } else { of_pixel[at] + of_x };
                }
            }
        });
    }
}
