//! Batch normalisation (Ioffe and Szegedy, 2015), with the ReLU that follows it in one operation.

pub(crate) mod cpu;
pub(crate) mod reference;

use candle_core::{Result, Tensor, bail};

use crate::backend::Backend;
use crate::graph::{Node, cpu::graph};
use crate::precision::Precision;

/// Added to the variance, as in PyTorch.
pub(crate) const EPSILON: f64 = 1e-5;
/// Weight of a batch in the running statistics, as in PyTorch.
pub(crate) const MOMENTUM: f64 = 0.1;

/// The parameters and running statistics of a batch normalisation, each `(C,)`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Factor of each normalised channel.
    pub weight: &'a Tensor,
    /// Added to each channel.
    pub bias: &'a Tensor,
    /// Running mean of the batches, which training updates in place.
    pub running_mean: &'a Tensor,
    /// Running unbiased variance of the batches, which training updates in place.
    pub running_var: &'a Tensor,
}

impl BatchNorm<'_> {
    /// Checks that everything fits `channels` channels of the type and on the device of `images`.
    pub(crate) fn check(&self, channels: usize, images: &Tensor) -> Result<()> {
        for tensor in [self.weight, self.bias, self.running_mean, self.running_var] {
            let fits = tensor.dims() == [channels]
                && tensor.dtype() == images.dtype()
                && tensor.device().same_device(images.device());
            if !fits {
                bail!("batch_norm of {channels} channels of {:?} takes no {tensor:?}", images.dtype());
            }
        }
        Ok(())
    }

    /// Moves the running statistics towards those of a batch, `(C,)` each; `var` is unbiased.
    pub(crate) fn update(&self, mean: &Tensor, var: &Tensor) -> Result<()> {
        for (running, batch) in [(self.running_mean, mean), (self.running_var, var)] {
            let running = running.detach();
            let moved = ((&running * (1.0 - MOMENTUM))? + (batch.detach() * MOMENTUM)?)?;
            running.slice_set(&moved, 0, 0)?;
        }
        Ok(())
    }
}

/// Normalises each channel, then applies `max(0, ·)` if `relu`.
///
/// In training, the mean and variance are those of the batch, and the running statistics move towards them by
/// a tenth (the variance unbiased). Otherwise they are the running statistics. 1e-5 is added to the variance.
///
/// # Shapes
/// `(N, C, H, W)` -> the same.
///
/// # Errors
/// If shapes, types or devices do not fit, or a batch in training has fewer than two values a channel.
pub fn batch_norm(input: &Tensor, norm: BatchNorm<'_>, relu: bool, train: bool) -> Result<Tensor> {
    check(input, norm, train)?;
    match Backend::of(input) {
        Backend::Cpu if input.elem_count() > 0 => {
            let node = Node::BatchNorm { input: 0, norm, relu };
            let mut results = graph(input, &[node], &[1], train, Precision::F32)?;
            Ok(results.swap_remove(0))
        }
        Backend::Cpu | Backend::CpuDouble | Backend::Cudnn | Backend::Composed => {
            reference::normalize(input, norm, relu, train)
        }
    }
}

pub(crate) fn check(input: &Tensor, norm: BatchNorm<'_>, train: bool) -> Result<()> {
    let &[images, channels, rows, columns] = input.dims() else {
        bail!("batch_norm takes images (N, C, H, W), not {:?}", input.dims());
    };
    check_count(images * rows * columns, train)?;
    norm.check(channels, input)
}

/// A single value has no variance.
pub(crate) fn check_count(values: usize, train: bool) -> Result<()> {
    if train && values < 2 {
        bail!("batch_norm in training needs at least two values a channel, not {values}");
    }
    Ok(())
}
