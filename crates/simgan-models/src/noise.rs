//! The noise z of a refiner R(x, z), as named random streams.

use candle_core::{Device, Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::parameters::{fnv1a, stream};

/// What determines the noise z of an image, so that a refined image can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseSource {
    /// Seed of all noise.
    pub seed: u64,
    /// Number of the refined image among those of one synthetic image, from 1.
    pub variant: u64,
    /// Whether all images have the same z, as the frames of a film need it; otherwise each has its own, which
    /// follows from its pixels, whatever its name or its place among others.
    pub is_shared: bool,
}

impl Default for NoiseSource {
    /// The first variant, with its own z for each image.
    fn default() -> Self {
        Self { seed: 0, variant: 1, is_shared: false }
    }
}

impl NoiseSource {
    /// Draws the `channels` numbers of one image's z from its pixels in [−1, 1].
    #[must_use]
    pub fn draw(&self, pixels: &[f32], channels: usize) -> Vec<f32> {
        if channels == 0 {
            return Vec::new();
        }
        let content = if self.is_shared { 0 } else { hash(pixels) };
        let name = format!("noise {} {content:016x}", self.variant);
        standard_normal(channels, &mut stream(self.seed, &name))
    }

    /// Draws z for each image.
    ///
    /// # Shapes
    ///
    /// `(N, C, H, W)` → `(N, channels)`, of N(0, 1).
    pub(crate) fn of_images(&self, images: &Tensor, channels: usize) -> Result<Tensor> {
        let pixels = images.flatten_from(1)?.to_vec2::<f32>()?;
        let noise: Vec<f32> = pixels.iter().flat_map(|pixels| self.draw(pixels, channels)).collect();
        Tensor::from_vec(noise, (pixels.len(), channels), images.device())
    }
}

/// Draws noise for training.
///
/// # Shapes
///
/// → `(images, channels)`, of N(0, 1).
///
/// # Errors
///
/// If the device is out of memory.
pub fn draw_noise(images: usize, channels: usize, rng: &mut ChaCha8Rng, device: &Device) -> Result<Tensor> {
    Tensor::from_vec(standard_normal(images * channels, rng), (images, channels), device)
}

/// Box and Muller's transform of uniform numbers; on the host, so that every device gets the same.
fn standard_normal(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut draw = || {
        let [radius, angle] = [0; 2].map(|_| rng.random::<f64>());
        // 1 − u is in (0, 1], whose logarithm is finite.
        ((-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()) as f32
    };
    (0..count).map(|_| draw()).collect()
}

/// A hash of an image's pixels, the same on every machine.
fn hash(pixels: &[f32]) -> u64 {
    let bytes: Vec<u8> = pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
    fnv1a(&bytes)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn noise_has_mean_0_and_variance_1() {
        let noise = draw_noise(5_000, 4, &mut ChaCha8Rng::seed_from_u64(1), &Device::Cpu).unwrap();
        assert_eq!(noise.dims(), [5_000, 4]);
        let noise = noise.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let moment = |power: i32| {
            noise.iter().map(|value| f64::from(*value).powi(power)).sum::<f64>() / noise.len() as f64
        };
        // Four standard errors of each.
        assert!(moment(1).abs() < 0.03 && (moment(2) - 1.0).abs() < 0.04, "{} {}", moment(1), moment(2));
        assert!((moment(4) - 3.0).abs() < 0.3, "{}", moment(4));
    }

    #[test]
    fn seed_variant_and_pixels_determine_it() {
        let own = NoiseSource::default();
        let draw = |source: NoiseSource, pixels: &[f32]| source.draw(pixels, 3);
        assert_eq!(draw(own, &[0.5, -0.25]), draw(own, &[0.5, -0.25]));
        let shared = NoiseSource { is_shared: true, ..own };
        assert_eq!(draw(shared, &[0.5]), draw(shared, &[0.7, 0.1]));
        let others = [
            draw(own, &[0.5, -0.25]),
            draw(own, &[0.5, 0.25]),
            draw(NoiseSource { seed: 1, ..own }, &[0.5, -0.25]),
            draw(NoiseSource { variant: 2, ..own }, &[0.5, -0.25]),
            draw(shared, &[0.5, -0.25]),
            draw(NoiseSource { variant: 2, ..shared }, &[0.5, -0.25]),
        ];
        for (at, one) in others.iter().enumerate() {
            assert!(others[..at].iter().all(|other| other != one), "{at}: {others:?}");
        }
    }
}
