use candle_core::{Result, Tensor};
use rayon::prelude::*;

/// How far a neighbour may be, in pixels, across others that show nothing.
const REACH: usize = 2;

/// The planes that a network sees for each channel of an image.
pub(crate) const fn planes(gain: usize) -> usize {
    if gain == 0 { 1 } else { 3 }
}

/// How far from a pixel its relief looks: what a tile needs beside itself.
#[must_use]
pub const fn relief_reach(gain: usize) -> usize {
    if gain == 0 { 0 } else { REACH }
}

/// What of a difference, `gain` times, is taken for noise.
const NOISE: f32 = 0.25;

/// Appends the relief of images, if `gain` is above 0: for each channel the difference of a pixel's right and left
/// neighbours and that of its lower and upper ones, `gain` times, drawn towards 0 by [`NOISE`] and cut to [−1, 1].
///
/// In a depth image fingers differ from a palm by a hundredth of what they differ from the background by, and a
/// network starts blind to it. Pixels of −1, which were not measured, are passed over: a pixel's relief does not
/// depend on whether the pixel itself was measured, so that D can learn how often pixels are missing at such
/// a step. It has no gradient; that of an image flows through the image. Small differences count as none, since D would
/// otherwise tell real images by their noise, and R could not learn it from D.
///
/// # Shapes
///
/// `(N, C, H, W)` → `(N, 3 C, H, W)`: the images, then for each channel the two planes. 0 where a neighbour is missing.
pub(crate) fn with_relief(images: &Tensor, gain: usize) -> Result<Tensor> {
    if gain == 0 {
        return Ok(images.clone());
    }
    let (n, channels, height, width) = images.dims4()?;
    let values = images.detach().flatten_all()?.to_vec1::<f32>()?;
    let mut relief = vec![0.0; 2 * values.len()];
    let plane = height * width;
    if plane > 0 {
        let planes = relief.par_chunks_exact_mut(2 * plane).zip(values.par_chunks_exact(plane));
        planes.for_each(|(relief, values)| {
            let (across, down) = relief.split_at_mut(plane);
            slopes(values, [height, width], gain as f32, across, down);
        });
    }
    let relief = Tensor::from_vec(relief, (n, 2 * channels, height, width), images.device())?;
    Tensor::cat(&[images, &relief], 1)
}

fn shrunk(slope: f32) -> f32 {
    (slope.abs() - NOISE).clamp(0.0, 1.0).copysign(slope)
}

fn slopes(values: &[f32], [height, width]: [usize; 2], gain: f32, across: &mut [f32], down: &mut [f32]) {
    // Of the pixels at `stride` and its multiples from `at` on, as far as there are any, the first that shows something.
    let before = |at: usize, stride: usize, n: usize| {
        (1..=REACH.min(n)).map(|step| values[at - step * stride]).find(|value| *value > -1.0)
    };
    let after = |at: usize, stride: usize, n: usize| {
        (1..=REACH.min(n)).map(|step| values[at + step * stride]).find(|value| *value > -1.0)
    };
    let slope = |before: Option<f32>, after: Option<f32>| {
        before.zip(after).map_or(0.0, |(before, after)| shrunk(gain * (after - before)))
    };
    for (at, (across, down)) in across.iter_mut().zip(down).enumerate() {
        let (x, y) = (at % width, at / width);
        *across = slope(before(at, 1, x), after(at, 1, width - 1 - x));
        *down = slope(before(at, width, y), after(at, width, height - 1 - y));
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn neighbours_are_looked_for_beyond_missing_pixels() {
        // One row: steps of 0.01, missing pixels, a great step, and the ends.
        let row = [0.0, 0.01, -1.0, 0.03, -1.0, -1.0, -1.0, 0.5, 0.9, 0.9];
        let image = Tensor::new(&row, &Device::Cpu).unwrap().reshape((1, 1, 1, 10)).unwrap();
        let found = with_relief(&image.to_dtype(candle_core::DType::F32).unwrap(), 20).unwrap();
        let found: Vec<Vec<f32>> = found.squeeze(0).unwrap().squeeze(1).unwrap().to_vec2().unwrap();
        // At 4 the right neighbour is three pixels away, at 5 both are within reach.
        let expected = [0.0, 0.35, 0.15, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0];
        // At 1 the right neighbour is missing and the next counts; at 3 and 7 one side has none within reach. A fourth
        // of the greatest value is taken off.
        for (idx, (found, expected)) in found[1].iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-6, "{idx}: {found}, {expected}");
        }
        assert_eq!(found[2], [0.0; 10], "a single row has no slope downwards");
        assert_eq!(with_relief(&image, 0).unwrap().dims(), image.dims());
    }

    #[test]
    fn planes_follow_their_channels_and_have_no_gradient() {
        let values: Vec<f32> = (0..2 * 2 * 3 * 5).map(|idx| (idx as f32 * 0.7).sin() * 0.9).collect();
        let images = Var::from_vec(values.clone(), (2, 2, 3, 5), &Device::Cpu).unwrap();
        let found = with_relief(&images, 2).unwrap();
        assert_eq!(found.dims(), [2, 6, 3, 5]);
        let at = |n: usize, c: usize, y: usize, x: usize| values[((n * 2 + c) * 3 + y) * 5 + x];
        for (n, c, y, x) in [(0, 0, 1, 1), (1, 0, 1, 3), (0, 1, 1, 2), (1, 1, 1, 1)] {
            let plane = |p: usize| found.get(n).unwrap().get(p).unwrap().to_vec2::<f32>().unwrap()[y][x];
            let expected = [at(n, c, y, x + 1) - at(n, c, y, x - 1), at(n, c, y + 1, x) - at(n, c, y - 1, x)];
            for (p, expected) in expected.into_iter().enumerate() {
                let expected = shrunk(2.0 * expected);
                assert!((plane(2 + 2 * c + p) - expected).abs() < 1e-6, "{n} {c} {p}");
            }
        }
        let small = [(0.1, 0.0), (-0.3, -0.05), (0.75, 0.5), (-9.0, -1.0)];
        assert!(small.iter().all(|(slope, expected): &(f32, f32)| (shrunk(*slope) - expected).abs() < 1e-6));
        let gradients = found.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&images).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gradient, vec![1.0; 60], "that of the images alone");
    }
}
