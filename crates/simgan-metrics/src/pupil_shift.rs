use candle_core::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use simgan_data::Annotations;

use crate::augment::Augmentation;
use crate::eye_region::{EyeRegion, REFERENCE_WIDTH};
use crate::gray::{Gray, eye_grays};
use crate::iris::find_irises;
use crate::registration::{Profile, Registration};
use crate::{MetricsError, Spread};

/// Radius of the search for a moved iris, in pixels of a 55-pixel-wide eye.
const LARGEST_SHIFT: f64 = 6.0;

/// The movement of irises between images and their refined versions, in pixels of a 55-pixel-wide eye. The
/// paper reports 1.1 ± 0.8 from manual labels (§3.1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PupilShift {
    /// Number of pairs.
    pub n_pairs: usize,
    /// Pairs whose refined image has no match for the original iris. They count as 6 pixels in `distance_px`
    /// and are left out of `drift_px`.
    pub n_lost: usize,
    /// Distance between the iris's two positions.
    pub distance_px: Spread,
    /// Signed change of x and y: the systematic drift, which biases labels, unlike scatter.
    pub drift_px: [Spread; 2],
    /// The accuracy of these figures.
    pub error: ShiftError,
}

/// The accuracy of the measured shifts, from a calibration: the irises of the same images are moved by known
/// distances in random directions, while contrast, brightness, blur and noise change as under a refiner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShiftError {
    /// Mean distance measured without any movement: the floor of `distance_px`.
    pub still_px: f64,
    /// Median error, the distance between measured and true movement, for movements of 0.5, 1 and 2 pixels.
    pub median_px: f64,
    /// 90th percentile of that error.
    pub p90_px: f64,
    /// Share of a movement, along x and y, that is measured when the lids stay in place. Measured shifts are
    /// divided by its square root: halfway between lids that stay (divide by the gain) and lids that move
    /// along (divide by 1), since a pair of images does not reveal which is the case.
    pub gain: [f64; 2],
}

/// Measures the iris's movement from each image of `before` to its counterpart in `after`. [`find_irises`]
/// locates the irises of `before`; [`pupil_shift_at`] is more accurate if their positions are known. Both
/// inputs are `(N, C, H, W)` in [−1, 1].
///
/// # Errors
///
/// If the shapes differ, there is no image, or height or width is under 15 pixels.
pub fn pupil_shift(before: &Tensor, after: &Tensor) -> Result<PupilShift, MetricsError> {
    let eyes: Vec<_> = find_irises(before)?.into_iter().map(EyeRegion::from).collect();
    shift_of(before, after, &eyes)
}

/// Measures the iris's movement in images with known landmarks: around the iris and, optionally, along the
/// lids.
///
/// It searches the refined image for the iris's neighbourhood within the lids and takes the position at which
/// brightness and its gradients correlate best, to a sixteenth of a pixel. That is more accurate than finding
/// the iris twice.
///
/// # Errors
///
/// As [`pupil_shift`]; or the numbers of images and annotations differ, or an image has no points around the
/// iris.
pub fn pupil_shift_at(
    before: &Tensor,
    after: &Tensor,
    annotations: &[Annotations],
) -> Result<PupilShift, MetricsError> {
    if annotations.len() != before.dim(0)? {
        let text = format!("{} images and the landmarks of {}", before.dim(0)?, annotations.len());
        return Err(MetricsError::Mismatch(text));
    }
    let eyes: Option<Vec<_>> = annotations.iter().map(EyeRegion::from_annotations).collect();
    let missing = || MetricsError::Mismatch("an image has no landmarks around its iris".to_owned());
    shift_of(before, after, &eyes.ok_or_else(missing)?)
}

fn shift_of(before: &Tensor, after: &Tensor, eyes: &[EyeRegion]) -> Result<PupilShift, MetricsError> {
    if before.dims() != after.dims() {
        let text = format!("images {:?} and refined {:?}", before.dims(), after.dims());
        return Err(MetricsError::Mismatch(text));
    }
    let (before, after) = (eye_grays(before)?, eye_grays(after)?);
    if before.is_empty() {
        return Err(MetricsError::TooFew { what: "the pupil shift", found: 0, needed: 1 });
    }
    let error = calibrated(&before, eyes);
    let pairs = before.par_iter().zip(&after).zip(eyes);
    let moved: Vec<_> = pairs.map(|((before, after), eye)| measured(before, after, eye)).collect();
    let found: Vec<_> = moved.iter().flatten().map(|moved| corrected(*moved, error.gain)).collect();
    let distance =
        |moved: &Option<[f64; 2]>| moved.map_or(LARGEST_SHIFT, |moved| length(corrected(moved, error.gain)));
    let distances: Vec<_> = moved.iter().map(distance).collect();
    let spread = |values: &[f64]| Spread::new(values).unwrap_or(Spread { mean: 0.0, sd: 0.0 });
    let axis = |axis: usize| spread(&found.iter().map(|moved| moved[axis]).collect::<Vec<_>>());
    Ok(PupilShift {
        n_pairs: moved.len(),
        n_lost: moved.len() - found.len(),
        distance_px: spread(&distances),
        drift_px: [axis(0), axis(1)],
        error,
    })
}

