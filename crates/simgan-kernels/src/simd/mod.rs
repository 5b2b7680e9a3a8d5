//! Vectors of `f32` whose width is chosen at run time: each kernel is written once, for any width.
//!
//! A kernel is a [`Task`]: [`run`] calls it with the vectors of an [`Isa`] inside a function compiled for
//! that instruction set. Everything a task does with vectors must be `#[inline(always)]`, so that it is
//! compiled for that instruction set too. A value of a vector type's token, such as `Avx512`, proves that the
//! processor has the instructions.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

use candle_core::{Result, bail};

use crate::amx::Amx;
use crate::precision::Precision;

/// The environment variable that names the instruction set to use instead of the best one.
const VARIABLE: &str = "SIMGAN_KERNELS_ISA";
const NO_BF16: &str =
    "bf16 needs a processor with AVX512-BF16 (and no other instruction set in SIMGAN_KERNELS_ISA)";
/// Arrays of vectors have a multiple of this many elements, whatever the instruction set: the lanes of the
/// widest vector.
pub(crate) const BLOCK: usize = 16;

/// The smallest multiple of [`BLOCK`] that holds `count` elements.
pub(crate) const fn padded(count: usize) -> usize {
    count.next_multiple_of(BLOCK)
}

/// Builds an array of vectors, element by element. `std::array::from_fn` is not always inlined, and would
/// then not be compiled for these vectors.
macro_rules! array {
    ($simd:ident, |$at:ident| $value:expr) => {{
        let mut vectors = [$simd.splat(0.0); _];
        for $at in 0..vectors.len() {
            vectors[$at] = $value;
        }
        vectors
    }};
}

pub(crate) use array;

/// Operations on vectors of `LANES` numbers; `LANES` divides [`BLOCK`].
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    type Vector: Copy;
    const LANES: usize;
    /// Rows of two vectors whose sums a matrix product holds in registers.
    const ROWS: usize;
    /// Partial sums of each element in a long matrix product, which then holds as many times fewer rows: 2 or
    /// 4.
    const CHAINS: usize;
    /// Whether the factors of [`Self::add_products`] are pairs of bf16 numbers.
    const PAIRS: bool;
    /// Numbers in a word, which is as long as an `f32`, of a factor.
    const PER_WORD: usize = if Self::PAIRS { 2 } else { 1 };

    /// Runs a task in a function of its own that is compiled for these vectors.
    fn run<T: Task>(self, task: T) -> T::Output;

    /// The proof that tiles multiply words, if they do.
    #[inline(always)]
    fn amx(self) -> Option<Amx> {
        None
    }

    fn splat(self, value: f32) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the processor can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `max(0, a)`; NaN stays NaN.
    fn relu(self, a: Self::Vector) -> Self::Vector;
    /// `a`, or 0 where `mask <= 0`. NaN in `mask` keeps `a`.
    fn keep_positive(self, mask: Self::Vector, a: Self::Vector) -> Self::Vector;

    /// # Safety
    /// `LANES` numbers can be read from `from`, which need not be aligned.
    unsafe fn load(self, from: *const f32) -> Self::Vector;
    /// # Safety
    /// `LANES` numbers can be written to `to`, which need not be aligned.
    unsafe fn store(self, to: *mut f32, a: Self::Vector);

    /// Loads the numbers of `LANES / PER_WORD` words.
    ///
    /// # Safety
    /// The words can be read from `from`, which need not be aligned.
    #[inline(always)]
    unsafe fn load_words(self, from: *const f32) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { self.load(from) }
    }

    /// `c` plus the products of the numbers in the words of `a` and `b`.
    #[inline(always)]
    fn add_products(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        self.mul_add(a, b, c)
    }
    /// Returns words that hold the numbers of `a` and, with pairs, those of `b` behind them.
    #[inline(always)]
    fn words(self, a: Self::Vector, _b: Self::Vector) -> Self::Vector {
        a
    }
    /// Stores the numbers of a vector as words: with pairs, half as many.
    ///
    /// # Safety
    /// `LANES / PER_WORD` words can be written to `to`, which need not be aligned.
    #[inline(always)]
    unsafe fn store_words(self, to: *mut f32, a: Self::Vector) {
        // SAFETY: the caller's promise.
        unsafe { self.store(to, a) }
    }
    /// Stores the numbers of two vectors as words, one after the other.
    ///
    /// # Safety
    /// `2 * LANES / PER_WORD` words can be written to `to`, which need not be aligned.
    #[inline(always)]
    unsafe fn store_two_in_words(self, to: *mut f32, a: Self::Vector, b: Self::Vector) {
        // SAFETY: the caller's promise.
        unsafe {
            self.store_words(to, a);
            self.store_words(to.add(Self::LANES / Self::PER_WORD), b);
        }
    }
}

