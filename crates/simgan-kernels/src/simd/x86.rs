//! Vectors of x86-64: AVX-512, and AVX2 with FMA.

use std::arch::x86_64::*;

use super::{Simd, Task};
use crate::amx::Amx;

/// Vectors of 16 numbers; a value proves that the processor has AVX-512F and, if products take `PAIRS` of
/// bf16, AVX512-BF16 and AVX-512BW; it may hold the proof of AMX.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512<const PAIRS: bool> {
    amx: Option<Amx>,
}

impl<const PAIRS: bool> Avx512<PAIRS> {
    pub(crate) fn detect() -> Option<Self> {
        let has_pairs = || {
            std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512bf16")
        };
        (std::arch::is_x86_feature_detected!("avx512f") && (!PAIRS || has_pairs()))
            .then_some(Self { amx: None })
    }
}

impl Avx512<true> {
    /// The same vectors, and tiles for products of pairs, if there are any.
    pub(crate) fn with_amx(self, amx: Option<Amx>) -> Self {
        Self { amx }
    }

    /// Whether products of pairs take less time than those of `f32`. Intel's vectors multiply half as many pairs at a
    /// time as AMD's: without tiles, a Xeon refined 195 images a second in bf16 and 310 in `f32`.
    pub(crate) fn has_fast_pairs(self) -> bool {
        let vendor = __cpuid(0);
        let is_intel =
            [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel";
        self.amx.is_some() || !is_intel
    }
}

/// The places of 16-bit numbers that interleave the two halves of a vector.
const INTERLEAVED: [u16; 32] = {
    let mut places = [0; 32];
    let mut at = 0;
    while at < 32 {
        places[at] = (at / 2 + at % 2 * 16) as u16;
        at += 1;
    }
    places
};

// SAFETY of every block below: `self` proves that the processor has AVX-512F, and with `PAIRS` the rest; for
// loads and stores, the caller vouches for the memory.
impl<const PAIRS: bool> Simd for Avx512<PAIRS> {
    type Vector = __m512;
    const LANES: usize = 16;
    // 28 vectors of sums, 2 of the right factor and 1 of the left: 31 of the 32 registers.
    const ROWS: usize = 14;
    const CHAINS: usize = 4;
    const PAIRS: bool = PAIRS;

    fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx512f")]
        fn with_features<T: Task, const PAIRS: bool>(simd: Avx512<PAIRS>, task: T) -> T::Output {
            task.run(simd)
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
        fn with_pairs<T: Task, const PAIRS: bool>(simd: Avx512<PAIRS>, task: T) -> T::Output {
            task.run(simd)
        }
        // SAFETY: `self` proves that the processor has the features.
        unsafe { if PAIRS { with_pairs(self, task) } else { with_features(self, task) } }
    }

    #[inline(always)]
    fn amx(self) -> Option<Amx> {
        // Without pairs there is nothing for tiles, and nothing that uses them is compiled.
        if PAIRS { self.amx } else { None }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn relu(self, a: __m512) -> __m512 {
        // SAFETY: see above. If either operand is NaN, the instruction returns the second: NaN stays NaN.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
    }

    #[inline(always)]
    fn keep_positive(self, mask: __m512, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(mask, _mm512_setzero_ps()), a) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: __m512) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to, a) }
    }

    #[inline(always)]
    unsafe fn load_words(self, from: *const f32) -> __m512 {
        // SAFETY: see above. A number of bf16 is the upper half of one of `f32`.
        unsafe {
            if PAIRS {
                let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()));
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
            } else {
                self.load(from)
            }
        }
    }

    #[inline(always)]
    fn add_products(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        if !PAIRS {
            return self.mul_add(a, b, c);
        }
        // SAFETY: see above. Vectors of one size hold any bits.
        unsafe {
            let (a, b) =
                (std::mem::transmute::<__m512, __m512bh>(a), std::mem::transmute::<__m512, __m512bh>(b));
            _mm512_dpbf16_ps(c, a, b)
        }
    }

    #[inline(always)]
    fn words(self, a: __m512, b: __m512) -> __m512 {
        if !PAIRS {
            return a;
        }
        // SAFETY: see above. Vectors of one size hold any bits.
        unsafe {
            let halves = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(b, a));
            let places = _mm512_loadu_si512(INTERLEAVED.as_ptr().cast());
            _mm512_castsi512_ps(_mm512_permutexvar_epi16(places, halves))
        }
    }

    #[inline(always)]
    unsafe fn store_two_in_words(self, to: *mut f32, a: __m512, b: __m512) {
        // SAFETY: see above. Vectors of one size hold any bits.
        unsafe {
            if PAIRS {
                let words = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(b, a));
                _mm512_storeu_si512(to.cast(), words);
            } else {
                self.store(to, a);
                self.store(to.add(Self::LANES), b);
            }
        }
    }

    #[inline(always)]
    unsafe fn store_words(self, to: *mut f32, a: __m512) {
        // SAFETY: see above. Vectors of one size hold any bits.
        unsafe {
            if PAIRS {
                let words = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(a));
                _mm256_storeu_si256(to.cast(), words);
            } else {
                self.store(to, a);
            }
        }
    }
}

/// Vectors of 8 numbers; a value proves that the processor has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let has_both =
            std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        has_both.then_some(Self(()))
    }
}

// SAFETY of every block below: `self` proves that the processor has AVX2 and FMA; for loads and stores, the
// caller vouches for the memory.
impl Simd for Avx2 {
    type Vector = __m256;
    const LANES: usize = 8;
    // 12 vectors of sums, 2 of the right factor and 1 of the left: 15 of the 16 registers.
    const ROWS: usize = 6;
    const CHAINS: usize = 2;
    const PAIRS: bool = false;

    fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx2,fma")]
        fn with_features<T: Task>(simd: Avx2, task: T) -> T::Output {
            task.run(simd)
        }
        // SAFETY: `self` proves that the processor has the features.
        unsafe { with_features(self, task) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn relu(self, a: __m256) -> __m256 {
        // SAFETY: see above. If either operand is NaN, the instruction returns the second: NaN stays NaN.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), a) }
    }

    #[inline(always)]
    fn keep_positive(self, mask: __m256, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(mask, _mm256_setzero_ps()), a) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: __m256) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_ps(to, a) }
    }
}
