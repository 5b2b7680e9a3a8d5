//! Max pooling on the CPU, channels last.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{MaxPool2d, Windows};
use crate::matrix::Real;
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
        work.for_each(|(input, out)| self.image(input, out));
        Ok((T::to_cpu_storage_owned(out), Shape::from((images, rows, columns, channels))))
    }

    fn backward<T: Real>(&self, input: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let Windows { planes: [_, channels], size_in, size_out, .. } = self.0;
        let of_input = with_slice::<T, _>(input, |input| {
            with_slice::<T, _>(gradient, |gradient| {
                let mut of_input = vec![T::default(); input.len()];
                let size = size_in[0] * size_in[1] * channels;
                let results = gradient.par_chunks(size_out[0] * size_out[1] * channels);
                let work = input.par_chunks(size).zip(results).zip(of_input.par_chunks_mut(size));
                work.for_each(|((input, gradient), of_input)| self.of_image(input, gradient, of_input));
                Ok(of_input)
            })
        })?;
        Tensor::from_vec(of_input, input.shape(), input.device())
    }

    /// Writes the maxima of one image, channels last.
    pub(crate) fn image<T: Real>(&self, input: &[T], out: &mut [T]) {
        let channels = self.0.planes[1];
        if self.halves() {
            return self.each_quad(|window, [a, b, c, d]| {
                let of = |pixel: usize| &input[pixel * channels..][..channels];
                let out = &mut out[window * channels..][..channels];
                let lines = of(a).iter().zip(of(b)).zip(of(c).iter().zip(of(d)));
                for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(lines) {
                    let largest = |a, b| if takes_over(b, a) { b } else { a };
                    *out = largest(largest(largest(a, b), c), d);
                }
            });
        }
        self.each_window(|window, pixels| {
            let out = &mut out[window * channels..][..channels];
            out.copy_from_slice(&input[pixels[0] * channels..][..channels]);
            for pixel in &pixels[1..] {
                for (largest, &next) in out.iter_mut().zip(&input[pixel * channels..]) {
                    *largest = if takes_over(next, *largest) { next } else { *largest };
                }
            }
        });
    }

    /// Adds the gradient of one image to `of_input`, channels last.
    pub(crate) fn of_image<T: Real>(&self, input: &[T], gradient: &[T], of_input: &mut [T]) {
        let channels = self.0.planes[1];
        if self.halves() {
            return self.each_quad(|window, pixels| {
                let [a, b, c, d] = pixels.map(|pixel| &input[pixel * channels..][..channels]);
                let gradient = &gradient[window * channels..][..channels];
                let first = pixels[0] * channels;
                let (above, below) = of_input[first..].split_at_mut((pixels[2] - pixels[0]) * channels);
                let [(of_a, of_b), (of_c, of_d)] =
                    [above, below].map(|line| line[..2 * channels].split_at_mut(channels));
                let [of_a, of_b, of_c, of_d] = [of_a, of_b, of_c, of_d].map(|pixel| &mut pixel[..channels]);
                for at in 0..channels {
                    let (ab, cd) = (takes_over(b[at], a[at]), takes_over(d[at], c[at]));
                    let (above, below) = (if ab { b[at] } else { a[at] }, if cd { d[at] } else { c[at] });
                    let down = takes_over(below, above);
                    let share = |takes: bool| if takes { gradient[at] } else { T::default() };
                    of_a[at] += share(!down && !ab);
                    of_b[at] += share(!down && ab);
                    of_c[at] += share(down && !cd);
                    of_d[at] += share(down && cd);
                }
            });
        }
        let mut largest = vec![T::default(); channels];
        let mut places = vec![0u32; channels];
        self.each_window(|window, pixels| {
            largest.copy_from_slice(&input[pixels[0] * channels..][..channels]);
            places.fill(0);
            for (place, pixel) in (0u32..).zip(pixels).skip(1) {
                let found = largest.iter_mut().zip(&mut places);
                for ((largest, at), &next) in found.zip(&input[pixel * channels..]) {
                    let takes_over = takes_over(next, *largest);
                    *largest = if takes_over { next } else { *largest };
                    *at = if takes_over { place } else { *at };
                }
            }
            let gradient = &gradient[window * channels..][..channels];
            for (place, pixel) in (0u32..).zip(pixels) {
                let of_pixel = of_input[pixel * channels..].iter_mut();
                for ((of_pixel, &gradient), &at) in of_pixel.zip(gradient).zip(&places) {
                    *of_pixel += if at == place { gradient } else { T::default() };
                }
            }
        });
    }

    /// Whether the windows are 2×2 and lie side by side, without padding.
    fn halves(&self) -> bool {
        self.0.options == MaxPool2d { kernel: 2, stride: 2, padding: 0 }
    }

    /// Calls `f` with each window's number and its four pixels, if it [`halves`](Self::halves).
    fn each_quad(&self, mut f: impl FnMut(usize, [usize; 4])) {
        let width = self.0.size_in[1];
        let [rows, columns] = self.0.size_out;
        for row in 0..rows {
            for column in 0..columns {
                let first = 2 * (row * width + column);
                f(row * columns + column, [first, first + 1, first + width, first + width + 1]);
            }
        }
    }

    /// Calls `f` with each window's number and its pixels, in row-major order.
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

/// Whether `next` replaces the largest value so far. The first of equal values stays; NaN prevails.
#[inline(always)]
fn takes_over<T: Real>(next: T, largest: T) -> bool {
    #[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
    let is_nan = next != next;
    next > largest || is_nan
}
