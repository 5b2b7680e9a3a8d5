//! Vectors of AArch64: NEON.

use std::arch::aarch64::*;

use super::{Simd, Task};

/// Vectors of 4 numbers; a value proves that the processor has NEON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

// SAFETY of every block below: `self` proves that the processor has NEON; for loads and stores, the caller
// vouches for the memory.
impl Simd for Neon {
    type Vector = float32x4_t;
    const LANES: usize = 4;
    // 24 vectors of sums, 2 of the right factor and 1 of the left: 27 of the 32 registers.
    const ROWS: usize = 12;
    const CHAINS: usize = 4;
    const PAIRS: bool = false;

    fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "neon")]
        fn with_features<T: Task>(simd: Neon, task: T) -> T::Output {
            task.run(simd)
        }
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { with_features(self, task) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn relu(self, a: float32x4_t) -> float32x4_t {
        // SAFETY: see above. The instruction returns NaN if an operand is NaN.
        unsafe { vmaxq_f32(a, vdupq_n_f32(0.0)) }
    }

    #[inline(always)]
    fn keep_positive(self, mask: float32x4_t, a: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe {
            let dropped = vcleq_f32(mask, vdupq_n_f32(0.0));
            vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a), dropped))
        }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: float32x4_t) {
        // SAFETY: see above.
        unsafe { vst1q_f32(to, a) }
    }
}