/// Returns the uncorrected movement in pixels of a 55-pixel-wide image; `None` if the iris is lost.
fn measured(before: &Gray, after: &Gray, eye: &EyeRegion) -> Option<[f64; 2]> {
    let scale = REFERENCE_WIDTH / before.width as f64;
    found(&Registration::of_eye(before, eye), after).map(|moved| moved.map(|moved| moved * scale))
}

/// Returns the iris's movement in the image's pixels, to a sixteenth of a pixel of a 55-pixel-wide image.
fn found(registration: &Registration, image: &Gray) -> Option<[f64; 2]> {
    let unit = image.width as f64 / REFERENCE_WIDTH;
    registration.find(&Profile::new(image, unit), LARGEST_SHIFT, 4)
}

fn corrected(moved: [f64; 2], gain: [f64; 2]) -> [f64; 2] {
    [moved[0] / gain[0].sqrt(), moved[1] / gain[1].sqrt()]
}

fn length([x, y]: [f64; 2]) -> f64 {
    x.hypot(y)
}

/// Maximum number of images used for calibration.
const MOST_MOVED: usize = 150;
/// Distances of the calibration's movements, in pixels of a 55-pixel-wide eye.
const MOVES: [f64; 4] = [0.0, 0.5, 1.0, 2.0];
/// Limits of the gain; a value beyond them has other causes, which dividing cannot correct.
const GAINS: [f64; 2] = [0.5, 1.0];

/// A known movement and its measurement.
struct Trial {
    done: [f64; 2],
    measured: [f64; 2],
}

fn calibrated(images: &[Gray], eyes: &[EyeRegion]) -> ShiftError {
    let count = images.len().min(MOST_MOVED);
    let chosen = (0..count).map(|idx| idx * images.len() / count).collect::<Vec<_>>();
    let trials: Vec<Trial> =
        chosen.par_iter().flat_map_iter(|idx| trials(&images[*idx], &eyes[*idx], *idx as u64)).collect();
    // Least squares through the origin: Σ done · measured / Σ done².
    let gain = [0, 1].map(|axis| {
        let sum = |with: fn(&Trial) -> [f64; 2]| {
            trials.iter().map(|trial| trial.done[axis] * with(trial)[axis]).sum::<f64>()
        };
        let (seen, done) = (sum(|trial| trial.measured), sum(|trial| trial.done));
        if done > 0.0 { (seen / done).clamp(GAINS[0], GAINS[1]) } else { 1.0 }
    });
    let error = |trial: &Trial| {
        let [x, y] = corrected(trial.measured, gain);
        (x - trial.done[0]).hypot(y - trial.done[1])
    };
    let (still, moved): (Vec<_>, Vec<_>) = trials.iter().partition(|trial| trial.done == [0.0; 2]);
    let still: Vec<_> = still.into_iter().map(error).collect();
    let mut moved: Vec<_> = moved.into_iter().map(error).collect();
    moved.sort_by(f64::total_cmp);
    let quantile =
        |share: f64| moved.get((share * moved.len() as f64) as usize).copied().unwrap_or(LARGEST_SHIFT);
    let still_px = Spread::new(&still).map_or(LARGEST_SHIFT, |spread| spread.mean);
    ShiftError { still_px, median_px: quantile(0.5), p90_px: quantile(0.9), gain }
}

/// Moves the iris of one image by each of [`MOVES`]. A lost iris counts as measured without movement.
fn trials(image: &Gray, eye: &EyeRegion, seed: u64) -> Vec<Trial> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let registration = Registration::of_eye(image, eye);
    let unit = image.width as f64 / REFERENCE_WIDTH;
    let mut trial = |distance: f64| {
        let (sine, cosine) = rng.random_range(0.0..std::f64::consts::TAU).sin_cos();
        let done = [distance * cosine, distance * sine];
        let mut moved = eye.with_iris_moved(image, done.map(|done| done * unit));
        Augmentation::draw_look(&mut rng, image.width).apply(&mut moved.pixels, image.height, image.width);
        let measured = found(&registration, &moved).unwrap_or_default().map(|moved| moved / unit);
        Trial { done, measured }
    };
    MOVES.map(&mut trial).into()
}
