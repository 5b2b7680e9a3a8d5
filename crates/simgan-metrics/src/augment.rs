use candle_core::{DType, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::MetricsError;
use crate::eye_region::REFERENCE_WIDTH;

/// Augments each image with light random changes, as is common in training a task network: shifts of up to 2
/// pixels (of a 55-pixel-wide image), scaling by up to 8 %, gamma, contrast, brightness, blur and noise. The
/// changes are small enough to keep labels.
///
/// # Shapes
///
/// `(N, C, H, W)` in [−1, 1] → the same.
///
/// # Errors
///
/// If `images` does not have four dimensions.
pub fn augmented(images: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor, MetricsError> {
    let (n_images, channels, height, width) = images.dims4()?;
    let mut pixels = images.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    // Drawn in sequence before the parallel loop, so that the result does not depend on threads.
    let changes: Vec<_> = (0..n_images).map(|_| Augmentation::draw(rng, width)).collect();
    let stride = (channels * height * width).max(1);
    pixels.par_chunks_mut(stride).zip(changes).for_each(|(image, change)| change.apply(image, height, width));
    Ok(Tensor::from_vec(pixels, images.dims(), images.device())?)
}

/// The changes to one image.
pub(crate) struct Augmentation {
    /// Shift to the right and down, in pixels.
    shift: [f32; 2],
    scale: f32,
    gamma: f32,
    contrast: f32,
    brightness: f32,
    /// Standard deviation of the Gaussian, in pixels.
    blur: f32,
    /// Standard deviation, relative to a brightness range of 1.
    noise: f32,
    seed: u64,
}

impl Augmentation {
    /// Draws the changes of [`augmented`]; lengths scale with the image's width.
    pub(crate) fn draw(rng: &mut ChaCha8Rng, width: usize) -> Self {
        let unit = width as f32 / REFERENCE_WIDTH as f32;
        let mut around = |centre: f32, reach: f32| centre + reach * rng.random_range(-1.0..1.0);
        Self {
            shift: [around(0.0, 2.0 * unit), around(0.0, 2.0 * unit)],
            scale: around(1.0, 0.08),
            gamma: around(0.0, 0.4).exp(),
            contrast: around(1.0, 0.25),
            brightness: around(0.0, 0.12),
            blur: around(0.0, unit).max(0.0),
            noise: around(0.0, 0.05).max(0.0),
            seed: rng.random(),
        }
    }

    /// Draws strong changes of appearance and none of geometry, as another camera or a refiner might cause.
    pub(crate) fn draw_look(rng: &mut ChaCha8Rng, width: usize) -> Self {
        let light = Self::draw(rng, width);
        let blur = 1.3 * width as f32 / REFERENCE_WIDTH as f32 * rng.random::<f32>();
        Self {
            shift: [0.0; 2],
            scale: 1.0,
            gamma: light.gamma.powf(1.5),
            contrast: 2.0 * light.contrast - 1.0,
            blur,
            noise: 2.0 * light.noise,
            ..light
        }
    }

    /// Applies the changes to an image `(C, H, W)` in [−1, 1].
    pub(crate) fn apply(&self, image: &mut [f32], height: usize, width: usize) {
        let mut noise = Noise { rng: ChaCha8Rng::seed_from_u64(self.seed), deviation: 2.0 * self.noise };
        for plane in image.chunks_exact_mut((height * width).max(1)) {
            self.warp(plane, height, width);
            self.tone(plane);
            // Below this, the neighbours' weight is under 10⁻⁵.
            if self.blur > 0.2 {
                blur(plane, width, self.blur);
            }
            plane.iter_mut().for_each(|value| *value = (*value + noise.next()).clamp(-1.0, 1.0));
        }
    }

    /// Shifts and scales about the centre, bilinearly; edge pixels are replicated beyond the border.
    fn warp(&self, plane: &mut [f32], height: usize, width: usize) {
        let axis = |length: usize, shift: f32| {
            let middle = length as f32 / 2.0;
            let place = move |at: usize| {
                let from = middle + (at as f32 + 0.5 - middle - shift) / self.scale - 0.5;
                let from = from.clamp(0.0, (length - 1) as f32);
                (from as usize, (from as usize + 1).min(length - 1), from.fract())
            };
            (0..length).map(place).collect::<Vec<_>>()
        };
        let (columns, rows) = (axis(width, self.shift[0]), axis(height, self.shift[1]));
        let mut across = vec![0.0; plane.len()];
        for (to, from) in across.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
            for (value, (left, right, share)) in to.iter_mut().zip(&columns) {
                *value = from[*left] + share * (from[*right] - from[*left]);
            }
        }
        let row = |idx: usize| &across[idx * width..][..width];
        for (to, (upper, lower, share)) in plane.chunks_exact_mut(width).zip(&rows) {
            for ((value, upper), lower) in to.iter_mut().zip(row(*upper)).zip(row(*lower)) {
                *value = upper + share * (lower - upper);
            }
        }
    }

    /// Applies gamma, then contrast about middle gray, then brightness.
    fn tone(&self, plane: &mut [f32]) {
        for value in plane {
            let level = (0.5 + 0.5 * *value).clamp(0.0, 1.0).powf(self.gamma);
            *value = 2.0 * ((level - 0.5) * self.contrast + self.brightness);
        }
    }
}

/// Blurs with a Gaussian of five taps along each axis, replicating edge pixels.
pub(crate) fn blur(plane: &mut [f32], width: usize, deviation: f32) {
    let weight = |distance: f32| (-0.5 * (distance / deviation).powi(2)).exp();
    let sum = 1.0 + 2.0 * (weight(1.0) + weight(2.0));
    let [centre, near, far] = [1.0 / sum, weight(1.0) / sum, weight(2.0) / sum];
    let mut line = Vec::new();
    let mut along = |plane: &mut [f32], start: usize, step: usize, length: usize| {
        line.clear();
        line.extend((0..length).map(|idx| plane[start + idx * step]));
        let at = |idx: usize, offset: isize| line[idx.saturating_add_signed(offset).min(length - 1)];
        for idx in 0..length {
            plane[start + idx * step] =
                centre * line[idx] + near * (at(idx, -1) + at(idx, 1)) + far * (at(idx, -2) + at(idx, 2));
        }
    };
    let height = plane.len() / width;
    (0..height).for_each(|row| along(plane, row * width, 1, width));
    (0..width).for_each(|column| along(plane, column, width, height));
}

/// Approximately normal random numbers: sums of four bytes.
struct Noise {
    rng: ChaCha8Rng,
    deviation: f32,
}

impl Noise {
    fn next(&mut self) -> f32 {
        // Standard deviation of the sum of four uniform bytes: √(4 · (256² − 1) / 12).
        const SUM_DEVIATION: f32 = 147.8;
        let sum: u16 = self.rng.random::<[u8; 4]>().map(u16::from).iter().sum();
        self.deviation * (f32::from(sum) - 510.0) / SUM_DEVIATION
    }
}
