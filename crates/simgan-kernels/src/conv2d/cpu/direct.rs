//! Convolution of one image with any kernel and stride, channels last. The forward pass unfolds nothing: the
//! pixels under a row of the kernel are contiguous.

use std::ops::Range;

use super::pointwise::{add_pixels, add_residual_and_clip};
use crate::geometry::{Border, Geometry};
use crate::pass_on::stop_at_relu;
use crate::product::{Left, Rows, multiply, multiply_words};
use crate::simd::{Isa, Simd, Task, padded};
use crate::words;

/// Output pixels whose gradients are multiplied at a time.
const PIXELS: usize = 128;

/// Scratch memory of the passes, reused from image to image.
#[derive(Default)]
pub(crate) struct Buffers {
    /// The image with its border.
    framed: Vec<f32>,
    /// Rows of results or gradients, channels padded.
    rows: Vec<f32>,
    /// The gradient of the framed image.
    of_framed: Vec<f32>,
    /// The pixels under one row of the kernel, and their gradient.
    unfolded: Vec<f32>,
    of_unfolded: Vec<f32>,
    /// Where products take pairs: pixels in words, and gradients in words of two pixels or of two channels.
    words: Vec<f32>,
    by_pixels: Vec<f32>,
    by_channels: Vec<f32>,
}

/// The weights in the layouts of the matrix products; channels that are summed over lie in words.
pub(crate) struct Weights {
    /// `[kernel row][kernel column, channel in][channel out]`, channels out padded.
    pub(crate) forward: Vec<f32>,
    /// `[kernel row][channel out][kernel column, channel in]`, the last axis padded.
    pub(crate) backward: Vec<f32>,
    /// Padded with zeros to whole vectors.
    pub(crate) bias: Vec<f32>,
    /// Of the sums of the gradients of the weights.
    pub(crate) sums: usize,
}

impl Weights {
    /// Rearranges weights `(O, C, h, w)` followed by the bias.
    pub(crate) fn new(geometry: &Geometry, isa: Isa, parameters: &[f32]) -> Self {
        let (columns, per_word) = (padded(geometry.channels_out), isa.precision().per_word());
        let (depth, wide) = (geometry.line(), padded(geometry.line()));
        // An odd number of channels gets one more, of zeros, to make whole words.
        let channels = geometry.channels_out.next_multiple_of(per_word);
        let mut bias = parameters[geometry.weights()..].to_vec();
        bias.resize(columns, 0.0);
        let mut forward = vec![0.0; geometry.kernel[0] * depth * columns];
        let mut backward = vec![0.0; geometry.kernel[0] * channels * wide];
        geometry.each_weight(|place, row, out, column| {
            forward[(row * depth + column) * columns + out] = parameters[place];
            backward[(row * channels + out) * wide + column] = parameters[place];
        });
        let sums = forward.len();
        if geometry.has_words(per_word) {
            forward = words::of_weights(isa, forward, columns);
        }
        Self { forward, backward: words::of_weights(isa, backward, wide), bias, sums }
    }
}

impl Geometry {
    /// Number of weights.
    pub(crate) fn weights(&self) -> usize {
        self.channels_out * self.taps()
    }

    /// Elements under one row of the kernel.
    fn line(&self) -> usize {
        self.kernel[1] * self.channels_in
    }

    /// Whether the pixels under a row of the kernel always make whole words.
    fn has_words(&self, per_word: usize) -> bool {
        self.channels_in.is_multiple_of(per_word)
    }

    /// Rows and columns of the image with its border.
    fn framed(&self) -> [usize; 2] {
        self.size_in.map(|pixels| pixels + 2 * self.options.padding)
    }

    /// Calls `f` with each weight's index in `(O, C, h, w)`, its kernel row, its output channel, and its
    /// index in the kernel row, `[kernel column][channel in]`.
    pub(crate) fn each_weight(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let [rows, columns] = self.kernel;
        let mut place = 0;
        for out in 0..self.channels_out {
            for input in 0..self.channels_in {
                for row in 0..rows {
                    for column in 0..columns {
                        f(place, row, out, column * self.channels_in + input);
                        place += 1;
                    }
                }
            }
        }
    }

