//! Fully connected layers.

mod cpu;
pub(crate) mod reference;

use candle_core::{Result, Tensor, bail};

use crate::backend::Backend;
use crate::precision::Precision;

/// Minimum number of weights that the kernels serve: for fewer, preparing takes longer than multiplying.
const FEWEST_WEIGHTS: usize = 4096;

/// A fully connected layer, `input · weightᵀ + bias`, and a ReLU if wanted. Its products are in `precision` on the CPU
/// if there are at least 4,096 weights; else, and on a GPU, in the tensors' own type.
///
/// # Shapes
/// `input` `(N, I)`, `weight` `(O, I)`, `bias` `(O)` -> `(N, O)`.
///
/// # Errors
/// If the shapes do not fit together, or this machine does not compute in the precision.
pub fn linear_in(
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    relu: bool,
    precision: Precision,
) -> Result<Tensor> {
    check(input, weight, bias)?;
    let backend = Backend::serving(input, precision)?;
    precision.check(input.device())?;
    let served = weight.elem_count() >= FEWEST_WEIGHTS && input.dim(0)? > 0;
    let alike = [weight, bias].iter().all(|tensor| Backend::of(tensor) == backend);
    match backend {
        Backend::Cpu if served && alike => cpu::linear(input, weight, bias, relu, precision),
        Backend::Cpu | Backend::CpuDouble | Backend::Cudnn | Backend::Composed => {
            reference::composed(input, weight, bias, relu)
        }
    }
}

fn check(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<()> {
    match (input.dims(), weight.dims(), bias.dims()) {
        ([_, of_input], [outputs, inputs], [of_bias]) if of_input == inputs && of_bias == outputs => Ok(()),
        (input, weight, bias) => bail!(
            "a fully connected layer takes inputs (N, I), weights (O, I) and biases (O), not {input:?}, {weight:?} and {bias:?}"
        ),
    }
}
