//! Max pooling on the CPU, channels last.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::Windows;
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
        work.for_each(|(input, out)| self.image(isa, input, out));
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
                work.for_each(|((input, gradient), of_input)| self.of_image(isa, input, gradient, of_input));
                Ok(of_input)
            })
        })?;
        Tensor::from_vec(of_input, input.shape(), input.device())
    }

    /// Writes the maxima of one image, channels last.
    pub(crate) fn image<T: Real>(&self, isa: Isa, input: &[T], out: &mut [T]) {
        run(isa, Forward { windows: &self.0, input, out });
    }

    /// Adds the gradient of one image to `of_input`, channels last.
    pub(crate) fn of_image<T: Real>(&self, isa: Isa, input: &[T], gradient: &[T], of_input: &mut [T]) {
        run(isa, Backward { windows: &self.0, input, gradient, of_input });
    }
}

/// See [`MaxPool::image`]. A task, although it names no vectors: the compiler takes those of the instruction set.
struct Forward<'a, T> {
    windows: &'a Windows,
    input: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Task for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { windows, input, out } = self;
        let channels = windows.planes[1];
        let mut pixels = Vec::new();
        for (window, out) in out.chunks_exact_mut(channels).enumerate() {
            windows.pixels(window, &mut pixels);
            out.copy_from_slice(&input[pixels[0] * channels..][..channels]);
            for pixel in &pixels[1..] {
                for (largest, &next) in out.iter_mut().zip(&input[pixel * channels..]) {
                    *largest = if takes_over(next, *largest) { next } else { *largest };
                }
            }
        }
    }
}

/// See [`MaxPool::of_image`].
struct Backward<'a, T> {
    windows: &'a Windows,
    input: &'a [T],
    gradient: &'a [T],
    of_input: &'a mut [T],
}

impl<T: Real> Task for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { windows, input, gradient, of_input } = self;
        let channels = windows.planes[1];
        let mut pixels = Vec::new();
        let mut largest = vec![T::default(); channels];
        let mut places = vec![0u32; channels];
        for (window, gradient) in gradient.chunks_exact(channels).enumerate() {
            windows.pixels(window, &mut pixels);
            largest.copy_from_slice(&input[pixels[0] * channels..][..channels]);
            places.fill(0);
            for (place, pixel) in (0u32..).zip(&pixels).skip(1) {
                let found = largest.iter_mut().zip(&mut places);
                for ((largest, at), &next) in found.zip(&input[pixel * channels..]) {
                    let takes_over = takes_over(next, *largest);
                    *largest = if takes_over { next } else { *largest };
                    *at = if takes_over { place } else { *at };
                }
            }
            for (place, pixel) in (0u32..).zip(&pixels) {
                let of_pixel = of_input[pixel * channels..].iter_mut();
                for ((of_pixel, &gradient), &at) in of_pixel.zip(gradient).zip(&places) {
                    *of_pixel += if at == place { gradient } else { T::default() };
                }
            }
        }
    }
}

impl Windows {
    /// Lists the pixels of a window in row-major order.
    #[inline(always)]
    fn pixels(&self, window: usize, pixels: &mut Vec<usize>) {
        let [width, columns] = [self.size_in[1], self.size_out[1]];
        pixels.clear();
        for line in self.range(0, window / columns) {
            for x in self.range(1, window % columns) {
                pixels.push(line * width + x);
            }
        }
    }
}

/// Whether `next` replaces the largest value so far. The first of equal values stays; NaN prevails.
#[inline(always)]
fn takes_over<T: Real>(next: T, largest: T) -> bool {
    #[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
    let is_nan = next != next;
    next > largest || is_nan
}
