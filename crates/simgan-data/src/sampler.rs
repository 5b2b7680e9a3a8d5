use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::DataError;

/// Which samples come next: all of them in a random order, then all again in another one.
///
/// The order of an epoch depends only on the number of samples, the seed and the epoch's number, so that the whole
/// state is four numbers ([`SamplerState`]) and resuming is exact.
#[derive(Clone, Debug)]
pub struct Sampler {
    state: SamplerState,
    order: Vec<u32>,
}

/// Where a [`Sampler`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerState {
    /// Number of samples.
    pub len: usize,
    /// What the orders are drawn from.
    pub seed: u64,
    /// How many times all samples have been drawn.
    pub epoch: u64,
    /// How many samples of this epoch have been drawn, less than `len`.
    pub cursor: usize,
}

impl Sampler {
    /// A sampler of indices below `len`, at its beginning.
    ///
    /// # Panics
    /// If `len` is zero or does not fit 32 bits.
    #[must_use]
    pub fn new(len: usize, seed: u64) -> Self {
        assert!(len > 0 && u32::try_from(len).is_ok(), "{len} samples");
        Self { state: SamplerState { len, seed, epoch: 0, cursor: 0 }, order: order(len, seed, 0) }
    }

    /// A sampler that goes on where another one was, over `len` samples.
    ///
    /// # Errors
    /// If the state belongs to another number of samples, or makes no sense.
    pub fn from_state(len: usize, state: SamplerState) -> Result<Self, DataError> {
        if state.len != len || state.cursor >= len || u32::try_from(len).is_err() {
            return Err(DataError::Changed { n_expected: state.len, n_found: len });
        }
        Ok(Self { state, order: order(len, state.seed, state.epoch) })
    }

    /// The next `n` indices; a batch may run over the end of an epoch.
    pub fn next_batch(&mut self, n: usize) -> Vec<usize> {
        (0..n).map(|_| self.next_index()).collect()
    }

    /// Where it is.
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

/// The order of one epoch: Fisher and Yates' shuffle, drawn from the epoch's own ChaCha stream.
fn order(len: usize, seed: u64, epoch: u64) -> Vec<u32> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(epoch);
    let mut order: Vec<u32> = (0..len as u32).collect();
    for last in (1..len).rev() {
        // Below last + 1, by the high half of a product: spelled out, so that no library update changes a run.
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
        // Runs are resumed with this: other numbers are a break of the format.
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
