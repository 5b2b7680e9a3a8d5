//! The maximum on the CPU.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::Windows;
use crate::matrix::Real;
use crate::tensors::{slice, with_slice};

pub(crate) fn max_pool2d(input: &Tensor, windows: Windows) -> Result<Tensor> {
    input.contiguous()?.apply_op1(MaxPool(windows))
}

struct MaxPool(Windows);

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
        let Windows { planes: [images, channels], size_in, size_out, .. } = self.0;
        let input = slice::<T>(storage, layout)?;
        let mut out = vec![T::default(); images * channels * size_out[0] * size_out[1]];
        let planes = input.par_chunks(size_in[0] * size_in[1]);
        planes.zip(out.par_chunks_mut(size_out[0] * size_out[1])).for_each(|(input, out)| {
            self.each_maximum(input, |place, source| out[place] = input[source]);
        });
        Ok((T::to_cpu_storage_owned(out), Shape::from((images, channels, size_out[0], size_out[1]))))
    }

    fn backward<T: Real>(&self, input: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let Windows { size_in, size_out, .. } = self.0;
        let of_input = with_slice::<T, _>(input, |input| {
            with_slice::<T, _>(gradient, |gradient| {
                let mut of_input = vec![T::default(); input.len()];
                input
                    .par_chunks(size_in[0] * size_in[1])
                    .zip(gradient.par_chunks(size_out[0] * size_out[1]))
                    .zip(of_input.par_chunks_mut(size_in[0] * size_in[1]))
                    .for_each(|((input, gradient), of_input)| {
                        self.each_maximum(input, |place, source| of_input[source] += gradient[place]);
                    });
                Ok(of_input)
            })
        })?;
        Tensor::from_vec(of_input, input.shape(), input.device())
    }

    /// Calls `f` with each output's place in its plane and the place of its maximum.
    fn each_maximum<T: Real>(&self, input: &[T], mut f: impl FnMut(usize, usize)) {
        let width = self.0.size_in[1];
        let [rows, columns] = self.0.size_out;
        for row in 0..rows {
            let lines = self.0.range(0, row);
            for column in 0..columns {
                let window = self.0.range(1, column);
                let mut largest = lines.start * width + window.start;
                for line in lines.clone() {
                    for place in line * width + window.start..line * width + window.end {
                        // NaN is unequal to itself.
                        #[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
                        if input[place] > input[largest] || input[place] != input[place] {
                            largest = place;
                        }
                    }
                }
                f(row * columns + column, largest);
            }
        }
    }
}
