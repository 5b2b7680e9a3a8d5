//! The instructions of AMX. Rust has no stable functions for them, so they are written in assembly. Tiles keep their
//! contents from one piece of assembly to the next: the compiler uses them for nothing of its own.

mod layout;

use std::arch::asm;
use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::{Left, PANEL, Right, SIDE, Sizes, step};
use crate::product::Rows;

/// Proves that the processor has AMX-BF16 and AVX-512, and that the system lets this process use them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx(());

impl Amx {
    /// Asks the system for tiles: only where they are wanted, since a process keeps them, and a thread's stack for
    /// signals must then hold them.
    pub(crate) fn ask() -> Option<Self> {
        static ALLOWED: OnceLock<bool> = OnceLock::new();
        ALLOWED.get_or_init(|| is_present() && ask_for_tiles()).then_some(Self(()))
    }
}

/// Whether processor and system have AVX-512, tiles, and their products of bf16.
pub(crate) fn is_present() -> bool {
    /// AMX-BF16 and AMX-TILE in the features of leaf 7.
    const FEATURES: u32 = 1 << 22 | 1 << 24;
    /// The tiles' configuration and data among the states that the system saves.
    const STATES: u64 = 1 << 17 | 1 << 18;
    #[target_feature(enable = "xsave")]
    fn states() -> u64 {
        // SAFETY: the caller checked that the system lets programs read the register.
        unsafe { _xgetbv(0) }
    }
    let has_avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    // `xsave` is detected only if the system uses it.
    if !has_avx512 || !is_x86_feature_detected!("xsave") || __cpuid(0).eax < 7 {
        return false;
    }
    // SAFETY: `xsave` was just detected.
    let states = unsafe { states() };
    __cpuid_count(7, 0).edx & FEATURES == FEATURES && states & STATES == STATES
}

/// Asks Linux for the tiles' data, which it gives only to processes that want it.
fn ask_for_tiles() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: the call reads and writes no memory of this process; it changes the registers named here.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// The shapes of the eight tiles, as the processor reads them.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    unused: [u8; 15],
    bytes: [u16; 16],
    rows: [u8; 16],
}

/// The sums: of the first and of the second tile of rows, each with two tiles of columns.
const SUMS: [usize; 4] = [0, 1, 2, 3];
/// The factors: two tiles of rows, and two of columns.
const LEFT: [usize; 2] = [4, 5];
const RIGHT: [usize; 2] = [6, 7];

impl Shapes {
    /// Shapes for two tiles of rows, the second maybe of none, that advance by `words`.
    fn new(rows: [usize; 2], words: usize) -> Self {
        let mut shapes = Self { palette: 1, unused: [0; 15], bytes: [0; 16], rows: [0; 16] };
        // A tile of no rows must have no columns either.
        let mut set = |tile: usize, rows: usize, words: usize| {
            shapes.rows[tile] = rows as u8;
            shapes.bytes[tile] = if rows == 0 { 0 } else { 4 * words as u16 };
        };
        for at in 0..2 {
            set(SUMS[2 * at], rows[at], SIDE);
            set(SUMS[2 * at + 1], rows[at], SIDE);
            set(LEFT[at], rows[at], words);
            set(RIGHT[at], words, SIDE);
        }
        shapes
    }
}

/// Tiles in use: shaped for the latest product, and released when dropped, since the system saves tiles in use
/// whenever it switches threads. A thread has one set of tiles, so only one value may be in use on it at a time.
pub(crate) struct Tiles {
    /// Rows of both tiles of rows, and the words by which they advance.
    shaped: Option<([usize; 2], usize)>,
    /// Stays on its thread.
    thread: PhantomData<*mut ()>,
}

impl Amx {
    pub(crate) fn tiles(self) -> Tiles {
        Tiles { shaped: None, thread: PhantomData }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: an `Amx` made this value, which proves that the instruction exists.
        unsafe { release() };
    }
}

impl Tiles {
    /// `out = Σ left · right`, or `out += Σ left · right` if `ACCUMULATE`; the sum is over the parts.
    ///
    /// # Safety
    /// [`step`] divides the depth and `columns` is a multiple of 16; `left` covers `rows × depth` readable
    /// words in each part, `right` `depth × columns`, and `out` `rows × columns` writable elements that overlap
    /// neither (readable and initialized too, if `ACCUMULATE`). Addresses need not be aligned.
    pub(crate) unsafe fn multiply<const ACCUMULATE: bool>(
        &mut self,
        sizes: Sizes,
        left: Left,
        right: Right,
        out: Rows<*mut f32>,
    ) {
        let Sizes { parts, rows, depth, columns } = sizes;
        debug_assert_eq!(columns % SIDE, 0);
        let Some(words) = step(depth) else {
            unreachable!("the caller asked whether a step divides {depth}")
        };
        // Whole blocks, and then what is left, whose tiles have other shapes.
        let whole = rows / (2 * SIDE) * (2 * SIDE);
        for (from, to) in [(0, whole), (whole, rows)] {
            if from == to {
                continue;
            }
            let first = (to - from).min(SIDE);
            let shapes = ([first, (to - from - first).min(SIDE)], words);
            // SAFETY: an `Amx` made this value, which proves that the instructions exist. Rows and columns of the
            // blocks lie inside the matrices that the caller vouches for, and the shapes fit the blocks.
            unsafe {
                if self.shaped != Some(shapes) {
                    self.shaped = Some(shapes);
                    configure(&Shapes::new(shapes.0, words));
                }
                // The columns of the right factor stay in the first-level cache while all rows use them.
                for column in (0..columns).step_by(PANEL) {
                    for row in (from..to).step_by(2 * SIDE) {
                        let block = Block {
                            parts,
                            steps: depth / words,
                            words,
                            left: Left { data: left.data.wrapping_add(row * left.stride), ..left },
                            right: Right {
                                data: right.data.wrapping_add(column / PANEL * right.panel),
                                ..right
                            },
                            out: Rows { data: out.data.wrapping_add(row * out.stride + column), ..out },
                        };
                        match (shapes.0[1] > 0, column + SIDE < columns) {
                            (true, true) => block.sum::<ACCUMULATE, true, true>(),
                            (true, false) => block.sum::<ACCUMULATE, true, false>(),
                            (false, true) => block.sum::<ACCUMULATE, false, true>(),
                            (false, false) => block.sum::<ACCUMULATE, false, false>(),
                        }
                    }
                }
            }
        }
    }
}

