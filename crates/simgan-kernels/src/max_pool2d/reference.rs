//! Max pooling composed from candle's operations, with correct gradients.

use candle_core::{Result, Tensor};

use super::{MaxPool2d, Windows};
use crate::conv2d::reference::every;

/// [`max_pool2d`](crate::max_pool2d) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`max_pool2d`](crate::max_pool2d).
pub fn max_pool2d(input: &Tensor, options: MaxPool2d) -> Result<Tensor> {
    pool(input, Windows::new(input.dims(), options)?)
}

pub(crate) fn pool(input: &Tensor, windows: Windows) -> Result<Tensor> {
    let MaxPool2d { kernel, stride, .. } = windows.options;
    let [rows, columns] = windows.size_out;
    let padded = pad(&pad(input, 2, &windows)?, 3, &windows)?;
    let mut largest: Option<Tensor> = None;
    for row in 0..kernel {
        let line = every(&padded, 2, row, rows, stride)?;
        for column in 0..kernel {
            let next = every(&line, 3, column, columns, stride)?.contiguous()?;
            largest = Some(match largest {
                None => next,
                Some(largest) => {
                    // `next != next` holds for NaN alone.
                    let takes_over = next.gt(&largest)?.maximum(&next.ne(&next)?)?;
                    takes_over.where_cond(&next, &largest)?
                }
            });
        }
    }
    match largest {
        Some(largest) => Ok(largest),
        None => Ok(input.clone()),
    }
}

/// Adds a border of −∞, which is never the maximum, and `stride - 1` more behind it so that [`every`] can cut
/// whole steps.
fn pad(input: &Tensor, dim: usize, windows: &Windows) -> Result<Tensor> {
    let MaxPool2d { padding, stride, .. } = windows.options;
    let border = |pixels: usize| {
        let mut dims = input.dims().to_vec();
        dims[dim] = pixels;
        Tensor::full(f32::NEG_INFINITY, dims, input.device())?.to_dtype(input.dtype())
    };
    let (before, after) = (border(padding)?, border(padding + stride - 1)?);
    let parts: Vec<&Tensor> =
        [&before, input, &after].into_iter().filter(|part| part.dims()[dim] > 0).collect();
    Tensor::cat(&parts, dim)
}
