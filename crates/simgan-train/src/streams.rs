//! Seeded random streams, one for each purpose, so that no purpose's numbers depend on how many another has
//! drawn.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A use of random numbers. Its name and the run's seed determine the numbers, so renaming one changes every
/// run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// R's initial weights.
    Refiner,
    /// D's initial weights.
    Discriminator,
    /// The order of the synthetic images.
    Synthetic,
    /// The order of the real images.
    Real,
    /// Which images the history returns and which it replaces.
    History,
    /// Which images the sample grids show.
    Samples,
    /// The shift of each image before D sees it.
    Translation,
    /// The noise on each image before D sees it.
    Noise,
    /// The noise z of R(x, z).
    Latent,
    /// In which real images missing pixels are counted.
    Gaps,
    /// Which synthetic images are mirrored, and what part of each is taken.
    AugmentSynthetic,
    /// The same of real images.
    AugmentReal,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Refiner => "refiner",
            Self::Discriminator => "discriminator",
            Self::Synthetic => "synthetic",
            Self::Real => "real",
            Self::History => "history",
            Self::Samples => "samples",
            Self::Translation => "translation",
            Self::Noise => "noise",
            Self::Latent => "latent",
            Self::Gaps => "gaps",
            Self::AugmentSynthetic => "augment-synthetic",
            Self::AugmentReal => "augment-real",
        }
    }

    /// Returns the purpose's generator in a run with `seed`.
    pub(crate) fn stream(self, seed: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        // Seed and name are zero-padded to the 32-byte key; names are shorter than its 24 bytes.
        let name = self.name().as_bytes();
        key[8..8 + name.len()].copy_from_slice(name);
        ChaCha8Rng::from_seed(key)
    }

    /// Returns the generator of one step, independent of all earlier steps: a resumed run needs no saved
    /// position.
    pub(crate) fn stream_of_step(self, seed: u64, step: u64) -> ChaCha8Rng {
        let mut stream = self.stream(seed);
        stream.set_stream(step);
        stream
    }

    /// Returns a seed for a component with its own generator. It has 63 bits because TOML's integers are
    /// signed.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        self.stream(seed).next_u64() >> 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_seeds_have_their_own_numbers() {
        let mut drawn = Vec::new();
        for purpose in [Purpose::Refiner, Purpose::Discriminator, Purpose::Synthetic, Purpose::Real] {
            drawn.extend([0, 1, u64::MAX].map(|seed| purpose.seed(seed)));
        }
        let mut distinct = drawn.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), drawn.len());
        assert_eq!(Purpose::History.seed(7), Purpose::History.seed(7));
    }

    #[test]
    fn each_step_has_its_own_numbers() {
        let first = |seed, step| Purpose::Translation.stream_of_step(seed, step).next_u64();
        let mut drawn = vec![first(0, 0), first(0, 1), first(0, u64::MAX), first(1, 0), first(1, 1)];
        assert_eq!(first(0, 1), drawn[1]);
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 5);
    }
}
