//! 1×1 convolution of one image, channels last: the product of its pixels and the weights.
//!
//! The right factors lie in panels of [`PANEL`] columns. Rows of a wide matrix are so far apart that a column
//! of vectors would fall into a few sets of the first-level cache.

use crate::geometry::Geometry;
use crate::pass_on::stop_at_relu;
use crate::product::{Left, Rows, multiply_words};
use crate::simd::{Isa, Simd, Task, padded};
use crate::winograd::Direction;
use crate::words;

/// Columns of a panel: two of the widest vectors.
const PANEL: usize = 32;
/// Pixels multiplied at a time.
const PIXELS: usize = 128;
/// Minimum number of weights: with fewer, filling panels takes longer than the direct convolution's copies.
const FEWEST_WEIGHTS: usize = 2048;

/// Whether these kernels serve a convolution.
pub(crate) fn serves(geometry: &Geometry) -> bool {
    let options = geometry.options;
    geometry.kernel == [1, 1]
        && (options.stride, options.padding) == (1, 0)
        && geometry.channels_in * geometry.channels_out >= FEWEST_WEIGHTS
}

/// Scratch memory of the passes, reused from image to image.
#[derive(Default)]
pub(crate) struct Buffers {
    /// Results or gradients whose channels do not fill whole vectors, padded; or masked gradients.
    rows: Vec<f32>,
    masked: Vec<f32>,
    /// Gradients of some pixels in panels.
    panels: Vec<f32>,
    /// Where products take pairs, both factors in words.
    left: Vec<f32>,
    right: Vec<f32>,
}

/// The weights as the right factor of one direction, in words.
pub(crate) struct Weights {
    panels: Vec<f32>,
    bias: Vec<f32>,
}

impl Weights {
    /// Rearranges weights `(O, C)` followed by the bias.
    pub(crate) fn new(geometry: &Geometry, isa: Isa, parameters: &[f32], direction: Direction) -> Self {
        let (weight, bias) = parameters.split_at(geometry.weights());
        let Geometry { channels_in, channels_out, .. } = *geometry;
        let (depth, columns) = match direction {
            Direction::Forward => (channels_in, channels_out),
            Direction::Backward => (channels_out, channels_in),
        };
        // An odd depth gets one more row, of zeros, so that no word reaches into the next panel.
        let depth = depth.next_multiple_of(isa.precision().per_word());
        let mut panels = vec![0.0; depth * columns.next_multiple_of(PANEL)];
        let of_panels = panels.chunks_exact_mut(depth * PANEL);
        match direction {
            Direction::Forward => {
                for (panel, rows) in of_panels.zip(weight.chunks(PANEL * channels_in)) {
                    for (column, row) in rows.chunks_exact(channels_in).enumerate() {
                        for (line, &weight) in panel.chunks_exact_mut(PANEL).zip(row) {
                            line[column] = weight;
                        }
                    }
                }
            }
            Direction::Backward => {
                for (panel, first) in of_panels.zip((0..).step_by(PANEL)) {
                    let used = PANEL.min(channels_in - first);
                    for (line, row) in panel.chunks_exact_mut(PANEL).zip(weight.chunks_exact(channels_in)) {
                        line[..used].copy_from_slice(&row[first..first + used]);
                    }
                }
            }
        }
        Self { panels: words::of_weights(isa, panels, PANEL), bias: bias.to_vec() }
    }
}

/// Elements of the sums of weight gradients: the forward panels.
pub(crate) fn sums_size(geometry: &Geometry) -> usize {
    geometry.channels_in * geometry.channels_out.next_multiple_of(PANEL)
}

/// Writes sums of weight gradients as `(O, C)`.
pub(crate) fn flatten(geometry: &Geometry, sums: &[f32], of_weight: &mut [f32]) {
    let channels_in = geometry.channels_in;
    let panels = sums.chunks_exact(channels_in * PANEL);
    for (panel, rows) in panels.zip(of_weight.chunks_mut(PANEL * channels_in)) {
        for (column, row) in rows.chunks_exact_mut(channels_in).enumerate() {
            for (line, weight) in panel.chunks_exact(PANEL).zip(row) {
                *weight = line[column];
            }
        }
    }
}

