//! Convolution of `f32` on the CPU as an operation of candle's autograd, channels last.
//!
//! Results have the shape `(N, C, H, W)` but lie in memory as `(N, H, W, C)`, so that consecutive
//! convolutions rearrange nothing.

pub(crate) mod direct;
pub(crate) mod layer;
pub(crate) mod pointwise;

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use self::layer::{Buffers, Known, Layer, Sums};
use crate::geometry::Geometry;
use crate::groups::sum_over_groups;
use crate::pass_on::PassOn;
use crate::simd::{Isa, run};
use crate::tensors::{channels_first, channels_last, gradients, pack, slice, with_slice};
use crate::winograd::Direction;

/// The operation on `(input, parameters)` or `(input, parameters, residual)`; images are channels last.
struct Convolution {
    geometry: Geometry,
    isa: Isa,
}

pub(super) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    geometry: Geometry,
) -> Result<Tensor> {
    let parameters = pack(weight, bias)?;
    let input = channels_last(input)?;
    let convolution = Convolution { geometry, isa: Isa::current()? };
    let out = match residual {
        Some(residual) => input.apply_op3(&parameters, &channels_last(residual)?, convolution)?,
        None => input.apply_op2(&parameters, convolution)?,
    };
    channels_first(&out)
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        "simgan-conv2d"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok(self.forward(slice(input, input_layout)?, slice(parameters, parameters_layout)?, None))
    }

    fn bwd(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.backward(input, parameters, out, gradient)
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "simgan-conv2d-residual"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let residual = slice(residual, residual_layout)?;
        Ok(self.forward(slice(input, input_layout)?, slice(parameters, parameters_layout)?, Some(residual)))
    }

    fn bwd(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        residual: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (of_input, of_parameters) = self.backward(input, parameters, out, gradient)?;
        let of_residual = residual.track_op().then(|| self.before_relu(out, gradient)).transpose()?;
        Ok((of_input, of_parameters, of_residual))
    }
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

impl Convolution {
    fn forward(&self, input: &[f32], parameters: &[f32], residual: Option<&[f32]>) -> (CpuStorage, Shape) {
        let geometry = &self.geometry;
        let layer = Layer::new(geometry, self.isa, parameters, Direction::Forward);
        let size = geometry.image_out();
        let mut out = vec![0.0; geometry.images * size];
        let work =
            input.par_chunks_exact(geometry.image_in()).zip(out.par_chunks_exact_mut(size)).enumerate();
        work.for_each(|(at, (image, out))| {
            let residual = residual.map(|residual| &residual[at * size..][..size]);
            BUFFERS.with_borrow_mut(|buffers| layer.forward(image, residual, out, buffers));
        });
        let Geometry { images, channels_out, size_out: [rows, columns], .. } = *geometry;
        (CpuStorage::F32(out), Shape::from((images, rows, columns, channels_out)))
    }

    fn backward(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let wants = [input.track_op(), parameters.track_op()];
        let (of_input, of_parameters) = with_slice(input, |input| {
            with_slice(parameters, |parameters| {
                with_slice(out, |out| {
                    with_slice(gradient, |gradient| {
                        Ok(self.gradients(&Batch { input, out, gradient }, parameters, wants))
                    })
                })
            })
        })?;
        gradients([wants[0].then_some(of_input), wants[1].then_some(of_parameters)], [input, parameters])
    }

    /// Returns the gradients of the input and of the parameters, each empty if unwanted.
    fn gradients(
        &self,
        batch: &Batch<'_>,
        parameters: &[f32],
        [wants_input, wants_parameters]: [bool; 2],
    ) -> (Vec<f32>, Vec<f32>) {
        let geometry = &self.geometry;
        let layer = Layer::new(geometry, self.isa, parameters, Direction::Backward);
        let mut of_input = vec![0.0; if wants_input { batch.input.len() } else { 0 }];
        let image = geometry.image_in();
        let of_group = |images: Range<usize>, of_input: &mut [f32]| {
            let mut sums = wants_parameters.then(|| layer.zeros());
            self.of_group(&batch.part(geometry, images), &layer, of_input, sums.as_mut());
            sums
        };
        let add = |sums: &mut Option<Sums>, other| Sums::add_wanted(sums, other, self.isa);
        let sums = sum_over_groups(geometry.images, &mut of_input, image, of_group, add);
        let mut of_parameters = Vec::new();
        if wants_parameters {
            layer.flatten(&sums.flatten().unwrap_or_else(|| layer.zeros()), &mut of_parameters);
        }
        (of_input, of_parameters)
    }

    /// Writes the input gradients of a group's images unless `of_input` is empty; adds the gradients of
    /// weights and bias to `sums` if wanted.
    fn of_group(&self, batch: &Batch<'_>, layer: &Layer, of_input: &mut [f32], mut sums: Option<&mut Sums>) {
        let geometry = &self.geometry;
        let mut of_input = of_input.chunks_exact_mut(geometry.image_in());
        let results = batch.out.chunks_exact(geometry.image_out());
        let gradients = batch.gradient.chunks_exact(geometry.image_out());
        for (image, (out, gradient)) in
            batch.input.chunks_exact(geometry.image_in()).zip(results.zip(gradients))
        {
            let (known, of_image) = (Known { image, out, gradient }, of_input.next());
            BUFFERS.with_borrow_mut(|buffers| layer.backward(known, sums.as_deref_mut(), of_image, buffers));
        }
    }

    /// Returns the gradient before the ReLU, which is also the gradient of the residual.
    fn before_relu(&self, out: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        if !self.geometry.options.relu {
            return gradient.contiguous();
        }
        let masked = with_slice::<f32, _>(out, |out| {
            with_slice::<f32, _>(gradient, |gradient| {
                let mut masked = vec![0.0; gradient.len()];
                run(self.isa, PassOn { gradient, mask: Some(out), to: &mut masked, adds: false });
                Ok(masked)
            })
        })?;
        Tensor::from_vec(masked, out.shape(), out.device())
    }
}

/// Some images, their results and the results' gradients.
struct Batch<'a> {
    input: &'a [f32],
    out: &'a [f32],
    gradient: &'a [f32],
}

impl Batch<'_> {
    fn part(&self, geometry: &Geometry, images: Range<usize>) -> Self {
        let input = &self.input[images.start * geometry.image_in()..images.end * geometry.image_in()];
        let results = images.start * geometry.image_out()..images.end * geometry.image_out();
        Self { input, out: &self.out[results.clone()], gradient: &self.gradient[results] }
    }
}
