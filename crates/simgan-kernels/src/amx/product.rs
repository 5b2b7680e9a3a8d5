//! Products of matrices of words, of the sizes that come up.

use std::cell::Cell;

use super::{Amx, Left, PANEL, Right, Sizes, step};
use crate::product::{self, Rows};

/// Minimum number of rows, a quarter of what a tile holds.
const FEWEST_ROWS: usize = 4;

/// Whether tiles serve a product.
pub(crate) fn serves((rows, depth, _): product::Sizes) -> bool {
    rows >= FEWEST_ROWS && step(depth).is_some()
}

/// `out = left · right`, or `out += left · right` if `ACCUMULATE`.
///
/// # Safety
/// As [`product::multiply_words`], for sizes that [`serves`] accepts.
#[inline(never)]
pub(crate) unsafe fn multiply<const ACCUMULATE: bool>(
    amx: Amx,
    (rows, depth, columns): product::Sizes,
    left: product::Left,
    right: Rows<*const f32>,
    out: Rows<*mut f32>,
) {
    thread_local! {
        /// Transposed left factors.
        static GATHERED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    }
    let sizes = Sizes { parts: 1, rows, depth, columns };
    let mut gathered = Vec::new();
    // SAFETY: the caller's promise.
    unsafe {
        let (data, stride) = match left.transposed {
            false => (left.data, left.stride),
            true => {
                gathered = GATHERED.take();
                let stride = amx.gather(left, rows, depth, &mut gathered);
                (gathered.as_ptr(), stride)
            }
        };
        let left = Left { data, stride, part: 0 };
        let right = Right { data: right.data, stride: right.stride, part: 0, panel: PANEL };
        amx.tiles().multiply::<ACCUMULATE>(sizes, left, right, out);
    }
    if left.transposed {
        GATHERED.set(gathered);
    }
}