/// A matrix of `count` rows of `columns` elements each.
#[derive(Clone, Copy)]
struct Pixels<'a> {
    data: &'a [f32],
    columns: usize,
    count: usize,
}

/// `out = pixels · panels`: writes `columns` columns, a multiple of whole vectors, `stride` apart.
#[inline(always)]
fn product<S: Simd>(
    simd: S,
    pixels: Pixels<'_>,
    panels: &[f32],
    columns: usize,
    (out, stride): (&mut [f32], usize),
    words: &mut Vec<f32>,
) {
    let Pixels { data, columns: numbers, count } = pixels;
    let depth = numbers.div_ceil(S::PER_WORD);
    let data = match S::PAIRS {
        true => {
            in_words(simd, pixels, words);
            &words[..]
        }
        false => data,
    };
    assert!(data.len() >= count * depth && columns <= stride && out.len() >= count * stride);
    assert!(panels.len() >= depth * columns.next_multiple_of(PANEL) && columns == padded(columns));
    for first in (0..columns).step_by(PANEL) {
        // SAFETY: the lengths were checked above.
        unsafe {
            multiply_words::<S, false>(
                simd,
                (count, depth, PANEL.min(columns - first)),
                Left { data: data.as_ptr(), stride: depth, transposed: false },
                Rows { data: panels.as_ptr().add(first * depth), stride: PANEL },
                Rows { data: out.as_mut_ptr().add(first), stride },
            );
        }
    }
}

/// Packs pixels into words, each pixel into words of its own.
#[inline(always)]
fn in_words<S: Simd>(simd: S, Pixels { data, columns, count }: Pixels<'_>, out: &mut Vec<f32>) {
    if columns % S::PER_WORD == 0 {
        return words::side_by_side(simd, &data[..count * columns], out);
    }
    let mut pixel_words = Vec::new();
    out.clear();
    for pixel in data[..count * columns].chunks_exact(columns) {
        words::side_by_side(simd, pixel, &mut pixel_words);
        out.extend_from_slice(&pixel_words);
    }
}

/// Like [`product`], for any number of columns, which lie next to each other in `out`.
#[inline(always)]
fn packed_product<S: Simd>(
    simd: S,
    pixels: Pixels<'_>,
    panels: &[f32],
    columns: usize,
    out: &mut [f32],
    (rows, words): (&mut Vec<f32>, &mut Vec<f32>),
) {
    let stride = padded(columns);
    if stride == columns {
        return product(simd, pixels, panels, columns, (out, columns), words);
    }
    rows.resize(pixels.count * stride, 0.0);
    product(simd, pixels, panels, stride, (rows, stride), words);
    for (out, row) in out.chunks_exact_mut(columns).zip(rows.chunks_exact(stride)) {
        out.copy_from_slice(&row[..columns]);
    }
}

/// Computes the convolution of one image.
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
        let (depth, columns) = (geometry.channels_in, geometry.channels_out);
        let blocks = image.chunks(PIXELS * depth).zip(out.chunks_mut(PIXELS * columns));
        for (at, (image, out)) in blocks.enumerate() {
            let pixels = Pixels { data: image, columns: depth, count: image.len() / depth };
            let memory = (&mut buffers.rows, &mut buffers.left);
            packed_product(simd, pixels, &weights.panels, columns, out, memory);
            let residual = residual.map(|residual| &residual[at * PIXELS * columns..][..out.len()]);
            finish(&weights.bias, residual, geometry.options.relu, out);
        }
    }
}

/// Adds bias and residual, and applies the ReLU.
#[inline(always)]
fn finish(bias: &[f32], residual: Option<&[f32]>, relu: bool, out: &mut [f32]) {
    for pixel in out.chunks_exact_mut(bias.len()) {
        pixel.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
    }
    add_residual_and_clip(residual, relu, out);
}

/// Adds the residual, if there is one, then applies the ReLU, if there is one.
#[inline(always)]
pub(super) fn add_residual_and_clip(residual: Option<&[f32]>, relu: bool, out: &mut [f32]) {
    if let Some(residual) = residual {
        out.iter_mut().zip(residual).for_each(|(out, residual)| *out += residual);
    }
    if relu {
        for out in out {
            *out = if *out <= 0.0 { 0.0 } else { *out };
        }
    }
}

