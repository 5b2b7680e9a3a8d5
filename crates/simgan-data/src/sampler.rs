use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::DataError;

/// Draws sample indices: every epoch visits all samples once, in a random order of its own.
///
/// An epoch's order depends only on the number of samples, the seed and the epoch's number. The whole state
/// is therefore four numbers ([`SamplerState`]), and resuming is exact.
#[derive(Clone, Debug)]
pub struct Sampler {
    state: SamplerState,
    order: Vec<u32>,
}

/// The position of a [`Sampler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerState {
    /// Number of samples.
    pub len: usize,
    /// Seed of the random orders.
    pub seed: u64,
    /// Number of completed epochs.
    pub epoch: u64,
    /// Samples already drawn in this epoch, less than `len`.
    pub cursor: usize,
}

impl SamplerState {
    /// Number of samples drawn in all epochs.
    pub(crate) fn n_drawn(&self) -> u64 {
        // A damaged state may claim any number; the draws then only need to differ.
        self.epoch.wrapping_mul(self.len as u64).wrapping_add(self.cursor as u64)
    }
}

impl Sampler {
    /// Creates a sampler of the indices `0..len`, at the start of epoch 0.
    ///
    /// # Panics
    /// If `len` is zero or does not fit in 32 bits.
    #[must_use]
    pub fn new(len: usize, seed: u64) -> Self {
        assert!(len > 0 && u32::try_from(len).is_ok(), "{len} samples");
        Self { state: SamplerState { len, seed, epoch: 0, cursor: 0 }, order: order(len, seed, 0) }
    }

    /// Restores a sampler over `len` samples from a saved state.
    ///
    /// # Errors
    /// The state was saved for a different number of samples, or is invalid.
    pub fn from_state(len: usize, state: SamplerState) -> Result<Self, DataError> {
        if state.len != len || state.cursor >= len || u32::try_from(len).is_err() {
            return Err(DataError::Changed { n_expected: state.len, n_found: len });
        }
        Ok(Self { state, order: order(len, state.seed, state.epoch) })
    }

    /// Draws the next `n` indices; a batch may span two epochs.
    pub fn next_batch(&mut self, n: usize) -> Vec<usize> {
        (0..n).map(|_| self.next_index()).collect()
    }

    /// The current position, from which [`Sampler::from_state`] resumes.
    #[must_use]
    pub fn state(&self) -> SamplerState {
        self.state
    }

    fn next_index(&mut self) -> usize {
        let index = self.order[self.state.cursor] as usize;
        self.state.cursor += 1;
        if self.state.cursor == self.state.len {
            self.state.cursor = 0;
            self.state.epoch += 1;
            self.order = order(self.state.len, self.state.seed, self.state.epoch);
        }
        index
    }
}

/// Returns the order of one epoch: a Fisher–Yates shuffle, drawn from the epoch's own ChaCha stream.
fn order(len: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    // A stream per epoch: resuming needs no replay of earlier epochs.
    rng.set_stream(epoch);
    let mut order: Vec<u32> = (0..len as u32).collect();
    for last in (1..len).rev() {
        // Scales the draw to 0..=last by taking the high half of a product. Spelled out rather than taken
        // from `rand`, so that no library update changes a resumed run.
        let drawn = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, drawn as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn orders_never_change() {
        // Saved runs resume with these orders: a different result breaks the checkpoint format.
        assert_ne!(order(8, 0, 0), order(8, 0, 1));
        assert_ne!(order(8, 0, 0), order(8, 1, 0));
        assert_eq!(order(8, 7, 3), [2, 6, 1, 7, 0, 4, 3, 5]);
    }

    #[test]
    fn each_epoch_has_an_order_of_its_own() {
        let mut sampler = Sampler::new(20, 0);
        assert_ne!(sampler.next_batch(20), sampler.next_batch(20));
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut counts = [[0; 5]; 5];
        for seed in 0..5000 {
            order(5, seed, 0).iter().enumerate().for_each(|(place, &item)| counts[place][item as usize] += 1);
        }
        // Binomial with mean 1000 and deviation 28.
        assert!(counts.iter().flatten().all(|&count| (860..1140).contains(&count)), "{counts:?}");
    }

    #[test]
    fn a_state_of_other_data_is_refused() {
        let state = Sampler::new(5, 1).state();
        let error = Sampler::from_state(6, state).unwrap_err().to_string();
        assert!(error.contains("6 images") && error.contains("for 5"), "{error}");
        assert!(Sampler::from_state(5, SamplerState { cursor: 5, ..state }).is_err());
        assert!(serde_json::from_str::<SamplerState>(r#"{"len":5,"seed":1,"epoch":0}"#).is_err());
    }

    proptest! {
        #[test]
        fn each_epoch_holds_every_sample_once(len in 1usize..50, seed: u64) {
            let mut sampler = Sampler::new(len, seed);
            for _ in 0..3 {
                let mut epoch = sampler.next_batch(len);
                epoch.sort_unstable();
                prop_assert_eq!(epoch, (0..len).collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_resumed_sampler_goes_on_exactly(len in 1usize..50, seed: u64, before in 0usize..120, batch in 1usize..70) {
            let mut whole = Sampler::new(len, seed);
            whole.next_batch(before);
            let state = serde_json::from_str(&serde_json::to_string(&whole.state()).unwrap()).unwrap();
            let mut resumed = Sampler::from_state(len, state).unwrap();
            prop_assert_eq!(whole.next_batch(batch), resumed.next_batch(batch));
            prop_assert_eq!(whole.state(), resumed.state());
        }
    }
}
