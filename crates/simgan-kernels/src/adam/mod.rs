//! Adam's step in place: candle composes it of a dozen passes over memory, each with a result of its own.

mod cpu;
pub(crate) mod reference;

use candle_core::{Result, Tensor, bail};

use crate::backend::Backend;

/// One step of Adam (Kingma and Ba, 2015, with bias correction).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the gradient's mean and of its square's.
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Learning rate.
    pub lr: f64,
    /// Counts from 1.
    pub step: i64,
}

impl Adam {
    /// Moves `parameter` and its two moments in place: their memory is written to. On the CPU in `f32` the
    /// result is [`reference::adam`](crate::reference::adam)'s, bit for bit; elsewhere it is computed by it.
    ///
    /// # Shapes
    /// All four tensors have one shape. Parameter and moments are contiguous.
    ///
    /// # Errors
    /// Shapes, types or devices that differ, or a parameter or moment that is not contiguous.
    pub fn apply(self, parameter: &Tensor, gradient: &Tensor, moments: [&Tensor; 2]) -> Result<()> {
        if [gradient, moments[0], moments[1]].iter().any(|tensor| tensor.dims() != parameter.dims()) {
            bail!("Adam's tensors have different shapes: {:?} and {:?}", parameter.dims(), gradient.dims());
        }
        if ![parameter, moments[0], moments[1]].iter().all(|tensor| tensor.is_contiguous()) {
            bail!("Adam writes to contiguous tensors alone");
        }
        match Backend::of(parameter) {
            Backend::Cpu => cpu::apply(self, parameter, gradient, moments),
            Backend::CpuDouble | Backend::Composed => reference::apply(self, parameter, gradient, moments),
        }
    }
}
