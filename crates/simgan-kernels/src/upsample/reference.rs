//! Doubling composed from candle's operations.

use candle_core::{Result, Tensor};

use super::check;

/// [`upsample2d`](crate::upsample2d()) composed from candle's operations, with the same contract.
///
/// # Errors
/// Those of [`upsample2d`](crate::upsample2d()).
pub fn upsample2d(input: &Tensor) -> Result<Tensor> {
    check(input)?;
    double(input)
}

pub(crate) fn double(input: &Tensor) -> Result<Tensor> {
    let (images, channels, rows, columns) = input.dims4()?;
    let pixels = input.contiguous()?.reshape((images, channels, rows, 1, columns, 1))?;
    let repeated = pixels.broadcast_as((images, channels, rows, 2, columns, 2))?;
    repeated.contiguous()?.reshape((images, channels, 2 * rows, 2 * columns))
}
