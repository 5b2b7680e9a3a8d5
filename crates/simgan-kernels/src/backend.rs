//! The one place that decides which kernels serve a tensor.

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::precision::Precision;

/// The kernels that serve a device and a type. Every operation matches on it exhaustively, so that the
/// compiler points out each one that a new variant must handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// `f32` in CPU memory: vector kernels for the instruction set that [`Isa::current`](crate::simd::Isa)
    /// names.
    Cpu,
    /// `f64` in CPU memory: plain kernels for gradient checks, and compositions of them.
    CpuDouble,
    /// `f32`, `f64` and `bf16` on a GPU whose build has cuDNN: its convolutions and pools, and compositions of
    /// candle's operations for the rest.
    Cudnn,
    /// Everything else: compositions of candle's own operations.
    Composed,
}

impl Backend {
    /// Chooses by an operation's first argument; the operation itself rejects arguments on other devices or
    /// of other types.
    pub(crate) fn of(tensor: &Tensor) -> Self {
        match (tensor.device(), tensor.dtype()) {
            (Device::Cpu, DType::F32) => Self::Cpu,
            (Device::Cpu, DType::F64) => Self::CpuDouble,
            (Device::Cuda(_), DType::F32 | DType::F64 | DType::BF16) if cfg!(feature = "cudnn") => {
                Self::Cudnn
            }
            (Device::Cpu | Device::Cuda(_) | Device::Metal(_), _) => Self::Composed,
        }
    }

    /// Chooses like [`Self::of`].
    ///
    /// # Errors
    /// If the kernels do not compute in the precision.
    pub(crate) fn serving(tensor: &Tensor, precision: Precision) -> Result<Self> {
        let backend = Self::of(tensor);
        let rounds = backend == Self::Cpu || (backend == Self::Cudnn && tensor.dtype() == DType::F32);
        if precision == Precision::Bf16 && !rounds {
            bail!(
                "products in bf16 are for f32 on the CPU, or on a GPU with cuDNN, not for {:?} on {:?}",
                tensor.dtype(),
                tensor.device()
            );
        }
        Ok(backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_on_the_cpu_have_their_kernels() {
        let of = |dtype| Backend::of(&Tensor::zeros(1, dtype, &Device::Cpu).unwrap());
        assert_eq!(
            [DType::F32, DType::F64, DType::BF16].map(of),
            [Backend::Cpu, Backend::CpuDouble, Backend::Composed]
        );
    }
}
