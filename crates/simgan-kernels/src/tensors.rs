//! Conversions between candle's tensors and slices.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, WithDType, bail};

/// The elements of a contiguous storage.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        bail!("a kernel was given a tensor that is not contiguous: {layout:?}");
    };
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// Calls `f` with the elements of a tensor in the CPU's memory, in row-major order.
pub(crate) fn with_slice<T: WithDType, R>(tensor: &Tensor, f: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => bail!("a CPU kernel was given a tensor on {:?}", tensor.device()),
    }
}

/// Turns the gradients that are wanted into tensors like what they are of.
pub(crate) fn gradients<T: WithDType>(
    of: [Option<Vec<T>>; 2],
    like: [&Tensor; 2],
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let tensor = |(values, like): (Option<Vec<T>>, &Tensor)| {
        values.map(|values| Tensor::from_vec(values, like.shape(), like.device())).transpose()
    };
    let ([first, second], [like_first, like_second]) = (of, like);
    Ok((tensor((first, like_first))?, tensor((second, like_second))?))
}

/// Rearranges `(N, C, H, W)` into contiguous `(N, H, W, C)`; copies only if the memory is laid out otherwise.
pub(crate) fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    tensor.permute((0, 2, 3, 1))?.contiguous()
}

/// Views `(N, H, W, C)` as `(N, C, H, W)`, without a copy.
pub(crate) fn channels_first(tensor: &Tensor) -> Result<Tensor> {
    tensor.permute((0, 3, 1, 2))
}

/// Concatenates a convolution's weights and its bias (zeros if it has none): candle's custom operations take
/// at most three tensors.
pub(crate) fn pack(weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let bias = match bias {
        Some(bias) => bias.clone(),
        None => Tensor::zeros(weight.dim(0)?, weight.dtype(), weight.device())?,
    };
    Tensor::cat(&[weight.flatten_all()?, bias], 0)
}
