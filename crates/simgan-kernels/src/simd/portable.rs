//! Vectors for any processor: arrays, which the compiler vectorizes for its target.

use super::{Simd, Task};

/// Vectors of 4 numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

const LANES: usize = 4;

#[inline(always)]
fn map(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Simd for Portable {
    type Vector = [f32; LANES];
    const LANES: usize = LANES;
    // As for AVX2: SSE2, the baseline of x86-64, has 16 registers too.
    const ROWS: usize = 6;
    const CHAINS: usize = 2;
    const PAIRS: bool = false;

    #[inline(never)]
    fn run<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; LANES]
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        map(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // Not `f32::mul_add`, which calls a library function where the target has no such instruction.
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn relu(self, a: Self::Vector) -> Self::Vector {
        a.map(|a| if a <= 0.0 { 0.0 } else { a })
    }

    #[inline(always)]
    fn keep_positive(self, mask: Self::Vector, a: Self::Vector) -> Self::Vector {
        map(mask, a, |mask, a| if mask <= 0.0 { 0.0 } else { a })
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::Vector {
        // SAFETY: the caller vouches for LANES readable numbers.
        unsafe { from.cast::<Self::Vector>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, a: Self::Vector) {
        // SAFETY: the caller vouches for LANES writable numbers.
        unsafe { to.cast::<Self::Vector>().write_unaligned(a) }
    }
}
