//! Cache-aligned memory for vectors: a vector that straddles two cache lines costs twice as much to load or
//! store.

use std::ops::{Deref, DerefMut};

use crate::simd::padded;

/// Bytes in a cache line, and in the widest vector (AVX-512).
const LINE: usize = 64;
const PER_LINE: usize = LINE / size_of::<f32>();

/// Numbers whose first one lies at the beginning of a cache line.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// One cache line longer than needed, so that `start` can be moved to a line's beginning.
    data: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// Returns zeros, which cost nothing until they are touched.
    pub(crate) fn zeros(length: usize) -> Self {
        let data = vec![0.0; length + PER_LINE];
        // `align_offset` may give up and return `usize::MAX`; the buffer is then merely unaligned.
        let start = data.as_ptr().align_offset(LINE).min(PER_LINE);
        Self { data, start, length }
    }

    /// Returns a copy of numbers, with zeros behind them to fill whole vectors.
    pub(crate) fn padded(numbers: &[f32]) -> Self {
        let mut buffer = Self::zeros(padded(numbers.len()));
        buffer[..numbers.len()].copy_from_slice(numbers);
        buffer
    }

    /// Sets the length to `length`. The contents are unspecified afterwards.
    pub(crate) fn resize(&mut self, length: usize) {
        if self.start + length <= self.data.len() {
            self.length = length;
        } else {
            *self = Self::zeros(length);
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_on_a_line_and_keep_their_length() {
        let mut buffer = Buffer::zeros(3);
        assert_eq!(*buffer, [0.0; 3]);
        for length in [0, 1, 15, 16, 17, 1000, 3] {
            buffer.resize(length);
            assert_eq!((buffer.len(), buffer.as_ptr() as usize % LINE), (length, 0));
        }
    }
}
