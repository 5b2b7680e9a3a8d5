//! A pool of large buffers: getting fresh memory from the system, page by page, costs as much as filling it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::buffer::Buffer;

/// Unused buffers, at most [`MOST`]: enough for the networks of a training step.
static SPARE: Mutex<Vec<Buffer>> = Mutex::new(Vec::new());
const MOST: usize = 5;

/// A buffer at least as long as requested, with unspecified contents. Dropping it returns it to the pool.
pub(crate) struct Spare(Buffer);

impl Spare {
    pub(crate) fn take(length: usize) -> Self {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        // A buffer more than four times too long is left to a larger request.
        let fits = |buffer: &Buffer| buffer.len() >= length && buffer.len() / 4 <= length;
        match spare.iter().position(fits) {
            Some(at) => Self(spare.swap_remove(at)),
            None => Self(Buffer::zeros(length)),
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() == MOST {
            spare.remove(0);
        }
        spare.push(std::mem::take(&mut self.0));
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
