//! The one place that decides which kernels serve a tensor.

use candle_core::{DType, Device, Tensor};

/// The kernels that serve a device and a type. Each operation matches on it, so that the compiler asks every
/// one of them for its answer to a new row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// `f32` in the CPU's memory: vector kernels, for the instruction set that
    /// [`Isa::current`](crate::simd::Isa) names.
    Cpu,
    /// `f64` in the CPU's memory: plain kernels for gradient checks, and compositions of them.
    CpuDouble,
    /// All else: compositions of candle's own operations.
    Composed,
}

impl Backend {
    /// Of an operation's first argument; the operations themselves refuse arguments of other devices and
    /// types.
    pub(crate) fn of(tensor: &Tensor) -> Self {
        match (tensor.device(), tensor.dtype()) {
            (Device::Cpu, DType::F32) => Self::Cpu,
            (Device::Cpu, DType::F64) => Self::CpuDouble,
            (Device::Cpu | Device::Cuda(_) | Device::Metal(_), _) => Self::Composed,
        }
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
