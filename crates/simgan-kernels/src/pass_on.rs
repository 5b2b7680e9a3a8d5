//! Gradients that an operation passes on.

use crate::simd::{Simd, Task};

/// Writes or adds a gradient, or 0 where `mask`, the result of a ReLU, is 0.
pub(crate) struct PassOn<'a> {
    pub(crate) gradient: &'a [f32],
    pub(crate) mask: Option<&'a [f32]>,
    pub(crate) to: &'a mut [f32],
    /// Whether to add to what is there.
    pub(crate) adds: bool,
}

impl<'a> PassOn<'a> {
    /// Adds numbers to others.
    pub(crate) fn sum(to: &'a mut [f32], gradient: &'a [f32]) -> Self {
        Self { gradient, mask: None, to, adds: true }
    }
}

impl Task for PassOn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { gradient, mask, to, adds } = self;
        match (mask, adds) {
            (None, false) => to.copy_from_slice(gradient),
            (None, true) => to.iter_mut().zip(gradient).for_each(|(to, gradient)| *to += gradient),
            (Some(mask), false) => stop_at_relu(mask, gradient, to),
            (Some(mask), true) => {
                for (to, (&mask, &gradient)) in to.iter_mut().zip(mask.iter().zip(gradient)) {
                    *to += if mask <= 0.0 { 0.0 } else { gradient };
                }
            }
        }
    }
}

/// Writes a gradient where the ReLU's result `out` is not 0, and 0 elsewhere.
#[inline(always)]
pub(crate) fn stop_at_relu(out: &[f32], gradient: &[f32], to: &mut [f32]) {
    for (to, (&out, &gradient)) in to.iter_mut().zip(out.iter().zip(gradient)) {
        *to = if out <= 0.0 { 0.0 } else { gradient };
    }
}
