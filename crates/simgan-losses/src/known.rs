use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, MetalStorage, Result, Shape, Storage, Tensor, bail,
};

/// Returns the scalar `value`, whose gradient by `input` is `gradient`.
///
/// Without it a loss of elementary operations is a chain of them in the backward pass too, each of which reads and writes
/// all of its numbers several times.
pub(crate) fn with_gradient(input: &Tensor, value: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    if gradient.dims() != input.dims() {
        bail!("a gradient {:?} of {:?}", gradient.dims(), input.dims());
    }
    // Of its own, because a storage is taken as a whole.
    let value = value.detach().force_contiguous()?;
    input.apply_op1(Known { value, gradient: gradient.detach() })
}

struct Known {
    value: Tensor,
    gradient: Tensor,
}

impl Known {
    /// Returns the value as a storage of its device.
    fn stored<S: BackendStorage>(&self, on_device: fn(&Storage) -> Option<&S>) -> Result<(S, Shape)> {
        let (storage, layout) = self.value.storage_and_layout();
        match on_device(&storage) {
            Some(storage) => Ok((storage.try_clone(layout)?, ().into())),
            None => bail!("a value on another device than its input"),
        }
    }
}

impl CustomOp1 for Known {
    fn name(&self) -> &'static str {
        "loss of a known gradient"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.stored(|storage| if let Storage::Cpu(storage) = storage { Some(storage) } else { None })
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.stored(|storage| if let Storage::Cuda(storage) = storage { Some(storage) } else { None })
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        self.stored(|storage| if let Storage::Metal(storage) = storage { Some(storage) } else { None })
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, of_loss: &Tensor) -> Result<Option<Tensor>> {
        self.gradient.broadcast_mul(of_loss).map(Some)
    }
}