/// A computation with vectors of any width.
pub(crate) trait Task {
    type Output;
    /// Must be `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512<false>),
    /// The same, with AMX's tiles for products of bf16 numbers.
    #[cfg(target_arch = "x86_64")]
    Amx(x86::Avx512<false>),
    /// AVX-512 with products of bf16 numbers; never chosen unasked.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16(x86::Avx512<true>),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    Portable(portable::Portable),
}

impl Isa {
    /// Returns the instruction set named by `SIMGAN_KERNELS_ISA`, or else the best one.
    ///
    /// # Errors
    /// If the variable names no instruction set that this processor has.
    pub(crate) fn current() -> Result<Self> {
        static CURRENT: OnceLock<std::result::Result<Isa, String>> = OnceLock::new();
        let current = CURRENT.get_or_init(|| match std::env::var(VARIABLE) {
            Ok(name) if !name.is_empty() => Self::named(&name),
            _ => Ok(Self::available()[0]),
        });
        match current {
            Ok(isa) => Ok(*isa),
            Err(message) => bail!("{message}"),
        }
    }

    /// Returns the instruction set that computes products in a precision.
    ///
    /// # Errors
    /// If this processor has none, or `SIMGAN_KERNELS_ISA` names one without.
    pub(crate) fn of(precision: Precision) -> Result<Self> {
        let current = Self::current()?;
        match precision {
            Precision::F32 => Ok(current),
            #[cfg(target_arch = "x86_64")]
            Precision::Bf16 => match (current, x86::Avx512::detect()) {
                (Self::Avx512(_), Some(simd)) => Ok(Self::Avx512Bf16(simd)),
                (Self::Amx(_), Some(simd)) => Ok(Self::Avx512Bf16(simd.with_amx(Amx::ask()))),
                _ => bail!("{NO_BF16}"),
            },
            #[cfg(not(target_arch = "x86_64"))]
            Precision::Bf16 => bail!("{NO_BF16}"),
        }
    }

    /// Whether products of bf16 use tiles.
    pub(crate) fn has_tiles(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(simd) => simd.amx().is_some(),
            _ => false,
        }
    }

    /// The precision of the factors of products.
    pub(crate) fn precision(self) -> Precision {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) => Precision::Bf16,
            _ => Precision::F32,
        }
    }

    /// Whether products of bf16 take less time than those of `f32`.
    pub(crate) fn has_fast_pairs(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(simd) => simd.has_fast_pairs(),
            _ => false,
        }
    }

    fn named(name: &str) -> std::result::Result<Self, String> {
        let available = Self::available();
        available.iter().find(|isa| isa.name() == name).copied().ok_or_else(|| {
            let names: Vec<&str> = available.iter().map(Self::name).collect();
            format!("{VARIABLE} is {name:?}, but this processor has {}", names.join(", "))
        })
    }

    /// The instruction sets of this processor, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = x86::Avx512::detect();
            available.extend(avx512.filter(|_| crate::amx::is_present()).map(Self::Amx));
            available.extend(avx512.map(Self::Avx512));
            available.extend(x86::Avx2::detect().map(Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        available.extend(neon::Neon::detect().map(Self::Neon));
        available.push(Self::Portable(portable::Portable));
        available
    }

    /// The name of the instruction set in `SIMGAN_KERNELS_ISA`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "amx",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) => "avx512 in bf16",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            Self::Portable(_) => "portable",
        }
    }
}

/// Runs a task with the vectors of an instruction set.
pub(crate) fn run<T: Task>(isa: Isa, task: T) -> T::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(simd) | Isa::Amx(simd) => simd.run(task),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16(simd) => simd.run(task),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(simd) => simd.run(task),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(simd) => simd.run(task),
        Isa::Portable(simd) => simd.run(task),
    }
}
