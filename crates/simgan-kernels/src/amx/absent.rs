//! Systems without AMX.

use std::ops::Range;

use super::{Left, Right, Sizes};
use crate::product::{self, Rows};

/// There is no value of this type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Amx {}

pub(crate) fn is_present() -> bool {
    false
}

impl Amx {
    pub(crate) fn ask() -> Option<Self> {
        None
    }

    pub(crate) fn tiles(self) -> Tiles {
        match self {}
    }

    /// # Safety
    /// None: there is no value to call it with.
    pub(crate) unsafe fn gather(
        self,
        _left: product::Left,
        _rows: usize,
        _depth: usize,
        _out: &mut Vec<f32>,
    ) -> usize {
        match self {}
    }

    /// # Safety
    /// None: there is no value to call it with.
    pub(crate) unsafe fn planes(
        self,
        _words: &[f32],
        _width: usize,
        _planes: &mut [f32],
        _stride: usize,
        _range: Range<usize>,
    ) {
        match self {}
    }
}

/// There is no value of this type either.
pub(crate) enum Tiles {}

impl Tiles {
    /// # Safety
    /// None: there is no value to call it with.
    pub(crate) unsafe fn multiply<const ACCUMULATE: bool>(
        &mut self,
        _sizes: Sizes,
        _left: Left,
        _right: Right,
        _out: Rows<*mut f32>,
    ) {
        match *self {}
    }
}
