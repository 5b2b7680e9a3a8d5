use candle_core::{DType, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::eye_region::REFERENCE_WIDTH;
use crate::{MetricsError, Warp};

/// How images are changed at random while a task network learns from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentOptions {
    /// How much images change.
    pub strength: Strength,
    /// Whether images are also turned by up to 20°, scaled by up to 25 % and shifted by up to a tenth, as
    /// hourglass networks are trained (Newell et al. 2016, turned as in the paper's experiment on hands). Only
    /// for labels that are carried along, by [`Warp::point`].
    pub turn: bool,
    /// Whether the pixels are depths: only their places change, by whole pixels, so that −1 remains what was
    /// not measured and no depth is made up.
    pub depth: bool,
}

/// How much augmentation changes images. Lengths are in pixels of a 55-pixel-wide image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Shifts of up to 2 pixels, scaling by up to 8 %, gamma, contrast, brightness, blur and noise. Small
    /// enough to keep labels.
    #[default]
    Light,
    /// The light one's shifts and scaling, because larger ones belie the labels, with twice its changes of tone,
    /// a gain, light that falls off linearly to one side, more blur and noise.
    Strong,
}

/// Augments each image with light random changes, as is common in training a task network: those of
/// [`Strength::Light`].
///
/// # Shapes
///
/// `(N, C, H, W)` in [−1, 1] → the same.
///
/// # Errors
///
/// If `images` does not have four dimensions.
pub fn augmented(images: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor, MetricsError> {
    Ok(augmented_with(images, AugmentOptions::default(), rng)?.0)
}

/// Augments each image at random as `options` say. Also returns how the geometry of each image changed, for
/// labels to be carried along.
///
/// # Shapes
///
/// `(N, C, H, W)` in [−1, 1] → the same, and N warps.
///
/// # Errors
///
/// If `images` does not have four dimensions.
pub fn augmented_with(
    images: &Tensor,
    options: AugmentOptions,
    rng: &mut ChaCha8Rng,
) -> Result<(Tensor, Vec<Warp>), MetricsError> {
    let (n_images, channels, height, width) = images.dims4()?;
    let mut pixels = images.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    // Drawn in sequence before the parallel loop, so that the result does not depend on threads.
    let changes: Vec<_> =
        (0..n_images).map(|_| Augmentation::draw_as(options, rng, [width, height])).collect();
    let stride = (channels * height * width).max(1);
    pixels.par_chunks_mut(stride).zip(&changes).for_each(|(image, change)| {
        if options.depth {
            change.apply_to_depth(image, height, width);
        } else {
            change.apply(image, height, width);
        }
    });
    let warps = changes.iter().map(|change| change.warp(height, width)).collect();
    Ok((Tensor::from_vec(pixels, images.dims(), images.device())?, warps))
}

/// The changes to one image.
pub(crate) struct Augmentation {
    /// Shift to the right and down, in pixels.
    shift: [f32; 2],
    scale: f32,
    /// Clockwise angle in radians.
    turn: f32,
    gamma: f32,
    /// Factor of brightness, from black.
    gain: f32,
    /// Factor of brightness, about middle gray.
    contrast: f32,
    brightness: f32,
    /// Change of brightness from the centre to the right and lower edge.
    ramp: [f32; 2],
    /// Standard deviation of the Gaussian, in pixels.
    blur: f32,
    /// Standard deviation, relative to a brightness range of 1.
    noise: f32,
    seed: u64,
}

impl Augmentation {
    fn draw_as(options: AugmentOptions, rng: &mut ChaCha8Rng, size: [usize; 2]) -> Self {
        let drawn = match options.strength {
            Strength::Light => Self::draw(rng, size[0]),
            Strength::Strong => Self::draw_strong(rng, size[0]),
        };
        if options.turn { drawn.turned(rng, size) } else { drawn }
    }

    /// Draws the changes of [`Strength::Light`]; lengths scale with the image's width.
    pub(crate) fn draw(rng: &mut ChaCha8Rng, width: usize) -> Self {
        let unit = width as f32 / REFERENCE_WIDTH as f32;
        let mut around = |centre: f32, reach: f32| centre + reach * rng.random_range(-1.0..1.0);
        Self {
            shift: [around(0.0, 2.0 * unit), around(0.0, 2.0 * unit)],
            scale: around(1.0, 0.08),
            turn: 0.0,
            gamma: around(0.0, 0.4).exp(),
            gain: 1.0,
            contrast: around(1.0, 0.25),
            brightness: around(0.0, 0.12),
            ramp: [0.0; 2],
            blur: around(0.0, unit).max(0.0),
            noise: around(0.0, 0.05).max(0.0),
            seed: rng.random(),
        }
    }

    /// Draws the changes of [`Strength::Strong`].
    fn draw_strong(rng: &mut ChaCha8Rng, width: usize) -> Self {
        let unit = width as f32 / REFERENCE_WIDTH as f32;
        let mut around = |centre: f32, reach: f32| centre + reach * rng.random_range(-1.0..1.0);
        Self {
            shift: [around(0.0, 2.0 * unit), around(0.0, 2.0 * unit)],
            scale: around(1.0, 0.08),
            turn: 0.0,
            gamma: around(0.0, 0.8).exp(),
            gain: around(0.0, 0.3).exp(),
            contrast: around(1.0, 0.4),
            brightness: around(0.0, 0.2),
            ramp: [around(0.0, 0.25), around(0.0, 0.25)],
            blur: around(0.0, 1.5 * unit).max(0.0),
            noise: around(0.0, 0.1).max(0.0),
            seed: rng.random(),
        }
    }

    /// Replaces the geometry by a turn, a scale and a shift, which crops.
    fn turned(self, rng: &mut ChaCha8Rng, size: [usize; 2]) -> Self {
        let mut around = |centre: f32, reach: f32| centre + reach * rng.random_range(-1.0..1.0);
        let turn = around(0.0, 20.0).to_radians();
        let scale = around(1.0, 0.25);
        Self { turn, scale, shift: size.map(|length| around(0.0, 0.1 * length as f32)), ..self }
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

    fn warp(&self, height: usize, width: usize) -> Warp {
        Warp { size: [width, height], shift: self.shift, scale: self.scale, turn: self.turn }
    }

    /// Applies the changes to an image `(C, H, W)` in [−1, 1].
    pub(crate) fn apply(&self, image: &mut [f32], height: usize, width: usize) {
        let mut noise = Noise { rng: ChaCha8Rng::seed_from_u64(self.seed), deviation: 2.0 * self.noise };
        for plane in image.chunks_exact_mut((height * width).max(1)) {
            self.warp(height, width).apply(plane);
            self.tone(plane);
            self.light(plane, height, width);
            // Below this, the neighbours' weight is under 10⁻⁵.
            if self.blur > 0.2 {
                blur(plane, width, self.blur);
            }
            plane.iter_mut().for_each(|value| *value = (*value + noise.next()).clamp(-1.0, 1.0));
        }
    }

    /// Applies the change of geometry to a depth image `(C, H, W)` in [−1, 1].
    fn apply_to_depth(&self, image: &mut [f32], height: usize, width: usize) {
        let warp = self.warp(height, width);
        image.chunks_exact_mut((height * width).max(1)).for_each(|plane| warp.apply_to_depth(plane));
    }

    /// Applies gamma and gain, then contrast about middle gray, then brightness.
    fn tone(&self, plane: &mut [f32]) {
        for value in plane {
            let level = self.gain * (0.5 + 0.5 * *value).clamp(0.0, 1.0).powf(self.gamma);
            *value = 2.0 * ((level - 0.5) * self.contrast + self.brightness);
        }
    }

    /// Adds light that changes linearly across the image.
    fn light(&self, plane: &mut [f32], height: usize, width: usize) {
        if self.ramp == [0.0; 2] {
            return;
        }
        let along = |at: usize, length: usize| (2 * at + 1) as f32 / length as f32 - 1.0;
        for (row, pixels) in plane.chunks_exact_mut(width).enumerate() {
            let down = self.ramp[1] * along(row, height);
            for (column, value) in pixels.iter_mut().enumerate() {
                *value += 2.0 * (self.ramp[0] * along(column, width) + down);
            }
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
