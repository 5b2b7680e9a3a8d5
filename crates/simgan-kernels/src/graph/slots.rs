//! Which values share memory: a value's slot is free again after its last use.

/// Places values in the order in which they are made.
#[derive(Default)]
pub(super) struct Slots {
    /// Elements of each slot.
    pub(super) sizes: Vec<usize>,
    free: Vec<usize>,
}

impl Slots {
    /// Returns a slot that holds `size` elements until it is released.
    pub(super) fn take(&mut self, size: usize) -> usize {
        // The smallest that is large enough, or else the largest, which grows.
        let fits = |&at: &usize| match self.sizes[self.free[at]] {
            slot if slot >= size => (0, slot),
            slot => (1, usize::MAX - slot),
        };
        match (0..self.free.len()).min_by_key(fits) {
            Some(at) => {
                let slot = self.free.swap_remove(at);
                self.sizes[slot] = self.sizes[slot].max(size);
                slot
            }
            None => {
                self.sizes.push(size);
                self.sizes.len() - 1
            }
        }
    }

    /// Frees a slot.
    pub(super) fn release(&mut self, slot: usize) {
        self.free.push(slot);
    }

    /// Elements of all slots.
    pub(super) fn total(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Cuts memory of [`Self::total`] elements into the slots.
    pub(super) fn split<'a>(&self, mut memory: &'a mut [f32]) -> Vec<&'a mut [f32]> {
        let mut slots = Vec::with_capacity(self.sizes.len());
        for &size in &self.sizes {
            let (slot, rest) = memory.split_at_mut(size);
            slots.push(slot);
            memory = rest;
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_slot_is_taken_again_and_live_ones_are_not() {
        let mut slots = Slots::default();
        let (small, large) = (slots.take(4), slots.take(10));
        slots.release(small);
        slots.release(large);
        assert_eq!(slots.take(8), large);
        assert_eq!(slots.take(5), small);
        assert_eq!(slots.take(1), 2);
        assert_eq!((slots.sizes.as_slice(), slots.total()), ([5, 10, 1].as_slice(), 16));
        let mut memory = vec![0.0; 16];
        let lengths: Vec<_> = slots.split(&mut memory).iter().map(|slot| slot.len()).collect();
        assert_eq!(lengths, [5, 10, 1]);
    }
}
