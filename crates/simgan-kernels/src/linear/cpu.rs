//! Fully connected layers of `f32` on the CPU as an operation of candle's autograd.
//!
//! There are many weights and few inputs, so each pass reads the weights once, from where they lie, and holds all
//! inputs of the batch against them.

use std::borrow::Cow;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::conv2d::cpu::pointwise::add_pixels;
use crate::precision::Precision;
use crate::product::{Left, Rows, multiply_words};
use crate::simd::{Isa, Simd, Task, padded, run};
use crate::tensors::{slice, with_slice};
use crate::words;

/// Outputs, and inputs, that a thread takes at a time.
const OUTPUTS: usize = 64;
const INPUTS: usize = 256;
/// Numbers multiplied at a time along the axis that is summed over: the right factor stays in cache.
const DEPTH: usize = 512;

pub(super) fn linear(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    relu: bool,
    precision: Precision,
) -> Result<Tensor> {
    let isa = Isa::of(precision)?;
    let ((n, inputs), outputs) = (input.dims2()?, weight.dim(0)?);
    let linear = Linear { isa, n, inputs, outputs, relu };
    input.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, linear)
}

/// The operation on input, weight and bias.
#[derive(Clone, Copy)]
struct Linear {
    isa: Isa,
    n: usize,
    inputs: usize,
    outputs: usize,
    relu: bool,
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "simgan-linear"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [input, weight, bias] =
            [slice(input, input_layout)?, slice(weight, weight_layout)?, slice(bias, bias_layout)?];
        Ok((CpuStorage::F32(self.forward(input, weight, bias)), Shape::from((self.n, self.outputs))))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = with_slice::<f32, _>(out, |out| {
            with_slice::<f32, _>(gradient, |gradient| Ok(self.before_relu(out, gradient)))
        })?;
        let tensor = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
        let of_input = input.track_op().then(|| {
            let values = with_slice(weight, |weight| Ok(self.of_input(weight, &gradient)))?;
            tensor(values, input)
        });
        let of_weight = weight.track_op().then(|| {
            let values = with_slice(input, |input| Ok(self.of_weight(input, &gradient)))?;
            tensor(values, weight)
        });
        let of_bias = bias.track_op().then(|| {
            let mut sums = vec![0.0; self.outputs];
            add_pixels(&gradient, self.outputs, &mut sums);
            tensor(sums, bias)
        });
        Ok((of_input.transpose()?, of_weight.transpose()?, of_bias.transpose()?))
    }
}

impl Linear {
    fn forward(&self, input: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let Self { isa, n, inputs, outputs, relu } = *self;
        let mut factor = transposed(input, n, inputs, padded(n));
        if isa.precision() == Precision::Bf16 {
            factor = words::of_weights(isa, factor, padded(n));
        }
        let parts: Vec<Vec<f32>> = weight
            .par_chunks(OUTPUTS * inputs)
            .map(|weight| {
                let mut sums = vec![0.0; weight.len() / inputs * padded(n)];
                run(isa, Forward { weight, inputs, factor: &factor, columns: padded(n), sums: &mut sums });
                sums
            })
            .collect();
        let mut out = vec![0.0; n * outputs];
        for (at, sums) in parts.iter().flat_map(|part| part.chunks_exact(padded(n))).enumerate() {
            for (out, sum) in out.chunks_exact_mut(outputs).zip(sums) {
                let value = sum + bias[at];
                out[at] = if relu && value <= 0.0 { 0.0 } else { value };
            }
        }
        out
    }

    fn before_relu(&self, out: &[f32], gradient: &[f32]) -> Vec<f32> {
        let pairs = out.iter().zip(gradient);
        pairs.map(|(&out, &gradient)| if self.relu && out <= 0.0 { 0.0 } else { gradient }).collect()
    }

