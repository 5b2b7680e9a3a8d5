//! A pool of large buffers: getting fresh memory from the system, page by page, costs as much as filling it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::buffer::Buffer;

/// Unused buffers, up to a maximum.
struct Pool {
    buffers: Mutex<Vec<Buffer>>,
    most: usize,
}

/// Enough for the networks of a training step.
static SPARE: Pool = Pool { buffers: Mutex::new(Vec::new()), most: 5 };
/// Enough for the convolutions of a network, as often as sums of their gradients exist at a time.
static SUMS: Pool = Pool { buffers: Mutex::new(Vec::new()), most: 128 };
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

    fn put(&self, buffer: Buffer) {
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        if buffers.len() == self.most {
            buffers.remove(0);
        }
        buffers.push(buffer);
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

/// As many numbers as requested, all zero, to add to. Dropping them returns them to the pool.
#[derive(Debug)]
pub(crate) struct Zeroed(Buffer);

impl Zeroed {
    pub(crate) fn take(length: usize) -> Self {
        match SUMS.take(|of_buffer| of_buffer == length) {
            Some(mut buffer) => {
                buffer.fill(0.0);
                Self(buffer)
            }
            None => Self(Buffer::zeros(length)),
        }
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