    /// Calls `f` with each output pixel of `rows`, numbered from 0, and the start in the framed image of the
    /// pixels under row `tap` of the kernel.
    #[inline(always)]
    fn each_pixel(&self, rows: Range<usize>, tap: usize, mut f: impl FnMut(usize, usize)) {
        let (stride, width) = (self.options.stride, self.framed()[1]);
        let mut pixel = 0;
        for y in rows {
            for x in 0..self.size_out[1] {
                f(pixel, ((y * stride + tap) * width + x * stride) * self.channels_in);
                pixel += 1;
            }
        }
    }

    /// The row (axis 0) or column (axis 1) of the image that the framed image shows at `at`; `None` in a
    /// border of zeros.
    fn unframed(&self, axis: usize, at: usize) -> Option<usize> {
        let nearest = at.saturating_sub(self.options.padding).min(self.size_in[axis] - 1);
        let inside = nearest + self.options.padding == at;
        (inside || self.options.border == Border::Replicate).then_some(nearest)
    }
}

/// Returns the image, channels last, with its border around it; without a border, the image itself.
fn frame<'a>(geometry: &Geometry, image: &'a [f32], framed: &'a mut Vec<f32>) -> &'a [f32] {
    let (channels, padding) = (geometry.channels_in, geometry.options.padding);
    if padding == 0 {
        return image;
    }
    let width = geometry.size_in[1] * channels;
    let framed_width = geometry.framed()[1] * channels;
    framed.resize(geometry.framed()[0] * framed_width, 0.0);
    let rows = framed[padding * framed_width..].chunks_exact_mut(framed_width);
    for (line, source) in rows.zip(image.chunks_exact(width)) {
        line[padding * channels..][..width].copy_from_slice(source);
        geometry.options.border.draw(line, channels, padding);
    }
    geometry.options.border.draw(framed, framed_width, padding);
    framed
}

/// Computes the convolution of one image, channels last.
pub(crate) struct Forward<'a> {
    pub(crate) geometry: &'a Geometry,
    pub(crate) image: &'a [f32],
    pub(crate) weights: &'a Weights,
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) out: &'a mut [f32],
    pub(crate) buffers: &'a mut Buffers,
}

impl Task for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { geometry, image, weights, residual, out, buffers } = self;
        let Buffers { framed, rows: row, words, .. } = buffers;
        let columns = padded(geometry.channels_out);
        let [height, width] = geometry.size_out;
        assert_eq!(image.len(), geometry.image_in());
        assert_eq!(out.len(), geometry.image_out());
        let mut framed = frame(geometry, image, framed);
        // Pixels of an odd number of channels, such as gray ones, would not make whole words.
        let in_words = S::PAIRS && geometry.has_words(S::PER_WORD);
        let per_word = if in_words { S::PER_WORD } else { 1 };
        if in_words {
            words::side_by_side(simd, framed, words);
            framed = words;
        }
        let channels = geometry.channels_in / per_word;
        let (depth, stride) = (geometry.line() / per_word, geometry.options.stride);
        let framed_width = geometry.framed()[1] * channels;
        assert_eq!(weights.forward.len(), geometry.kernel[0] * depth * columns);
        row.resize(width * columns, 0.0);
        for y in 0..height {
            for pixel in row.chunks_exact_mut(columns) {
                pixel.copy_from_slice(&weights.bias);
            }
            for tap in 0..geometry.kernel[0] {
                let line = &framed[(y * stride + tap) * framed_width..][..framed_width];
                assert!((width - 1) * stride * channels + depth <= line.len());
                // SAFETY: the last output pixel's taps end inside the line, by the assertion; the other
                // lengths were set or checked above.
                unsafe {
                    let left = Left { data: line.as_ptr(), stride: stride * channels, transposed: false };
                    let of_tap = weights.forward.as_ptr().add(tap * depth * columns);
                    let right = Rows { data: of_tap, stride: columns };
                    let out = Rows { data: row.as_mut_ptr(), stride: columns };
                    match in_words {
                        true => multiply_words::<S, true>(simd, (width, depth, columns), left, right, out),
                        false => multiply::<S, true>(simd, (width, depth, columns), left, right, out),
                    }
                }
            }
            let place = y * width * geometry.channels_out..(y + 1) * width * geometry.channels_out;
            let residual = residual.map(|residual| &residual[place.clone()]);
            finish(geometry, row, residual, &mut out[place]);
        }
    }
}