    /// The gradient of the weights from that before the ReLU.
    fn of_weight(&self, input: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Self { isa, n, inputs, outputs, .. } = *self;
        let columns = padded(inputs);
        let (mut input, mut gradient) = (widened(input, inputs, columns), Cow::from(gradient));
        if isa.precision() == Precision::Bf16 {
            input = words::of_weights(isa, input.into_owned(), columns).into();
            gradient = words::of_weights(isa, gradient.into_owned(), outputs).into();
        }
        let depth = n.div_ceil(isa.precision().per_word());
        let mut of_weight = vec![0.0; outputs * inputs];
        of_weight.par_chunks_mut(OUTPUTS * inputs).enumerate().for_each(|(part, of_weight)| {
            let (first, rows) = (part * OUTPUTS, of_weight.len() / inputs);
            let (gradient, input) = (&gradient[first..], &input[..]);
            run(isa, OfWeight { gradient, outputs, input, sizes: [rows, depth, inputs], of_weight });
        });
        of_weight
    }

    /// The gradient of the input from that before the ReLU.
    fn of_input(&self, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
        let Self { isa, n, inputs, outputs, .. } = *self;
        let starts: Vec<usize> = (0..inputs).step_by(INPUTS).collect();
        let parts: Vec<Vec<f32>> = starts
            .par_iter()
            .map(|&first| {
                let columns = INPUTS.min(inputs - first);
                let mut sums = vec![0.0; n * padded(columns)];
                let sizes = [n, outputs, inputs];
                run(isa, OfInput { gradient, weight: &weight[first..], columns, sizes, sums: &mut sums });
                sums
            })
            .collect();
        let mut of_input = vec![0.0; n * inputs];
        for (&first, part) in starts.iter().zip(&parts) {
            let columns = INPUTS.min(inputs - first);
            for (out, sums) in of_input.chunks_exact_mut(inputs).zip(part.chunks_exact(padded(columns))) {
                out[first..first + columns].copy_from_slice(&sums[..columns]);
            }
        }
        of_input
    }
}

/// Returns a matrix of `rows × columns` with rows and columns exchanged, and its rows padded to `wide`.
fn transposed(matrix: &[f32], rows: usize, columns: usize, wide: usize) -> Vec<f32> {
    let mut out = vec![0.0; columns * wide];
    out.par_chunks_mut(16 * wide).enumerate().for_each(|(block, out)| {
        for row in 0..rows {
            let line = &matrix[row * columns + block * 16..(row + 1) * columns];
            for (out, &value) in out.chunks_exact_mut(wide).zip(line) {
                out[row] = value;
            }
        }
    });
    out
}

/// Returns a matrix with its rows padded to `wide`.
fn widened(matrix: &[f32], columns: usize, wide: usize) -> Cow<'_, [f32]> {
    if columns == wide {
        return matrix.into();
    }
    let mut out = vec![0.0; matrix.len() / columns * wide];
    for (out, row) in out.chunks_exact_mut(wide).zip(matrix.chunks_exact(columns)) {
        out[..columns].copy_from_slice(row);
    }
    out.into()
}

/// Adds to `sums` `weight · factor`: rows of `inputs` weights by the transposed input, in words.
struct Forward<'a> {
    weight: &'a [f32],
    inputs: usize,
    factor: &'a [f32],
    /// Of the factor and the sums.
    columns: usize,
    sums: &'a mut [f32],
}

impl Task for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { weight, inputs, factor, columns, sums } = self;
        let rows = weight.len() / inputs;
        let mut packed = Vec::new();
        assert_eq!((factor.len(), sums.len()), (inputs.div_ceil(S::PER_WORD) * columns, rows * columns));
        for start in (0..inputs).step_by(DEPTH) {
            let numbers = DEPTH.min(inputs - start);
            let depth = numbers.div_ceil(S::PER_WORD);
            let mut left = Left { data: weight[start..].as_ptr(), stride: inputs, transposed: false };
            if S::PAIRS {
                packed.resize(rows * depth, 0.0);
                for (words, row) in packed.chunks_exact_mut(depth).zip(weight.chunks_exact(inputs)) {
                    words::fill_side_by_side(simd, &row[start..start + numbers], words);
                }
                left = Left { data: packed.as_ptr(), stride: depth, transposed: false };
            }
            // SAFETY: each row holds `numbers` weights from `start` on, or as many in words; the other lengths were
            // checked above.
            unsafe {
                let right = factor.as_ptr().add(start / S::PER_WORD * columns);
                let (right, out) = (
                    Rows { data: right, stride: columns },
                    Rows { data: sums.as_mut_ptr(), stride: columns },
                );
                multiply_words::<S, true>(simd, (rows, depth, columns), left, right, out);
            }
        }
    }
}

