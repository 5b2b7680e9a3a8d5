use candle_core::Tensor;

/// Calls `work` with up to `batch` images of `(N, C, H, W)` at a time, in order, so that memory does not grow
/// with N.
///
/// # Errors
///
/// If `images` has no first dimension, or `work` fails.
///
/// # Panics
///
/// If `batch` is 0.
pub fn for_batches<E: From<candle_core::Error>>(
    images: &Tensor,
    batch: usize,
    mut work: impl FnMut(&Tensor) -> Result<(), E>,
) -> Result<(), E> {
    let n_images = images.dim(0)?;
    (0..n_images).step_by(batch).try_for_each(|start| {
        let images = images.narrow(0, start, batch.min(n_images - start))?;
        work(&images)
    })
}

/// Applies `forward` to up to `batch` images at a time and concatenates the results along the first
/// dimension, without their gradients.
///
/// # Errors
///
/// Those of [`for_batches`], and if there is no image.
///
/// # Panics
///
/// If `batch` is 0.
pub fn forward_batched<E: From<candle_core::Error>>(
    images: &Tensor,
    batch: usize,
    mut forward: impl FnMut(&Tensor) -> Result<Tensor, E>,
) -> Result<Tensor, E> {
    let mut outputs = Vec::new();
    for_batches::<E>(images, batch, |images| {
        // Detached, so that the graph of a batch is freed before the next one.
        outputs.push(forward(images)?.detach());
        Ok::<(), E>(())
    })?;
    Ok(Tensor::cat(&outputs, 0)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Error};

    use super::*;

    #[test]
    fn the_last_batch_may_be_smaller() {
        let images = Tensor::arange(0f32, 7.0, &Device::Cpu).unwrap().reshape((7, 1, 1, 1)).unwrap();
        let mut sizes = Vec::new();
        let doubled = forward_batched(&images, 3, |batch| {
            sizes.push(batch.dim(0)?);
            batch * 2.0
        });
        let doubled = doubled.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(sizes, [3, 3, 1]);
        assert_eq!(doubled, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert!(forward_batched::<Error>(&images.narrow(0, 0, 0).unwrap(), 3, |_| unreachable!()).is_err());
    }
}
