//! Convolution with any kernel and stride: unfolds a block of rows at a time and multiplies it with the
//! weights.

use std::ops::Range;

use rayon::prelude::*;

use crate::geometry::{Conv2d, Geometry};
use crate::groups::sum_over_groups;
use crate::matrix::{Matrix, Real, multiply};

/// Elements of an unfolded block: half of a second-level cache.
const BLOCK: usize = 128 * 1024;

/// Which gradients to compute.
#[derive(Clone, Copy)]
pub(super) struct Wants {
    pub(super) input: bool,
    pub(super) parameters: bool,
}

/// Convolves `input` with the weights and bias in `parameters`.
pub(super) fn forward<T: Real>(
    geometry: &Geometry,
    input: &[T],
    parameters: &[T],
    residual: Option<&[T]>,
) -> Vec<T> {
    let mut out = vec![T::default(); geometry.images * geometry.image_out()];
    out.par_chunks_mut(geometry.image_out()).enumerate().for_each_init(Vec::new, |unfolded, (image, out)| {
        let input = &input[image * geometry.image_in()..][..geometry.image_in()];
        forward_image(geometry, input, parameters, out, unfolded);
        let residual =
            residual.map(|residual| &residual[image * geometry.image_out()..][..geometry.image_out()]);
        finish(geometry.options, out, residual);
    });
    out
}

fn forward_image<T: Real>(
    geometry: &Geometry,
    input: &[T],
    parameters: &[T],
    out: &mut [T],
    unfolded: &mut Vec<T>,
) {
    let (weight, bias) = parameters.split_at(geometry.channels_out * geometry.taps());
    for (channel, &bias) in out.chunks_mut(geometry.pixels_out()).zip(bias) {
        channel.fill(bias);
    }
    for rows in blocks(geometry) {
        let (start, pixels) = (rows.start * geometry.size_out[1], rows.len() * geometry.size_out[1]);
        unfold(geometry, input, rows, unfolded);
        multiply(
            Matrix::new(&mut out[start..], geometry.channels_out, pixels, geometry.pixels_out()),
            Matrix::new(weight, geometry.channels_out, geometry.taps(), geometry.taps()),
            Matrix::new(&*unfolded, geometry.taps(), pixels, pixels),
            true,
        );
    }
}

/// Adds the residual and applies the ReLU.
fn finish<T: Real>(options: Conv2d, out: &mut [T], residual: Option<&[T]>) {
    if let Some(residual) = residual {
        for (out, &residual) in out.iter_mut().zip(residual) {
            *out += residual;
        }
    }
    if options.relu {
        for out in out {
            *out = if *out <= T::default() { T::default() } else { *out };
        }
    }
}

/// Returns the gradients of the input and of the parameters, each empty if unwanted.
pub(super) fn backward<T: Real>(
    geometry: &Geometry,
    input: &[T],
    parameters: &[T],
    gradient: &[T],
    wants: Wants,
) -> (Vec<T>, Vec<T>) {
    let mut of_input = vec![T::default(); if wants.input { input.len() } else { 0 }];
    let of_group = |images: Range<usize>, of_input: &mut [T]| {
        let input = &input[images.start * geometry.image_in()..images.end * geometry.image_in()];
        let gradient = &gradient[images.start * geometry.image_out()..images.end * geometry.image_out()];
        backward_group(geometry, input, parameters, gradient, of_input, wants.parameters)
    };
    let image = geometry.image_in();
    let of_parameters = sum_over_groups(geometry.images, &mut of_input, image, of_group, |sum, other| {
        sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
    });
    let nothing = || vec![T::default(); if wants.parameters { parameters.len() } else { 0 }];
    (of_input, of_parameters.unwrap_or_else(nothing))
}

/// Adds the gradients of the group's images to `of_input` unless it is empty; returns the sum of their
/// parameter gradients, empty if unwanted.
fn backward_group<T: Real>(
    geometry: &Geometry,
    input: &[T],
    parameters: &[T],
    gradient: &[T],
    of_input: &mut [T],
    wants_parameters: bool,
) -> Vec<T> {
    let mut of_parameters = vec![T::default(); if wants_parameters { parameters.len() } else { 0 }];
    let mut unfolded = Vec::new();
    for (image, gradient) in gradient.chunks(geometry.image_out()).enumerate() {
        let place = image * geometry.image_in()..(image + 1) * geometry.image_in();
        if wants_parameters {
            weight_gradient(geometry, &input[place.clone()], gradient, &mut of_parameters, &mut unfolded);
        }
        if !of_input.is_empty() {
            input_gradient(geometry, parameters, gradient, &mut of_input[place], &mut unfolded);
        }
    }
    of_parameters
}

fn weight_gradient<T: Real>(
    geometry: &Geometry,
    input: &[T],
    gradient: &[T],
    of_parameters: &mut [T],
    unfolded: &mut Vec<T>,
) {
    let (of_weight, of_bias) = of_parameters.split_at_mut(geometry.channels_out * geometry.taps());
    for (of_bias, gradient) in of_bias.iter_mut().zip(gradient.chunks(geometry.pixels_out())) {
        for &gradient in gradient {
            *of_bias += gradient;
        }
    }
    for rows in blocks(geometry) {
        let (start, pixels) = (rows.start * geometry.size_out[1], rows.len() * geometry.size_out[1]);
        unfold(geometry, input, rows, unfolded);
        multiply(
            Matrix::new(&mut *of_weight, geometry.channels_out, geometry.taps(), geometry.taps()),
            Matrix::new(&gradient[start..], geometry.channels_out, pixels, geometry.pixels_out()),
            Matrix::new(&**unfolded, geometry.taps(), pixels, pixels).transposed(),
            true,
        );
    }
}

