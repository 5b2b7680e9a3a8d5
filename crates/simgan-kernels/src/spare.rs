//! A pool of large buffers: getting fresh memory from the system, page by page, costs as much as filling it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::buffer::Buffer;

/// Unused buffers: at most `most`, of at most `numbers` together.
struct Pool {
    buffers: Mutex<Vec<Buffer>>,
    most: usize,
    numbers: usize,
}

/// Enough for the networks of a training step.
static SPARE: Pool = Pool { buffers: Mutex::new(Vec::new()), most: 5, numbers: usize::MAX };
/// Enough for the convolutions of most networks, as often as sums of their gradients exist at a time: 128 MB.
static SUMS: Pool = Pool { buffers: Mutex::new(Vec::new()), most: 128, numbers: 1 << 25 };
/// Length from which on getting memory anew costs more than clearing it.
const LARGE: usize = 1 << 14;

impl Pool {
    /// Returns a buffer whose length `fits`, if there is one.
    fn take(&self, fits: impl Fn(usize) -> bool) -> Option<Buffer> {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        // From the end: the latest is the likeliest to be in cache.
        let at = buffers.iter().rposition(|buffer| fits(buffer.len()))?;
        Some(buffers.remove(at))
    }

    /// Keeps a buffer, and no longer the oldest ones if there are too many.
    fn put(&self, buffer: Buffer) {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.push(buffer);
        let mut numbers = buffers.iter().map(|buffer| buffer.len()).sum::<usize>();
        let mut dropped = 0;
        while buffers.len() - dropped > self.most || numbers > self.numbers {
            numbers -= buffers[dropped].len();
            dropped += 1;
        }
        let dropped: Vec<Buffer> = buffers.drain(..dropped).collect();
        // Memory goes back to the system without others waiting for it.
        drop(buffers);
        drop(dropped);
    }
}

/// A buffer at least as long as requested, with unspecified contents. Dropping it returns it to the pool.
pub(crate) struct Spare(Buffer);

impl Spare {
    pub(crate) fn take(length: usize) -> Self {
        // A buffer more than four times too long is left to a larger request.
        let fits = |of_buffer: usize| of_buffer >= length && of_buffer / 4 <= length;
        Self(SPARE.take(fits).unwrap_or_else(|| Buffer::zeros(length)))
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        SPARE.put(std::mem::take(&mut self.0));
    }
}

/// As many numbers as requested, all zero, to add to. Dropping many returns them to the pool.
#[derive(Debug)]
pub(crate) struct Zeroed(Buffer);

impl Zeroed {
    pub(crate) fn take(length: usize) -> Self {
        let kept = if length >= LARGE { SUMS.take(|of_buffer| of_buffer == length) } else { None };
        let Some(mut buffer) = kept else { return Self(Buffer::zeros(length)) };
        buffer.fill(0.0);
        Self(buffer)
    }
}

impl Drop for Zeroed {
    fn drop(&mut self) {
        if self.0.len() >= LARGE {
            SUMS.put(std::mem::take(&mut self.0));
        }
    }
}

impl Deref for Zeroed {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Zeroed {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

impl Deref for Spare {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Spare {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

/// What a forward pass leaves, such as its feature maps, kept until the backward pass takes it.
pub(crate) struct Kept<T = Spare>(Mutex<Option<T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Kept<T> {
    pub(crate) fn put(&self, kept: Option<T>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_zeros_are_zeros_again_and_pools_have_a_limit() {
        let length = LARGE + 1;
        let mut first = Zeroed::take(length);
        first.fill(1.0);
        drop(first);
        assert!(Zeroed::take(length).iter().all(|&number| number == 0.0));
        let pool = Pool { buffers: Mutex::new(Vec::new()), most: 3, numbers: 50 };
        let lengths = || pool.buffers.lock().unwrap().iter().map(|buffer| buffer.len()).collect::<Vec<_>>();
        for (length, kept) in
            [(10, vec![10]), (11, vec![10, 11]), (12, vec![10, 11, 12]), (13, vec![11, 12, 13])]
        {
            pool.put(Buffer::zeros(length));
            assert_eq!(lengths(), kept);
        }
        pool.put(Buffer::zeros(36));
        assert_eq!(lengths(), [13, 36]);
        pool.put(Buffer::zeros(51));
        assert!(lengths().is_empty());
        assert!(pool.take(|_| true).is_none());
    }
}
