//! A pool of large buffers: getting fresh memory from the system, page by page, costs as much as filling it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::buffer::Buffer;

/// Unused buffers of at least `fewest` numbers: at most `most`, of at most `numbers` together.
struct Pool {
    buffers: Mutex<Vec<Buffer>>,
    fewest: usize,
    most: usize,
    numbers: usize,
}

/// Enough for the networks of a training step.
static SPARE: Pool = Pool { buffers: Mutex::new(Vec::new()), fewest: 0, most: 5, numbers: usize::MAX };
/// Enough for the convolutions of most networks, as often as sums of their gradients exist at a time: 128 MB. Getting
/// little memory anew costs less than clearing it.
static SUMS: Pool = Pool { buffers: Mutex::new(Vec::new()), fewest: 1 << 14, most: 128, numbers: 1 << 25 };

impl Pool {
    /// Returns a buffer for `length` numbers whose own length `fits`, if there is one.
    fn take(&self, length: usize, fits: impl Fn(usize) -> bool) -> Option<Buffer> {
        if length < self.fewest {
            return None;
        }
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        // From the end: the latest is the likeliest to be in cache.
        let at = buffers.iter().rposition(|buffer| fits(buffer.len()))?;
        Some(buffers.remove(at))
    }

    /// Keeps a buffer, and no longer the oldest ones if there are too many.
    fn put(&self, buffer: Buffer) {
        if buffer.len() < self.fewest {
            return;
        }
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

/// A buffer that returns to its pool when it is dropped.
pub(crate) struct Spare {
    buffer: Buffer,
    pool: &'static Pool,
}

impl Spare {
    /// Returns at least as many numbers as requested, with unspecified contents.
    pub(crate) fn take(length: usize) -> Self {
        // A buffer more than four times too long is left to a larger request.
        let fits = |of_buffer: usize| of_buffer >= length && of_buffer / 4 <= length;
        let buffer = SPARE.take(length, fits).unwrap_or_else(|| Buffer::zeros(length));
        Self { buffer, pool: &SPARE }
    }

    /// Returns as many numbers as requested, all zero, to add to.
    pub(crate) fn zeros(length: usize) -> Self {
        let kept = SUMS.take(length, |of_buffer| of_buffer == length);
        let buffer = match kept {
            Some(mut buffer) => {
                buffer.fill(0.0);
                buffer
            }
            None => Buffer::zeros(length),
        };
        Self { buffer, pool: &SUMS }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.pool.put(std::mem::take(&mut self.buffer));
    }
}

impl Deref for Spare {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer
    }
}

impl DerefMut for Spare {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer
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
        let length = SUMS.fewest + 1;
        let mut first = Spare::zeros(length);
        first.fill(1.0);
        drop(first);
        assert!(Spare::zeros(length).iter().all(|&number| number == 0.0));
        let pool = Pool { buffers: Mutex::new(Vec::new()), fewest: 0, most: 3, numbers: 50 };
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
        assert!(pool.take(0, |_| true).is_none());
    }
}