fn input_gradient<T: Real>(
    geometry: &Geometry,
    parameters: &[T],
    gradient: &[T],
    of_input: &mut [T],
    unfolded: &mut Vec<T>,
) {
    let weight = &parameters[..geometry.channels_out * geometry.taps()];
    for rows in blocks(geometry) {
        let (start, pixels) = (rows.start * geometry.size_out[1], rows.len() * geometry.size_out[1]);
        unfolded.resize(geometry.taps() * pixels, T::default());
        multiply(
            Matrix::new(&mut **unfolded, geometry.taps(), pixels, pixels),
            Matrix::new(weight, geometry.channels_out, geometry.taps(), geometry.taps()).transposed(),
            Matrix::new(&gradient[start..], geometry.channels_out, pixels, geometry.pixels_out()),
            false,
        );
        fold(geometry, unfolded, rows, of_input);
    }
}

/// The output rows, a block at a time.
fn blocks(geometry: &Geometry) -> impl Iterator<Item = Range<usize>> + use<> {
    let rows = geometry.size_out[0];
    let per_block = (BLOCK / (geometry.taps() * geometry.size_out[1])).clamp(1, rows);
    (0..rows).step_by(per_block).map(move |start| start..(start + per_block).min(rows))
}

/// Calls `f` with each tap's channel, kernel row and kernel column, and its row in the unfolded block.
fn each_tap(geometry: &Geometry, mut f: impl FnMut(usize, usize, usize, usize)) {
    let [kernel_rows, kernel_columns] = geometry.kernel;
    for channel in 0..geometry.channels_in {
        for row in 0..kernel_rows {
            for column in 0..kernel_columns {
                f(channel, row, column, (channel * kernel_rows + row) * kernel_columns + column);
            }
        }
    }
}

/// Writes the pixels under the kernel, for the output rows `rows`, as a matrix of taps × output pixels.
fn unfold<T: Real>(geometry: &Geometry, input: &[T], rows: Range<usize>, unfolded: &mut Vec<T>) {
    let [height, width] = geometry.size_in;
    let columns_out = geometry.size_out[1];
    let pixels = rows.len() * columns_out;
    unfolded.resize(geometry.taps() * pixels, T::default());
    each_tap(geometry, |channel, tap_row, tap_column, tap| {
        let lines = unfolded[tap * pixels..][..pixels].chunks_mut(columns_out);
        for (line, row) in lines.zip(rows.clone()) {
            match geometry.source(0, row, tap_row) {
                None => line.fill(T::default()),
                Some(source) => {
                    unfold_line(
                        geometry,
                        &input[(channel * height + source) * width..][..width],
                        tap_column,
                        line,
                    );
                }
            }
        }
    });
}

fn unfold_line<T: Real>(geometry: &Geometry, input: &[T], tap: usize, line: &mut [T]) {
    let interior = geometry.interior(1, tap);
    // Outputs whose tap falls on the border are looked up one by one; the interior below needs no such test.
    for out in (0..interior.start).chain(interior.end..line.len()) {
        line[out] = geometry.source(1, out, tap).map_or(T::default(), |source| input[source]);
    }
    if !interior.is_empty() {
        let stride = geometry.options.stride;
        let first = interior.start * stride + tap - geometry.options.padding;
        if stride == 1 {
            line[interior.clone()].copy_from_slice(&input[first..first + interior.len()]);
        } else {
            for (out, &pixel) in line[interior].iter_mut().zip(input[first..].iter().step_by(stride)) {
                *out = pixel;
            }
        }
    }
}

/// The adjoint of [`unfold`]: adds every element of the block to the pixel it was read from.
fn fold<T: Real>(geometry: &Geometry, unfolded: &[T], rows: Range<usize>, of_input: &mut [T]) {
    let [height, width] = geometry.size_in;
    let columns_out = geometry.size_out[1];
    let pixels = rows.len() * columns_out;
    each_tap(geometry, |channel, tap_row, tap_column, tap| {
        for (line, row) in unfolded[tap * pixels..][..pixels].chunks(columns_out).zip(rows.clone()) {
            if let Some(source) = geometry.source(0, row, tap_row) {
                fold_line(
                    geometry,
                    line,
                    tap_column,
                    &mut of_input[(channel * height + source) * width..][..width],
                );
            }
        }
    });
}

fn fold_line<T: Real>(geometry: &Geometry, line: &[T], tap: usize, of_input: &mut [T]) {
    let interior = geometry.interior(1, tap);
    // Outputs whose tap falls on the border are looked up one by one; the interior below needs no such test.
    for out in (0..interior.start).chain(interior.end..line.len()) {
        if let Some(source) = geometry.source(1, out, tap) {
            of_input[source] += line[out];
        }
    }
    if !interior.is_empty() {
        let stride = geometry.options.stride;
        let first = interior.start * stride + tap - geometry.options.padding;
        for (pixel, &gradient) in of_input[first..].iter_mut().step_by(stride).zip(&line[interior]) {
            *pixel += gradient;
        }
    }
}