/// Adds the residual, applies the ReLU and removes the padding of the channels.
#[inline(always)]
fn finish(geometry: &Geometry, row: &[f32], residual: Option<&[f32]>, out: &mut [f32]) {
    let (channels, relu) = (geometry.channels_out, geometry.options.relu);
    for (out, row) in out.chunks_exact_mut(channels).zip(row.chunks_exact(padded(channels))) {
        out.copy_from_slice(&row[..channels]);
    }
    add_residual_and_clip(residual, relu, out);
}

/// Computes the gradients of the convolution of one image.
pub(crate) struct Backward<'a> {
    pub(crate) geometry: &'a Geometry,
    pub(crate) image: &'a [f32],
    pub(crate) weights: &'a Weights,
    /// The result, whose zeros mask the gradient if there was a ReLU, and its gradient.
    pub(crate) out: &'a [f32],
    pub(crate) gradient: &'a [f32],
    /// Sums to add to: the gradients of the weights, laid out like [`Weights::forward`], and of the bias,
    /// padded.
    pub(crate) of_parameters: Option<(&'a mut [f32], &'a mut [f32])>,
    /// Receives the gradient of the image.
    pub(crate) of_image: Option<&'a mut [f32]>,
    pub(crate) buffers: &'a mut Buffers,
}

impl Task for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { geometry, image, weights, out, gradient, mut of_parameters, of_image, buffers } = self;
        let (channels, columns) = (geometry.channels_out, padded(geometry.channels_out));
        let [height, width] = geometry.size_out;
        let (depth, wide) = (geometry.line(), padded(geometry.line()));
        assert_eq!(gradient.len(), geometry.image_out());
        let words_out = channels.div_ceil(S::PER_WORD);
        assert_eq!(weights.backward.len(), geometry.kernel[0] * words_out * wide);
        // Taken out of the buffers, so that these can be passed on.
        let [mut framed, mut rows, mut of_frame] =
            [&mut buffers.framed, &mut buffers.rows, &mut buffers.of_framed].map(std::mem::take);
        let framed_image = match &of_parameters {
            Some((of_weights, of_bias)) => {
                assert_eq!(
                    (of_weights.len(), of_bias.len()),
                    (geometry.kernel[0] * depth * columns, columns)
                );
                frame(geometry, image, &mut framed)
            }
            None => image,
        };
        let (mut of_framed, of_image) = zeros_for_gradient(geometry, of_image, &mut of_frame);
        let per_block = (PIXELS / width).clamp(1, height);
        for start in (0..height).step_by(per_block) {
            let end = (start + per_block).min(height);
            let (place, pixels) = (start * width * channels..end * width * channels, (end - start) * width);
            let gradient = mask(geometry, &out[place.clone()], &gradient[place], &mut rows);
            if in_pairs::<S>(depth) && of_parameters.is_some() {
                words::row_by_row(simd, gradient, columns, &mut buffers.by_pixels);
            }
            if S::PAIRS && of_framed.is_some() {
                words::side_by_side(simd, gradient, &mut buffers.by_channels);
            }
            buffers.unfolded.resize(pixels * wide, 0.0);
            buffers.of_unfolded.resize(pixels * wide, 0.0);
            if let Some((_, of_bias)) = &mut of_parameters {
                add_pixels(gradient, columns, of_bias);
            }
            for tap in 0..geometry.kernel[0] {
                if let Some((of_weights, _)) = &mut of_parameters {
                    let of_tap = &mut of_weights[tap * depth * columns..][..depth * columns];
                    let factors = (framed_image, gradient);
                    add_weight_gradient(simd, geometry, (start..end, tap), factors, buffers, of_tap);
                }
                if let Some(of_framed) = &mut of_framed {
                    let of_tap = &weights.backward[tap * words_out * wide..][..words_out * wide];
                    let factors = (gradient, of_tap);
                    add_image_gradient(simd, geometry, (start..end, tap), factors, buffers, of_framed);
                }
            }
        }
        if let Some(of_image) = of_image {
            unframe(geometry, &of_frame, of_image);
        }
        (buffers.framed, buffers.rows, buffers.of_framed) = (framed, rows, of_frame);
    }
}

