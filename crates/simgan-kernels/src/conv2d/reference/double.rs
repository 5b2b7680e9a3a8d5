//! Convolution of `f64` on the CPU as an operation of candle's autograd, for gradient checks: unfolds and
//! multiplies, without optimizations.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use super::unfolded;
use crate::geometry::Geometry;
use crate::tensors::{pack, slice, with_slice};

/// The operation on `(input, parameters)` or `(input, parameters, residual)`.
///
/// candle's custom operations take at most three tensors, so the bias follows the weights in `parameters`.
struct Convolution(Geometry);

pub(in crate::conv2d) fn convolve(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
    geometry: Geometry,
) -> Result<Tensor> {
    let parameters = pack(weight, bias)?;
    let input = input.contiguous()?;
    match residual {
        Some(residual) => input.apply_op3(&parameters, &residual.contiguous()?, Convolution(geometry)),
        None => input.apply_op2(&parameters, Convolution(geometry)),
    }
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
        self.forward((input, input_layout), (parameters, parameters_layout), None)
    }

    fn bwd(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradients = self.backward(input, parameters, out, gradient, false)?;
        Ok((gradients.input, gradients.parameters))
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
        self.forward(
            (input, input_layout),
            (parameters, parameters_layout),
            Some((residual, residual_layout)),
        )
    }

    fn bwd(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        residual: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradients = self.backward(input, parameters, out, gradient, residual.track_op())?;
        Ok((gradients.input, gradients.parameters, gradients.residual))
    }
}

/// The gradients that the caller wants.
struct Gradients {
    input: Option<Tensor>,
    parameters: Option<Tensor>,
    residual: Option<Tensor>,
}

type Stored<'a> = (&'a CpuStorage, &'a Layout);

impl Convolution {
    fn forward(
        &self,
        (input, input_layout): Stored<'_>,
        (parameters, parameters_layout): Stored<'_>,
        residual: Option<Stored<'_>>,
    ) -> Result<(CpuStorage, Shape)> {
        let Geometry { images, channels_out, size_out: [rows, columns], .. } = self.0;
        let input = slice::<f64>(input, input_layout)?;
        let parameters = slice::<f64>(parameters, parameters_layout)?;
        let residual = residual.map(|(storage, layout)| slice::<f64>(storage, layout)).transpose()?;
        let out = unfolded::forward(&self.0, input, parameters, residual);
        Ok((CpuStorage::F64(out), Shape::from((images, channels_out, rows, columns))))
    }

    fn backward(
        &self,
        input: &Tensor,
        parameters: &Tensor,
        out: &Tensor,
        gradient: &Tensor,
        wants_residual: bool,
    ) -> Result<Gradients> {
        let wants = unfolded::Wants { input: input.track_op(), parameters: parameters.track_op() };
        let residual = self.before_relu(out, gradient)?;
        let (of_input, of_parameters) = with_slice::<f64, _>(input, |input| {
            with_slice::<f64, _>(parameters, |parameters| {
                with_slice::<f64, _>(&residual, |gradient| {
                    Ok(unfolded::backward(&self.0, input, parameters, gradient, wants))
                })
            })
        })?;
        let device = input.device();
        Ok(Gradients {
            input: wants.input.then(|| Tensor::from_vec(of_input, input.shape(), device)).transpose()?,
            parameters: wants
                .parameters
                .then(|| Tensor::from_vec(of_parameters, parameters.shape(), device))
                .transpose()?,
            residual: wants_residual.then_some(residual),
        })
    }

    /// Returns the gradient before the ReLU, which is also the gradient of the residual.
    fn before_relu(&self, out: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        if !self.0.options.relu {
            return gradient.contiguous();
        }
        let masked = with_slice::<f64, _>(out, |out| {
            with_slice::<f64, _>(gradient, |gradient| {
                Ok(out
                    .iter()
                    .zip(gradient)
                    .map(|(&out, &g)| if out <= 0.0 { 0.0 } else { g })
                    .collect::<Vec<_>>())
            })
        })?;
        Tensor::from_vec(masked, out.shape(), out.device())
    }
}