/// Computes `gradientᵀ · input` for some of the outputs, from factors in words of two items of the batch.
struct OfWeight<'a> {
    /// From the first of these outputs on.
    gradient: &'a [f32],
    outputs: usize,
    /// Rows padded.
    input: &'a [f32],
    /// Of these outputs, of words, and of the inputs.
    sizes: [usize; 3],
    of_weight: &'a mut [f32],
}

impl Task for OfWeight<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { gradient, outputs, input, sizes: [rows, depth, inputs], of_weight } = self;
        let wide = padded(inputs);
        let mut sums = Vec::new();
        let out = match wide == inputs {
            true => &mut *of_weight,
            false => {
                sums.resize(rows * wide, 0.0);
                &mut sums[..]
            }
        };
        assert!(gradient.len() >= (depth - 1) * outputs + rows);
        assert!(input.len() >= depth * wide && out.len() == rows * wide);
        // SAFETY: the lengths were just checked.
        unsafe {
            let left = Left { data: gradient.as_ptr(), stride: outputs, transposed: true };
            let right = Rows { data: input.as_ptr(), stride: wide };
            let out = Rows { data: out.as_mut_ptr(), stride: wide };
            multiply_words::<S, false>(simd, (rows, depth, wide), left, right, out);
        }
        for (out, sums) in of_weight.chunks_exact_mut(inputs).zip(sums.chunks_exact(wide)) {
            out.copy_from_slice(&sums[..inputs]);
        }
    }
}

/// Adds to `sums` `gradient · weight` for some of the inputs.
struct OfInput<'a> {
    gradient: &'a [f32],
    /// From the first of these inputs on.
    weight: &'a [f32],
    /// Number of these inputs.
    columns: usize,
    /// Of the batch, of the outputs, and of all inputs.
    sizes: [usize; 3],
    /// Rows padded.
    sums: &'a mut [f32],
}

impl Task for OfInput<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { gradient, weight, columns, sizes: [n, outputs, inputs], sums } = self;
        let wide = padded(columns);
        let (mut left_words, mut lines, mut right_words) = (Vec::new(), Vec::new(), Vec::new());
        assert_eq!((gradient.len(), sums.len()), (n * outputs, n * wide));
        for start in (0..outputs).step_by(DEPTH) {
            let numbers = DEPTH.min(outputs - start);
            let depth = numbers.div_ceil(S::PER_WORD);
            // The weights of these inputs, side by side.
            lines.clear();
            lines.resize(numbers * wide, 0.0);
            for (at, line) in lines.chunks_exact_mut(wide).enumerate() {
                line[..columns].copy_from_slice(&weight[(start + at) * inputs..][..columns]);
            }
            let mut left = Left { data: gradient[start..].as_ptr(), stride: outputs, transposed: false };
            let mut right = &lines[..];
            if S::PAIRS {
                left_words.resize(n * depth, 0.0);
                for (words, row) in left_words.chunks_exact_mut(depth).zip(gradient.chunks_exact(outputs)) {
                    words::fill_side_by_side(simd, &row[start..start + numbers], words);
                }
                left = Left { data: left_words.as_ptr(), stride: depth, transposed: false };
                words::row_by_row(simd, &lines, wide, &mut right_words);
                right = &right_words;
            }
            assert!(right.len() >= depth * wide);
            // SAFETY: each row of the gradient holds `numbers` from `start` on, or as many in words; the other lengths
            // were checked.
            unsafe {
                let right = Rows { data: right.as_ptr(), stride: wide };
                let out = Rows { data: sums.as_mut_ptr(), stride: wide };
                multiply_words::<S, true>(simd, (n, depth, wide), left, right, out);
            }
        }
    }
}
