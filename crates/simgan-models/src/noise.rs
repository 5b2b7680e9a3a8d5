//! The noise of a refiner R(x, z), as named random streams.

use candle_core::{Device, Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::RefinerConfig;
use crate::parameters::{fnv1a, stream};

/// The noise of a batch of images; without any if the refiner takes none.
#[derive(Clone, Debug, Default)]
pub struct Noise {
    /// z, `(N, noise_channels)`: numbers of an image.
    pub z: Option<Tensor>,
    /// `(N, grain_channels, H, W)`: numbers of a pixel.
    pub grain: Option<Tensor>,
}

impl Noise {
    /// Draws noise for training, of N(0, 1), for `images` of `[height, width]`.
    ///
    /// # Errors
    ///
    /// If the device is out of memory.
    pub fn draw(
        config: &RefinerConfig,
        images: usize,
        [height, width]: [usize; 2],
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self> {
        let z = standard_normal(images * config.noise_channels, rng);
        let grain = standard_normal(images * config.grain_channels * height * width, rng);
        Self::of_values(config, (z, grain), [images, height, width], device)
    }

    fn of_values(
        config: &RefinerConfig,
        (z, grain): (Vec<f32>, Vec<f32>),
        [images, height, width]: [usize; 3],
        device: &Device,
    ) -> Result<Self> {
        let RefinerConfig { noise_channels, grain_channels, .. } = *config;
        let some = |channels: usize, values: Vec<f32>, shape: &[usize]| {
            (channels > 0).then(|| Tensor::from_vec(values, shape, device)).transpose()
        };
        Ok(Self {
            z: some(noise_channels, z, &[images, noise_channels])?,
            grain: some(grain_channels, grain, &[images, grain_channels, height, width])?,
        })
    }

    /// Makes the noise of images of `[height, width]` from what was drawn for each.
    ///
    /// # Errors
    ///
    /// If something was drawn for another refiner or size.
    pub fn of_images(
        config: &RefinerConfig,
        drawn: &[DrawnNoise],
        [height, width]: [usize; 2],
        device: &Device,
    ) -> Result<Self> {
        let values = |of: fn(&DrawnNoise) -> &[f32]| {
            drawn.iter().flat_map(|drawn| of(drawn).iter().copied()).collect()
        };
        let values = (values(|drawn| &drawn.z), values(|drawn| &drawn.grain));
        Self::of_values(config, values, [drawn.len(), height, width], device)
    }

    /// Puts the noise of batches into one batch.
    ///
    /// # Errors
    ///
    /// If they are of different refiners or sizes.
    pub fn cat(parts: &[&Self]) -> Result<Self> {
        let joined = |of: fn(&Self) -> Option<&Tensor>| {
            let parts: Option<Vec<&Tensor>> = parts.iter().map(|part| of(part)).collect();
            parts.map(|parts| Tensor::cat(&parts, 0)).transpose()
        };
        Ok(Self { z: joined(|part| part.z.as_ref())?, grain: joined(|part| part.grain.as_ref())? })
    }
}

impl RefinerConfig {
    /// Whether an image has several refined ones, by noise.
    #[must_use]
    pub const fn takes_noise(&self) -> bool {
        self.noise_channels + self.grain_channels > 0
    }
}

/// The noise of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnNoise {
    /// z, as long as the refiner's `noise_channels`.
    pub z: Vec<f32>,
    /// The planes of the refiner's `grain_channels`, one after another.
    pub grain: Vec<f32>,
}

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
    /// Draws the noise of one image, of N(0, 1), from its pixels in [−1, 1]; there are `n_pixels` in each
    /// channel.
    #[must_use]
    pub fn draw(&self, pixels: &[f32], n_pixels: usize, config: &RefinerConfig) -> DrawnNoise {
        let RefinerConfig { noise_channels, grain_channels, .. } = *config;
        if !config.takes_noise() {
            return DrawnNoise { z: Vec::new(), grain: Vec::new() };
        }
        let content = if self.is_shared { 0 } else { hash(pixels) };
        let mut stream = stream(self.seed, &format!("noise {} {content:016x}", self.variant));
        let z = standard_normal(noise_channels, &mut stream);
        DrawnNoise { z, grain: standard_normal(grain_channels * n_pixels, &mut stream) }
    }

    /// Draws the noise of each of `(N, C, H, W)`.
    pub(crate) fn of_images(&self, images: &Tensor, config: &RefinerConfig) -> Result<Noise> {
        let (_, _, height, width) = images.dims4()?;
        let pixels = images.flatten_from(1)?.to_vec2::<f32>()?;
        let drawn: Vec<_> = pixels.iter().map(|pixels| self.draw(pixels, height * width, config)).collect();
        Noise::of_images(config, &drawn, [height, width], images.device())
    }
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
        let config = RefinerConfig { noise_channels: 4, grain_channels: 1, ..RefinerConfig::eye_gaze() };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let Noise { z, grain } = Noise::draw(&config, 5_000, [2, 2], &mut rng, &Device::Cpu).unwrap();
        let (z, grain) = (z.unwrap(), grain.unwrap());
        assert_eq!((z.dims(), grain.dims()), (&[5_000, 4][..], &[5_000, 1, 2, 2][..]));
        for noise in [z, grain] {
            let noise = noise.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let moment = |power: i32| {
                noise.iter().map(|value| f64::from(*value).powi(power)).sum::<f64>() / noise.len() as f64
            };
            // Four standard errors of each.
            assert!(moment(1).abs() < 0.03 && (moment(2) - 1.0).abs() < 0.04, "{} {}", moment(1), moment(2));
            assert!((moment(4) - 3.0).abs() < 0.3, "{}", moment(4));
        }
    }

    #[test]
    fn seed_variant_and_pixels_determine_it() {
        let own = NoiseSource::default();
        let config = RefinerConfig { noise_channels: 3, grain_channels: 2, ..RefinerConfig::eye_gaze() };
        let draw = |source: NoiseSource, pixels: &[f32]| source.draw(pixels, pixels.len(), &config);
        let drawn = draw(own, &[0.5, -0.25]);
        assert_eq!((drawn.z.len(), drawn.grain.len()), (3, 4));
        // Grain leaves z, and so the images of refiners without it, as they are.
        assert_eq!(own.draw(&[0.5, -0.25], 2, &RefinerConfig { grain_channels: 0, ..config }).z, drawn.z);
        assert_eq!(draw(own, &[0.5, -0.25]), draw(own, &[0.5, -0.25]));
        let shared = NoiseSource { is_shared: true, ..own };
        assert_eq!(draw(shared, &[0.5, 0.2]), draw(shared, &[0.7, 0.1]));
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
