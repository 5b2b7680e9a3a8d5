//! Max pooling on the CPU, channels last.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{MaxPool2d, Windows};
use crate::matrix::Real;
use crate::simd::{Isa, Simd, Task, run};
use crate::tensors::{channels_first, channels_last, slice, with_slice};

pub(crate) fn max_pool2d(input: &Tensor, windows: Windows) -> Result<Tensor> {
    channels_first(&channels_last(input)?.apply_op1(MaxPool(windows))?)
}

/// Max pooling as an operation on images `(N, H, W, C)`.
pub(crate) struct MaxPool(pub(crate) Windows);

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "simgan-max-pool2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        match storage.dtype() {
            DType::F32 => self.forward::<f32>(storage, layout),
            DType::F64 => self.forward::<f64>(storage, layout),
            other => bail!("the CPU's max_pool2d takes f32 and f64, not {other:?}"),
        }
    }

    fn bwd(&self, input: &Tensor, _out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        match input.dtype() {
            DType::F32 => self.backward::<f32>(input, gradient).map(Some),
            DType::F64 => self.backward::<f64>(input, gradient).map(Some),
            other => bail!("the CPU's max_pool2d takes f32 and f64, not {other:?}"),
        }
    }
}

impl MaxPool {
    fn forward<T: Real>(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Windows { planes: [images, channels], size_in, size_out: [rows, columns], .. } = self.0;
        let input = slice::<T>(storage, layout)?;
        let mut out = vec![T::default(); images * channels * rows * columns];
        let work = input
            .par_chunks(size_in[0] * size_in[1] * channels)
            .zip(out.par_chunks_mut(rows * columns * channels));
        let isa = Isa::current()?;
        work.for_each(|(input, out)| run(isa, Forward { pool: self, input, out }));
        Ok((T::to_cpu_storage_owned(out), Shape::from((images, rows, columns, channels))))
    }

    fn backward<T: Real>(&self, input: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let Windows { planes: [_, channels], size_in, size_out, .. } = self.0;
        let isa = Isa::current()?;
        let of_input = with_slice::<T, _>(input, |input| {
            with_slice::<T, _>(gradient, |gradient| {
                let mut of_input = vec![T::default(); input.len()];
                let size = size_in[0] * size_in[1] * channels;
                let results = gradient.par_chunks(size_out[0] * size_out[1] * channels);
                let work = input.par_chunks(size).zip(results).zip(of_input.par_chunks_mut(size));
                work.for_each(|((input, gradient), of_input)| {
                    run(isa, Backward { pool: self, input, gradient, of_input, write: true });
                });
                Ok(of_input)
            })
        })?;
        Tensor::from_vec(of_input, input.shape(), input.device())
    }

    /// Whether the windows are 2×2 and lie side by side, without padding.
    fn halves(&self) -> bool {
        self.0.options == MaxPool2d { kernel: 2, stride: 2, padding: 0 }
    }

    /// Calls `f` with each window's number and its pixels, in row-major order.
    #[inline(always)]
    fn each_window(&self, mut f: impl FnMut(usize, &[usize])) {
        let width = self.0.size_in[1];
        let [rows, columns] = self.0.size_out;
        let mut pixels = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                pixels.clear();
                for line in self.0.range(0, row) {
                    pixels.extend(self.0.range(1, column).map(|x| line * width + x));
                }
                f(row * columns + column, &pixels);
            }
        }
    }
}

/// Writes the maxima of one image, channels last.
pub(crate) struct Forward<'a, T> {
    pub(crate) pool: &'a MaxPool,
    pub(crate) input: &'a [T],
    pub(crate) out: &'a mut [T],
}

impl<T: Real> Task for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { pool, input, out } = self;
        let channels = pool.0.planes[1];
        if pool.halves() {
            return halve(pool, input, out);
        }
        pool.each_window(|window, pixels| {
            let out = &mut out[window * channels..][..channels];
            out.copy_from_slice(&input[pixels[0] * channels..][..channels]);
            for pixel in &pixels[1..] {
                let pixel = &input[pixel * channels..][..channels];
                for (largest, &next) in out.iter_mut().zip(pixel) {
                    *largest = larger(*largest, next);
                }
            }
        });
    }
}

#[inline(always)]
fn halve<T: Real>(pool: &MaxPool, input: &[T], out: &mut [T]) {
    let Windows { planes: [_, channels], size_in: [_, width], size_out: [_, columns], .. } = pool.0;
    let lines = out.chunks_exact_mut(columns * channels).zip(input.chunks_exact(2 * width * channels));
    for (out, pair) in lines {
        let (above, below) = pair.split_at(width * channels);
        let quads = above.chunks_exact(2 * channels).zip(below.chunks_exact(2 * channels));
        for (out, (above, below)) in out.chunks_exact_mut(channels).zip(quads) {
            // Slices of one length, so that the compiler needs no checks inside the loop.
            let [above, below] = [above, below].map(|pixels| pixels.split_at(channels));
            let [(a, b), (c, d)] = [above, below].map(|(left, right)| (left, &right[..channels]));
            for at in 0..channels {
                out[at] = larger(larger(larger(a[at], b[at]), c[at]), d[at]);
            }
        }
    }
}

/// Writes the gradient of one image, channels last, or adds it unless `write`.
pub(crate) struct Backward<'a, T> {
    pub(crate) pool: &'a MaxPool,
    pub(crate) input: &'a [T],
    pub(crate) gradient: &'a [T],
    pub(crate) of_input: &'a mut [T],
    pub(crate) write: bool,
}

