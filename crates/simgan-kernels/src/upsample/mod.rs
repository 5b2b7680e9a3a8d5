//! Doubling of an image by repeating each pixel.

pub(crate) mod cpu;
pub(crate) mod reference;

use candle_core::{Result, Tensor, bail};

use crate::backend::Backend;
use crate::graph::{Node, cpu::graph};
use crate::precision::Precision;

/// Doubles both sides of images; each pixel becomes 2×2 equal ones.
///
/// # Shapes
/// `(N, C, H, W)` -> `(N, C, 2 * H, 2 * W)`.
///
/// # Errors
/// If `input` does not have four axes.
pub fn upsample2d(input: &Tensor) -> Result<Tensor> {
    check(input)?;
    match Backend::of(input) {
        Backend::Cpu if input.elem_count() > 0 => {
            let node = Node::Upsample { input: 0, add: None };
            let mut results = graph(input, &[node], &[1], false, Precision::F32)?;
            Ok(results.swap_remove(0))
        }
        Backend::Cpu | Backend::CpuDouble | Backend::Cudnn | Backend::Composed => reference::double(input),
    }
}

fn check(input: &Tensor) -> Result<()> {
    match input.dims() {
        [_, _, _, _] => Ok(()),
        dims => bail!("upsample2d takes images (N, C, H, W), not {dims:?}"),
    }
}
