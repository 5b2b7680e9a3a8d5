//! The type of the numbers that convolutions multiply.

use std::fmt;

use candle_core::{Device, Result, bail};

use crate::simd::Isa;

/// The precision of the factors in the products of [`refiner_in`](crate::refiner_in),
/// [`sequential_in`](crate::sequential_in), [`graph_in`](crate::graph_in) and [`linear_in`](crate::linear_in). Sums and
/// parameters are `f32` in either, and so are feature maps and gradients on the CPU, but for the maps that a refiner's
/// layers pass on where AMX multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Numbers of 32 bits.
    #[default]
    F32,
    /// Numbers of 16 bits with 8 bits of precision, on a CPU with AVX512-BF16 or a GPU with cuDNN. The GPU also
    /// rounds to them the feature maps between convolutions, and gradients.
    Bf16,
}

impl Precision {
    /// Numbers in a word, which is as long as an `f32`.
    pub(crate) fn per_word(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
        }
    }

    /// Checks that a device of this machine computes in this precision.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(self, device: &Device) -> Result<()> {
        match self {
            Self::F32 => Ok(()),
            Self::Bf16 if device.is_cpu() => Isa::of(self).map(|_| ()),
            #[cfg(feature = "cudnn")]
            Self::Bf16 if device.is_cuda() => crate::cudnn::check_bf16(device),
            Self::Bf16 => bail!(
                "products in bf16 are for the CPU, or a GPU with cuDNN, not for {:?}",
                device.location()
            ),
        }
    }
}

impl Precision {
    /// Whether a device computes faster in this precision than in `f32`.
    pub fn pays(self, device: &Device) -> bool {
        match self {
            Self::F32 => false,
            Self::Bf16 if device.is_cpu() => Isa::of(self).is_ok_and(Isa::has_fast_pairs),
            Self::Bf16 => self.check(device).is_ok(),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}
