use candle_core::{DType, Device, Tensor};
use simgan_data::Sampler;

use crate::MetricsError;

/// Gives each image the histogram of a randomly chosen reference image, channel by channel: a simple baseline
/// to try before a GAN.
///
/// Each value is replaced by the reference's value of equal rank, interpolated linearly between ranks; an
/// image matched to itself is unchanged. The histogram comes from a single reference, not from all of them
/// together: a pooled histogram would remove the variation of exposure between images, which characterises a
/// domain.
///
/// # Shapes
///
/// `(N, C, H, W)` and `(M, C, h, w)` in [−1, 1] → `(N, C, H, W)`.
///
/// # Errors
///
/// If there is no reference, or the numbers of channels differ.
pub fn histogram_matched(images: &Tensor, reference: &Tensor, seed: u64) -> Result<Tensor, MetricsError> {
    let ((_, channels, ..), (_, other_channels, ..)) = (images.dims4()?, reference.dims4()?);
    if channels != other_channels {
        return Err(MetricsError::Mismatch(format!(
            "images of {channels} channels and reference images of {other_channels}"
        )));
    }
    let chosen = chosen(reference, images.dim(0)?, seed)?;
    let planes =
        |images: &Tensor| Ok::<_, MetricsError>(images.to_dtype(DType::F32)?.flatten(0, 1)?.flatten_from(1)?);
    let (source, target) = (planes(images)?.to_vec2::<f32>()?, planes(&chosen)?.to_vec2::<f32>()?);
    let matched: Vec<f32> =
        source.iter().zip(&target).flat_map(|(plane, target)| with_histogram(plane, target)).collect();
    Ok(Tensor::from_vec(matched, images.dims(), images.device())?)
}

/// Returns the plane with the target's histogram.
fn with_histogram(plane: &[f32], target: &[f32]) -> Vec<f32> {
    let (source, target) = (ranks(plane), ranks(target));
    let new: Vec<f32> = source.iter().map(|(_, rank)| at_rank(&target, *rank)).collect();
    let place = |value: &f32| source.partition_point(|(known, _)| known.total_cmp(value).is_lt());
    plane.iter().map(|value| new[place(value)]).collect()
}

/// Returns the distinct values in ascending order, each with the share of pixels at or below it.
fn ranks(plane: &[f32]) -> Vec<(f32, f64)> {
    let mut sorted = plane.to_vec();
    sorted.sort_by(f32::total_cmp);
    let mut ranks: Vec<(f32, f64)> = Vec::new();
    for (idx, value) in sorted.iter().enumerate() {
        let rank = (idx + 1) as f64 / sorted.len() as f64;
        match ranks.last_mut() {
            Some(last) if last.0.total_cmp(value).is_eq() => last.1 = rank,
            _ => ranks.push((*value, rank)),
        }
    }
    ranks
}

/// Returns the value at a rank in (0, 1], interpolated linearly between known ranks.
fn at_rank(ranks: &[(f32, f64)], rank: f64) -> f32 {
    let above = ranks.partition_point(|(_, known)| *known < rank).min(ranks.len() - 1);
    let (value, upper) = ranks[above];
    if above == 0 || upper == rank {
        return value;
    }
    let (below, lower) = ranks[above - 1];
    let share = (rank - lower) / (upper - lower);
    (f64::from(below) + share * (f64::from(value) - f64::from(below))) as f32
}

/// Gives each image the low-frequency amplitudes of a randomly chosen reference image and keeps its phases:
/// Fourier domain adaptation (FDA, Yang and Soatto, CVPR 2020).
///
/// Along both axes, it exchanges frequencies of up to `beta` × the shorter side (rounded down) periods per
/// image; with 0, only the mean brightness. Frequencies absent from an image stay absent. Results are clipped
/// to [−1, 1].
///
/// # Shapes
///
/// `(N, C, H, W)` and `(M, C, H, W)` in [−1, 1] → `(N, C, H, W)`.
///
/// # Errors
///
/// If there is no reference, sizes or channels differ, or `beta` is not in [0, 0.5).
pub fn fourier_matched(
    images: &Tensor,
    reference: &Tensor,
    beta: f64,
    seed: u64,
) -> Result<Tensor, MetricsError> {
    let (n_images, _, height, width) = images.dims4()?;
    let found = reference.dims4()?;
    if images.dims()[1..] != reference.dims()[1..] {
        return Err(MetricsError::Mismatch(format!("images {:?} and reference {found:?}", images.dims())));
    }
    if !(0.0..0.5).contains(&beta) {
        return Err(MetricsError::Mismatch(format!(
            "beta is {beta}, but must be at least 0 and less than 0.5"
        )));
    }
    let reach = (beta * height.min(width) as f64) as usize;
    let fourier = LowFrequencies::new(height, width, reach, images.device())?;
    let [real, imaginary] = fourier.of(images)?;
    let [other_real, other_imaginary] = fourier.of(&chosen(reference, n_images, seed)?)?;
    let amplitude = |real: &Tensor, imaginary: &Tensor| (real.sqr()? + imaginary.sqr()?)?.sqrt();
    let own = amplitude(&real, &imaginary)?;
    // An amplitude is a sum over all pixels; below 10⁻³ it is rounding error, which must not be amplified.
    // Scaling both parts by one factor keeps the phase, so no angles are needed.
    let gain = ((amplitude(&other_real, &other_imaginary)? - &own)? / own.clamp(1e-3, f64::INFINITY)?)?;
    let change = fourier.image(&(real * &gain)?, &(imaginary * gain)?)?;
    Ok((images + change)?.clamp(-1.0, 1.0)?)
}

