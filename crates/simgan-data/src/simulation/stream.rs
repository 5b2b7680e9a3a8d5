use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::Range;

/// A stream of random numbers: ChaCha8 with (seed, purpose) as the key and the index as the stream number, so
/// that every sample is drawn without the ones before it.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream of sample `index`. Only the first 24 bytes of `purpose` count.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (slot, byte) in key[8..].iter_mut().zip(purpose.bytes()) {
            *slot = byte;
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    /// Draws 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Draws from [0, 1), in multiples of 2⁻²⁴.
    pub fn unit(&mut self) -> f32 {
        // An `f32` holds 24 bits exactly, so no value is rounded up to 1.
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Draws uniformly from [`low`, `high`).
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Draws uniformly from a range.
    pub fn within(&mut self, Range { low, high }: Range) -> f32 {
        self.uniform(low, high)
    }

    /// Whether an event of this probability happens.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Draws from `0..n`; `n` is at least 1.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(n)) >> 32) as u32
    }

    /// Draws from a bell curve of mean 0 and standard deviation 1 within ±3.5: the sum of four random bytes.
    pub fn bell(&mut self) -> f32 {
        let sum: u32 = self.bits().to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
        // The sum's mean is 4 × 127.5, its deviation √(4 × (256² − 1) / 12).
        (sum as f32 - 510.0) * (1.0 / 147.8)
    }

    /// Draws from a bell curve, within 3.5 standard deviations of the mean.
    pub fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        mean + deviation * self.bell()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index_alone() {
        let first = |seed, purpose, index| Stream::new(seed, purpose, index).bits();
        assert_eq!(first(1, "pose", 2), first(1, "pose", 2));
        for other in [first(2, "pose", 2), first(1, "light", 2), first(1, "pose", 3)] {
            assert_ne!(first(1, "pose", 2), other);
        }
    }

    #[test]
    fn draws_have_their_mean_and_deviation() {
        let mut rng = Stream::new(5, "test", 0);
        let values: Vec<f64> = (0..20_000).map(|_| f64::from(rng.normal(3.0, 2.0))).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 3.0).abs() < 0.06 && (variance.sqrt() - 2.0).abs() < 0.04, "{mean}, {variance}");
        assert!((0..1000).all(|_| rng.below(7) < 7 && (2.0..3.0).contains(&rng.uniform(2.0, 3.0))));
    }
}
