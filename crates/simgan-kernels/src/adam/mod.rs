//! Adam's step in place. Composed from candle's operations, it takes a dozen passes over memory, each of
//! which allocates its result.

mod cpu;
pub(crate) mod reference;

use candle_core::{Result, Tensor, bail};

use crate::backend::Backend;

/// One step of Adam (Kingma and Ba, 2015, with bias correction).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay rates of the running means of the gradient and of its square, each in [0, 1).
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Learning rate.
    pub lr: f64,
    /// Number of this step, counted from 1.
    pub step: i64,
}

impl Adam {
    /// Updates `parameter` and its two moments, mean and mean square, in place: writes to their memory. On
    /// the CPU in `f32` the result equals [`reference::adam`](crate::reference::adam)'s bit for bit;
    /// elsewhere that function computes it.
    ///
    /// # Shapes
    /// All four tensors have one shape. Parameter and moments are contiguous.
    ///
    /// # Errors
    /// If shapes, types or devices differ, or the parameter or a moment is not contiguous.
    pub fn apply(self, parameter: &Tensor, gradient: &Tensor, moments: [&Tensor; 2]) -> Result<()> {
        if [gradient, moments[0], moments[1]].iter().any(|tensor| tensor.dims() != parameter.dims()) {
            bail!("Adam's tensors have different shapes: {:?} and {:?}", parameter.dims(), gradient.dims());
        }
        if ![parameter, moments[0], moments[1]].iter().all(|tensor| tensor.is_contiguous()) {
            bail!("Adam writes only to contiguous tensors");
        }
        match Backend::of(parameter) {
            Backend::Cpu => cpu::apply(self, parameter, gradient, moments),
            Backend::CpuDouble | Backend::Cudnn | Backend::Composed => {
                reference::apply(self, parameter, gradient, moments)
            }
        }
    }
}