/// Returns zeros for the gradient of the framed image, if it is wanted, and the image to which [`unframe`] brings it.
/// Without a border, it is that of the image.
fn zeros_for_gradient<'a, 'b>(
    geometry: &Geometry,
    of_image: Option<&'a mut [f32]>,
    memory: &'b mut Vec<f32>,
) -> (Option<&'b mut [f32]>, Option<&'a mut [f32]>)
where
    'a: 'b,
{
    let (mut of_framed, of_image) = match of_image {
        Some(of_image) if geometry.options.padding > 0 => {
            memory.resize(geometry.framed()[0] * geometry.framed()[1] * geometry.channels_in, 0.0);
            (Some(&mut memory[..]), Some(of_image))
        }
        of_image => (of_image, None),
    };
    if let Some(of_framed) = &mut of_framed {
        of_framed.fill(0.0);
    }
    (of_framed, of_image)
}

/// Adds the gradient of the weights in row `tap` of the kernel from some rows of the result.
#[inline(always)]
fn add_weight_gradient<S: Simd>(
    simd: S,
    geometry: &Geometry,
    (lines, tap): (Range<usize>, usize),
    (framed, mut rows): (&[f32], &[f32]),
    buffers: &mut Buffers,
    of_weights: &mut [f32],
) {
    let Buffers { unfolded, words, by_pixels, .. } = buffers;
    let (depth, columns) = (geometry.line(), padded(geometry.channels_out));
    let wide = padded(depth);
    let pixels = lines.len() * geometry.size_out[1];
    // Copied: from one row to the next, pixels are not evenly spaced in the framed image.
    geometry.each_pixel(lines, tap, |pixel, source| {
        unfolded[pixel * wide..][..depth].copy_from_slice(&framed[source..][..depth]);
    });
    let (mut unfolded, mut deep) = (&unfolded[..pixels * wide], pixels);
    if in_pairs::<S>(depth) {
        words::row_by_row(simd, unfolded, wide, words);
        (unfolded, rows, deep) = (words, by_pixels, pixels.div_ceil(S::PER_WORD));
    }
    assert!(unfolded.len() >= deep * wide && rows.len() >= deep * columns);
    assert_eq!(of_weights.len(), depth * columns);
    // SAFETY: the lengths were checked above.
    unsafe {
        let left = Left { data: unfolded.as_ptr(), stride: wide, transposed: true };
        let right = Rows { data: rows.as_ptr(), stride: columns };
        let out = Rows { data: of_weights.as_mut_ptr(), stride: columns };
        match in_pairs::<S>(depth) {
            true => multiply_words::<S, true>(simd, (depth, deep, columns), left, right, out),
            false => multiply::<S, true>(simd, (depth, deep, columns), left, right, out),
        }
    }
}

/// Whether the gradient of the weights is multiplied in pairs: where few numbers lie under a row of the kernel, as of
/// gray pixels, pairing them takes longer than multiplying.
fn in_pairs<S: Simd>(depth: usize) -> bool {
    S::PAIRS && depth >= S::LANES
}