impl<T: Real> Task for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { pool, input, gradient, of_input, write } = self;
        let covers_all = pool.halves() && pool.0.size_in.iter().all(|pixels| pixels % 2 == 0);
        if write && covers_all {
            return halve_gradient::<T, true>(pool, input, gradient, of_input);
        }
        if write {
            of_input.fill(T::default());
        }
        match pool.halves() {
            true => halve_gradient::<T, false>(pool, input, gradient, of_input),
            false => add_gradient(pool, input, gradient, of_input),
        }
    }
}

#[inline(always)]
fn halve_gradient<T: Real, const WRITE: bool>(
    pool: &MaxPool,
    input: &[T],
    gradient: &[T],
    of_input: &mut [T],
) {
    let Windows { planes: [_, channels], size_in: [_, width], size_out: [_, columns], .. } = pool.0;
    let line = width * channels;
    let inputs = input.chunks_exact(2 * line).zip(gradient.chunks_exact(columns * channels));
    for (of_pair, (pair, gradient)) in of_input.chunks_exact_mut(2 * line).zip(inputs) {
        let (above, below) = pair.split_at(line);
        let (of_above, of_below) = of_pair.split_at_mut(line);
        let known = above.chunks_exact(2 * channels).zip(below.chunks_exact(2 * channels));
        let wanted = of_above.chunks_exact_mut(2 * channels).zip(of_below.chunks_exact_mut(2 * channels));
        let quads = known.zip(wanted).zip(gradient.chunks_exact(channels));
        for (((above, below), (of_above, of_below)), gradient) in quads {
            for start in (0..channels).step_by(GROUP) {
                let places = [start, channels + start];
                let end = |place: usize| place + GROUP.min(channels - start);
                let [[a, b], [c, d]] =
                    [above, below].map(|pixels| places.map(|place| group(&pixels[place..end(place)])));
                let of_quad = shares([a, b, c, d], group(&gradient[start..end(start)]));
                for (at, of_pixel) in of_quad.into_iter().enumerate() {
                    let (of_pixels, place) =
                        (if at < 2 { &mut *of_above } else { &mut *of_below }, places[at % 2]);
                    put::<T, WRITE>(&mut of_pixels[place..end(place)], of_pixel);
                }
            }
        }
    }
}

/// Channels that are compared at a time. In arrays, which overlap nothing, the compiler uses vectors.
const GROUP: usize = 16;

/// Returns up to [`GROUP`] values, filled up with zeros.
#[inline(always)]
fn group<T: Real>(values: &[T]) -> [T; GROUP] {
    if let Some(all) = values.first_chunk() {
        return *all;
    }
    let mut group = [T::default(); GROUP];
    group[..values.len()].copy_from_slice(values);
    group
}

/// Returns what the four pixels of windows receive of the gradients of their maxima.
#[inline(always)]
fn shares<T: Real>([a, b, c, d]: [[T; GROUP]; 4], gradient: [T; GROUP]) -> [[T; GROUP]; 4] {
    let mut shares = [[T::default(); GROUP]; 4];
    for at in 0..GROUP {
        let (ab, cd) = (takes_over(b[at], a[at]), takes_over(d[at], c[at]));
        let (above, below) = (if ab { b[at] } else { a[at] }, if cd { d[at] } else { c[at] });
        let down = takes_over(below, above);
        let share = |takes: bool| if takes { gradient[at] } else { T::default() };
        shares[0][at] = share(!down & !ab);
        shares[1][at] = share(!down & ab);
        shares[2][at] = share(down & !cd);
        shares[3][at] = share(down & cd);
    }
    shares
}

/// Writes the first of `values`, or adds them unless `WRITE`.
#[inline(always)]
fn put<T: Real, const WRITE: bool>(to: &mut [T], values: [T; GROUP]) {
    if WRITE {
        match to.first_chunk_mut() {
            Some(to) => *to = values,
            None => to.copy_from_slice(&values[..to.len()]),
        }
    } else {
        to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
    }
}

/// Adds the gradient of windows of any kind.
#[inline(always)]
fn add_gradient<T: Real>(pool: &MaxPool, input: &[T], gradient: &[T], of_input: &mut [T]) {
    let channels = pool.0.planes[1];
    let mut all_largest = vec![T::default(); channels];
    let mut all_places = vec![0u32; channels];
    let (largest, places) = (&mut all_largest[..channels], &mut all_places[..channels]);
    pool.each_window(|window, pixels| {
        largest.copy_from_slice(&input[pixels[0] * channels..][..channels]);
        places.fill(0);
        for (place, pixel) in (0u32..).zip(pixels).skip(1) {
            let pixel = &input[pixel * channels..][..channels];
            for at in 0..channels {
                let takes_over = takes_over(pixel[at], largest[at]);
                largest[at] = if takes_over { pixel[at] } else { largest[at] };
                places[at] = if takes_over { place } else { places[at] };
            }
        }
        let gradient = &gradient[window * channels..][..channels];
        for (place, pixel) in (0u32..).zip(pixels) {
            let of_pixel = &mut of_input[pixel * channels..][..channels];
            for at in 0..channels {
                of_pixel[at] += if places[at] == place { gradient[at] } else { T::default() };
            }
        }
    });
}

#[inline(always)]
fn larger<T: Real>(largest: T, next: T) -> T {
    if takes_over(next, largest) { next } else { largest }
}

/// Whether `next` replaces the largest value so far. The first of equal values stays; NaN prevails.
#[inline(always)]
fn takes_over<T: Real>(next: T, largest: T) -> bool {
    #[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
    let is_nan = next != next;
    (next > largest) | is_nan
}