/// A block of a product whose sums fit in tiles.
struct Block {
    parts: usize,
    steps: usize,
    words: usize,
    left: Left,
    right: Right,
    out: Rows<*mut f32>,
}

impl Block {
    /// Computes one or two tiles of rows by one or two of columns.
    ///
    /// # Safety
    /// As [`Tiles::multiply`], after [`configure`] for this block.
    #[inline(always)]
    unsafe fn sum<const ACCUMULATE: bool, const TWO_ROWS: bool, const TWO_COLUMNS: bool>(self) {
        let Self { parts, steps, words, left, right, out } = self;
        let (left_bytes, right_bytes, out_bytes) = (4 * left.stride, 4 * right.stride, 4 * out.stride);
        let below = out.data.wrapping_add(SIDE * out.stride);
        // SAFETY: the caller's promise; the tiles' numbers are those of `SUMS`, `LEFT` and `RIGHT`.
        unsafe {
            begin::<ACCUMULATE, 0>(out.data, out_bytes);
            if TWO_COLUMNS {
                begin::<ACCUMULATE, 1>(out.data.wrapping_add(SIDE), out_bytes);
            }
            if TWO_ROWS {
                begin::<ACCUMULATE, 2>(below, out_bytes);
            }
            if TWO_ROWS && TWO_COLUMNS {
                begin::<ACCUMULATE, 3>(below.wrapping_add(SIDE), out_bytes);
            }
            for part in 0..parts {
                let mut left_at = left.data.wrapping_add(part * left.part);
                let mut right_at = right.data.wrapping_add(part * right.part);
                for _ in 0..steps {
                    load::<6>(right_at, right_bytes);
                    load::<4>(left_at, left_bytes);
                    multiply::<0, 4, 6>();
                    if TWO_COLUMNS {
                        load::<7>(right_at.wrapping_add(SIDE), right_bytes);
                        multiply::<1, 4, 7>();
                    }
                    if TWO_ROWS {
                        load::<5>(left_at.wrapping_add(SIDE * left.stride), left_bytes);
                        multiply::<2, 5, 6>();
                    }
                    if TWO_ROWS && TWO_COLUMNS {
                        multiply::<3, 5, 7>();
                    }
                    left_at = left_at.wrapping_add(words);
                    right_at = right_at.wrapping_add(words * right.stride);
                }
            }
            store::<0>(out.data, out_bytes);
            if TWO_COLUMNS {
                store::<1>(out.data.wrapping_add(SIDE), out_bytes);
            }
            if TWO_ROWS {
                store::<2>(below, out_bytes);
            }
            if TWO_ROWS && TWO_COLUMNS {
                store::<3>(below.wrapping_add(SIDE), out_bytes);
            }
        }
    }
}

/// # Safety
/// The processor has AMX; so for the functions below, which also need [`configure`] before.
#[inline(always)]
unsafe fn configure(shapes: &Shapes) {
    // SAFETY: the instruction reads 64 bytes of shapes.
    unsafe {
        asm!("ldtilecfg [{shapes}]", shapes = in(reg) shapes, options(nostack, preserves_flags, readonly));
    }
}

#[inline(always)]
unsafe fn release() {
    // SAFETY: the caller's promise.
    unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
}

/// Sets a tile of sums to what is in memory, or to zeros.
///
/// # Safety
/// As [`load`], if `ACCUMULATE`.
#[inline(always)]
unsafe fn begin<const ACCUMULATE: bool, const TILE: usize>(from: *const f32, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe { if ACCUMULATE { load::<TILE>(from, stride) } else { zero::<TILE>() } }
}

#[inline(always)]
unsafe fn zero<const TILE: usize>() {
    // SAFETY: the caller's promise.
    unsafe { asm!("tilezero tmm{tile}", tile = const TILE, options(nostack, preserves_flags, nomem)) };
}

/// # Safety
/// The rows of the tile, `stride` bytes apart, can be read.
#[inline(always)]
unsafe fn load<const TILE: usize>(from: *const f32, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tileloadd tmm{tile}, [{from} + {stride}]",
            tile = const TILE, from = in(reg) from, stride = in(reg) stride,
            options(nostack, preserves_flags, readonly),
        );
    }
}

/// # Safety
/// The rows of the tile, `stride` bytes apart, can be written.
#[inline(always)]
unsafe fn store<const TILE: usize>(to: *mut f32, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tilestored [{to} + {stride}], tmm{tile}",
            tile = const TILE, to = in(reg) to, stride = in(reg) stride,
            options(nostack, preserves_flags),
        );
    }
}

/// Adds the product of two tiles to a third.
#[inline(always)]
unsafe fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>() {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "tdpbf16ps tmm{sum}, tmm{left}, tmm{right}",
            sum = const SUM, left = const LEFT, right = const RIGHT,
            options(nostack, preserves_flags, nomem),
        );
    }
}