/// Adds the gradient of the framed image from row `tap` of the kernel, `weights`, and some rows of the
/// result.
#[inline(always)]
fn add_image_gradient<S: Simd>(
    simd: S,
    geometry: &Geometry,
    (lines, tap): (Range<usize>, usize),
    (rows, weights): (&[f32], &[f32]),
    buffers: &mut Buffers,
    of_framed: &mut [f32],
) {
    let Buffers { of_unfolded, by_channels, .. } = buffers;
    let (channels, columns) =
        (geometry.channels_out.div_ceil(S::PER_WORD), padded(geometry.channels_out) / S::PER_WORD);
    let (depth, wide) = (geometry.line(), padded(geometry.line()));
    let pixels = lines.len() * geometry.size_out[1];
    let rows = if S::PAIRS { by_channels } else { rows };
    assert!(rows.len() >= pixels * columns && of_unfolded.len() >= pixels * wide);
    assert_eq!(weights.len(), channels * wide);
    // SAFETY: the lengths were checked above.
    unsafe {
        multiply_words::<S, false>(
            simd,
            (pixels, channels, wide),
            Left { data: rows.as_ptr(), stride: columns, transposed: false },
            Rows { data: weights.as_ptr(), stride: wide },
            Rows { data: of_unfolded.as_mut_ptr(), stride: wide },
        );
    }
    geometry.each_pixel(lines, tap, |pixel, source| {
        let of_pixels = &of_unfolded[pixel * wide..][..depth];
        let sums = of_framed[source..][..depth].iter_mut();
        sums.zip(of_pixels).for_each(|(sum, &gradient)| *sum += gradient);
    });
}

/// Returns the gradient before the ReLU, channels padded with zeros.
#[inline(always)]
fn mask<'a>(geometry: &Geometry, out: &[f32], gradient: &'a [f32], rows: &'a mut Vec<f32>) -> &'a [f32] {
    let (channels, columns, relu) =
        (geometry.channels_out, padded(geometry.channels_out), geometry.options.relu);
    if channels == columns && !relu {
        return gradient;
    }
    if channels < columns {
        rows.clear();
    }
    rows.resize(gradient.len() / channels * columns, 0.0);
    if channels == columns {
        stop_at_relu(out, gradient, rows);
        return rows;
    }
    let pixels = out.chunks_exact(channels).zip(gradient.chunks_exact(channels));
    for (row, (out, gradient)) in rows.chunks_exact_mut(columns).zip(pixels) {
        if relu {
            stop_at_relu(out, gradient, row);
        } else {
            row[..channels].copy_from_slice(gradient);
        }
    }
    rows
}

/// The adjoint of [`frame`]: adds the gradient of the border to the pixels that it repeats.
fn unframe(geometry: &Geometry, of_framed: &[f32], of_image: &mut [f32]) {
    let (channels, padding) = (geometry.channels_in, geometry.options.padding);
    let [framed_height, framed_width] = geometry.framed();
    let width = geometry.size_in[1];
    let middle = padding..padding + geometry.size_in[0];
    // The rows of the image come first, since they write where the border above and below adds.
    for y in middle.clone().chain(0..padding).chain(middle.end..framed_height) {
        let Some(row) = geometry.unframed(0, y) else { continue };
        let line = &of_framed[y * framed_width * channels..][..framed_width * channels];
        let of_line = &mut of_image[row * width * channels..][..width * channels];
        let inside = &line[padding * channels..][..width * channels];
        if middle.contains(&y) {
            of_line.copy_from_slice(inside);
        } else {
            of_line.iter_mut().zip(inside).for_each(|(sum, &gradient)| *sum += gradient);
        }
        if geometry.options.border == Border::Replicate {
            for x in (0..padding).chain(padding + width..framed_width) {
                let edge = if x < padding { 0 } else { width - 1 };
                let of_edge = of_line[edge * channels..][..channels].iter_mut();
                of_edge.zip(&line[x * channels..]).for_each(|(sum, &gradient)| *sum += gradient);
            }
        }
    }
}