/// Returns `count` reference images in random order.
fn chosen(reference: &Tensor, count: usize, seed: u64) -> Result<Tensor, MetricsError> {
    let found = reference.dim(0)?;
    if found == 0 {
        return Err(MetricsError::TooFew { what: "images to match", found, needed: 1 });
    }
    let chosen: Vec<_> =
        Sampler::new(found, seed).next_batch(count).into_iter().map(|idx| idx as u32).collect();
    Ok(reference.index_select(&Tensor::new(chosen, reference.device())?, 0)?)
}

/// The discrete Fourier transform at frequencies from −reach to reach along both axes, as matrix products.
struct LowFrequencies {
    /// Cosine and sine of each frequency along the columns, `(2·reach + 1, H)`.
    down: [Tensor; 2],
    /// Cosine and sine of each frequency along the rows, `(W, 2·reach + 1)`.
    across: [Tensor; 2],
    n_pixels: f64,
}

impl LowFrequencies {
    fn new(height: usize, width: usize, reach: usize, device: &Device) -> Result<Self, MetricsError> {
        let waves = |length: usize, wave: fn(f64) -> f64| {
            let angle =
                |frequency: f64, at: usize| std::f64::consts::TAU * frequency * at as f64 / length as f64;
            let frequencies = (0..=2 * reach).map(|idx| idx as f64 - reach as f64);
            let values: Vec<f32> = frequencies
                .flat_map(|frequency| (0..length).map(move |at| wave(angle(frequency, at)) as f32))
                .collect();
            Tensor::from_vec(values, (2 * reach + 1, length), device)
        };
        let both = |length| Ok::<_, MetricsError>([waves(length, f64::cos)?, waves(length, f64::sin)?]);
        let [cos, sin] = both(width)?;
        Ok(Self {
            down: both(height)?,
            across: [cos.t()?.contiguous()?, sin.t()?.contiguous()?],
            n_pixels: (height * width) as f64,
        })
    }

    /// Returns real and imaginary parts, each `(N, C, 2·reach + 1, 2·reach + 1)`.
    fn of(&self, images: &Tensor) -> Result<[Tensor; 2], MetricsError> {
        let ([cos_y, sin_y], [cos_x, sin_x]) = (&self.down, &self.across);
        let (cos, sin) = (images.broadcast_matmul(cos_x)?, images.broadcast_matmul(sin_x)?);
        let real = (cos_y.broadcast_matmul(&cos)? - sin_y.broadcast_matmul(&sin)?)?;
        let imaginary = (sin_y.broadcast_matmul(&cos)? + cos_y.broadcast_matmul(&sin)?)?.neg()?;
        Ok([real, imaginary])
    }

    /// Returns the real part of the inverse transform; the imaginary part is 0 for the spectrum of a real
    /// image.
    fn image(&self, real: &Tensor, imaginary: &Tensor) -> Result<Tensor, MetricsError> {
        let transposed = |waves: &[Tensor; 2]| Ok::<_, MetricsError>([waves[0].t()?, waves[1].t()?]);
        let ([cos_y, sin_y], [cos_x, sin_x]) = (transposed(&self.down)?, transposed(&self.across)?);
        let cos = (cos_y.broadcast_matmul(real)? - sin_y.broadcast_matmul(imaginary)?)?;
        let sin = (sin_y.broadcast_matmul(real)? + cos_y.broadcast_matmul(imaginary)?)?;
        Ok(((cos.broadcast_matmul(&cos_x)? - sin.broadcast_matmul(&sin_x)?)? / self.n_pixels)?)
    }
}
