//! Toy images whose direction is told by the place of a round spot.

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_data::{Annotation, Direction};
use simgan_eval::{Inputs, LabelledImages};

const SIDE: usize = 24;

/// How spots look: brightness of the ground and of the spot above it, its width, and the noise's deviation.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) ground: f32,
    pub(crate) spot: f32,
    pub(crate) width: f32,
    pub(crate) noise: f32,
}

pub(crate) const BRIGHT: Look = Look { ground: -0.6, spot: 1.2, width: 2.4, noise: 0.02 };

/// A sum of twelve: nearly normal, mean 0, deviation 1.
pub(crate) fn bell(rng: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

/// Images of directions, `[pitch, yaw]` in degrees.
pub(crate) fn spots(gazes: &[[f32; 2]], look: Look, seed: u64) -> LabelledImages {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut pixels, mut labels) = (Vec::new(), Vec::<Annotation>::new());
    for [pitch, yaw] in gazes {
        let gaze = Direction::from_pitch_yaw(pitch.to_radians(), yaw.to_radians());
        let [right, down, _] = gaze.vector();
        let middle = SIDE as f32 / 2.0;
        let (x, y) = (middle + 14.0 * right, middle + 14.0 * down);
        for place in 0..SIDE * SIDE {
            let (column, row) = ((place % SIDE) as f32 + 0.5, (place / SIDE) as f32 + 0.5);
            let near = (-((column - x).powi(2) + (row - y).powi(2)) / (2.0 * look.width * look.width)).exp();
            pixels.push((look.ground + look.spot * near + look.noise * bell(&mut rng)).clamp(-1.0, 1.0));
        }
        labels.push(gaze.into());
    }
    let images = Tensor::from_vec(pixels, (gazes.len(), 1, SIDE, SIDE), &Device::Cpu).unwrap();
    LabelledImages::new(Inputs::new(images, None).unwrap(), labels).unwrap()
}

/// Directions drawn evenly from ± the given degrees of pitch and yaw.
pub(crate) fn even(count: usize, [pitch, yaw]: [f32; 2], seed: u64) -> Vec<[f32; 2]> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| [pitch * rng.random_range(-1.0..1.0), yaw * rng.random_range(-1.0..1.0)]).collect()
}
