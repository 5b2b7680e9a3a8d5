//! Seeded streams of random numbers, one per purpose, and lattice noise.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::ranges::Range;

/// A stream of random numbers: ChaCha8 with (seed, purpose) as the key and the index as the stream number, so
/// that every sample is drawn without the ones before it.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// Creates the stream of sample `index`. Only the first 24 bytes of `purpose` count.
    pub(crate) fn new(seed: u64, purpose: &str, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (slot, byte) in key[8..].iter_mut().zip(purpose.bytes()) {
            *slot = byte;
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Draws from [0, 1), in multiples of 2⁻²⁴.
    pub(crate) fn unit(&mut self) -> f32 {
        // An `f32` holds 24 bits exactly, so no value is rounded up to 1.
        (self.bits() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    pub(crate) fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub(crate) fn within(&mut self, range: Range) -> f32 {
        self.uniform(range.low, range.high)
    }

    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Draws from `0..n`; `n` is at least 1.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(n)) >> 32) as u32
    }

    /// Draws from a bell curve of mean 0 and standard deviation 1 within ±3.5: the sum of four random bytes.
    pub(crate) fn bell(&mut self) -> f32 {
        let sum: u32 = self.bits().to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
        // The sum's mean is 4 × 127.5, its deviation √(4 × (256² − 1) / 12).
        (sum as f32 - 510.0) * (1.0 / 147.8)
    }

    /// Draws from a bell curve, within 3.5 standard deviations of the mean.
    pub(crate) fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        mean + deviation * self.bell()
    }
}

/// Smooth value noise on the integer lattice, in [−1, 1].
pub(crate) fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let (xi, yi) = (floor(x), floor(y));
    let (fx, fy) = (x - xi as f32, y - yi as f32);
    let (wx, wy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let at = |dx: i32, dy: i32| lattice(seed, xi.wrapping_add(dx), yi.wrapping_add(dy));
    let low = at(0, 0) + (at(1, 0) - at(0, 0)) * wx;
    let high = at(0, 1) + (at(1, 1) - at(0, 1)) * wx;
    low + (high - low) * wy
}

/// Rounds down. `f32::floor` is a library call on many machines, and noise is computed for every sample.
fn floor(x: f32) -> i32 {
    let cut = x as i32;
    if (cut as f32) > x { cut - 1 } else { cut }
}

/// Hashes a lattice point to a value in [−1, 1).
fn lattice(seed: u32, x: i32, y: i32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}