/// Computes the gradients of the convolution of one image.
pub(crate) struct Backward<'a> {
    pub(crate) geometry: &'a Geometry,
    pub(crate) image: &'a [f32],
    pub(crate) weights: &'a Weights,
    /// The result, whose zeros mask the gradient if there was a ReLU, and its gradient.
    pub(crate) out: &'a [f32],
    pub(crate) gradient: &'a [f32],
    /// Sums to add to: the gradients of the weights, in [`sums_size`] elements, and of the bias.
    pub(crate) of_parameters: Option<(&'a mut [f32], &'a mut [f32])>,
    /// Receives the gradient of the image.
    pub(crate) of_image: Option<&'a mut [f32]>,
    pub(crate) buffers: &'a mut Buffers,
}

impl Task for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { geometry, image, weights, out, gradient, mut of_parameters, mut of_image, buffers } = self;
        let Geometry { channels_in, channels_out, .. } = *geometry;
        let Buffers { rows, masked, panels, left, right } = buffers;
        let count = image.len() / channels_in;
        for start in (0..count).step_by(PIXELS) {
            let count = PIXELS.min(count - start);
            let place = start * channels_out..(start + count) * channels_out;
            let gradient = match geometry.options.relu {
                false => &gradient[place],
                true => {
                    masked.resize(place.len(), 0.0);
                    stop_at_relu(&out[place.clone()], &gradient[place], masked);
                    &masked[..]
                }
            };
            let gradient = Pixels { data: gradient, columns: channels_out, count };
            let place = start * channels_in..(start + count) * channels_in;
            if let Some((of_weights, of_bias)) = &mut of_parameters {
                let image = Pixels { data: &image[place.clone()], columns: channels_in, count };
                add_pixels(gradient.data, channels_out, of_bias);
                add_weight_gradient(simd, image, gradient, [panels, left, right], of_weights);
            }
            if let Some(of_image) = &mut of_image {
                let (out, memory) = (&mut of_image[place], (&mut *rows, &mut *left));
                packed_product(simd, gradient, &weights.panels, channels_in, out, memory);
            }
        }
    }
}

/// Adds pixels up, channel by channel: the gradient of a bias.
#[inline(always)]
pub(crate) fn add_pixels(pixels: &[f32], channels: usize, sums: &mut [f32]) {
    for pixel in pixels.chunks_exact(channels) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += value);
    }
}

/// Adds `imageᵀ · gradient` to the panels `of_weights`.
#[inline(always)]
fn add_weight_gradient<S: Simd>(
    simd: S,
    image: Pixels<'_>,
    gradient: Pixels<'_>,
    [panel, left, right]: [&mut Vec<f32>; 3],
    of_weights: &mut [f32],
) {
    let (count, depth, columns) = (image.count, image.columns, gradient.columns);
    panel.resize(count * PANEL, 0.0);
    let mut pixels = image.data;
    if S::PAIRS {
        words::row_by_row(simd, &pixels[..count * depth], depth, left);
        pixels = left;
    }
    let words_deep = count.div_ceil(S::PER_WORD);
    assert!(pixels.len() >= words_deep * depth && gradient.data.len() >= count * columns);
    assert!(of_weights.len() >= depth * columns.next_multiple_of(PANEL));
    for first in (0..columns).step_by(PANEL) {
        let used = PANEL.min(columns - first);
        for (row, pixel) in panel.chunks_exact_mut(PANEL).zip(gradient.data.chunks_exact(columns)) {
            row[..used].copy_from_slice(&pixel[first..first + used]);
            row[used..].fill(0.0);
        }
        let mut factor = &panel[..];
        if S::PAIRS {
            words::row_by_row(simd, factor, PANEL, right);
            factor = right;
        }
        assert!(factor.len() >= words_deep * PANEL);
        // SAFETY: the lengths were checked above.
        unsafe {
            multiply_words::<S, true>(
                simd,
                (depth, words_deep, padded(used)),
                Left { data: pixels.as_ptr(), stride: depth, transposed: true },
                Rows { data: factor.as_ptr(), stride: PANEL },
                Rows { data: of_weights.as_mut_ptr().add(first * depth), stride: PANEL },
            );
        }
    }
}
