use candle_core::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use simgan_data::Annotations;

use crate::augment::Augmentation;
use crate::eye_region::{EyeRegion, REFERENCE_WIDTH};
use crate::gray::{Gray, grays};
use crate::iris::find_irises;
use crate::registration::{LARGEST_SHIFT, Registration};
use crate::{MetricsError, Spread};

/// How far the iris moved between images and their refined versions, in pixels of a 55-pixel-wide eye. The paper's
/// subjects' clicks gave 1.1 ± 0.8 (§3.1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PupilShift {
    /// Number of pairs.
    pub n_pairs: usize,
    /// Pairs in which nothing of the refined image is like the iris of the original one. They count as moved by
    /// 6 pixels in `distance_px`, and not in `drift_px`.
    pub n_lost: usize,
    /// Distance between the two centres.
    pub distance_px: Spread,
    /// Signed change of x and y: a systematic drift, which falsifies labels more than scatter does.
    pub drift_px: [Spread; 2],
    /// How exact these figures are.
    pub error: ShiftError,
}

/// How exactly a shift is measured: found by moving the irises of the same images on purpose, in random directions, while
/// contrast, brightness, blur and noise change as under a refiner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShiftError {
    /// Mean distance that is measured where nothing moved: the floor of `distance_px`.
    pub still_px: f64,
    /// Median distance between what was measured and what was done, for moves of 0.5, 1 and 2 pixels.
    pub median_px: f64,
    /// Its 90th percentile.
    pub p90_px: f64,
    /// Share of a move, along x and y, that is seen when lids hold still while the iris moves. What is seen is divided by
    /// its square root: midway to lids that move along, since a pair of images does not tell.
    pub gain: [f64; 2],
}

/// Compares each image of `before` with the same of `after`, both `(N, C, H, W)` in [−1, 1]; the irises of `before` are
/// found as [`find_irises`] does. If they are known, [`pupil_shift_at`] is more exact.
///
/// # Errors
///
/// If the shapes differ, there is no image, or images are too small for an iris (15 pixels).
pub fn pupil_shift(before: &Tensor, after: &Tensor) -> Result<PupilShift, MetricsError> {
    let eyes: Vec<_> = find_irises(before)?.into_iter().map(EyeRegion::from).collect();
    shift_of(before, after, &eyes)
}

/// The same for images whose landmarks are known: iris and, if they are there, lids.
///
/// The iris's neighbourhood within the lids is sought in the refined image: where brightness and its gradients
/// correlate best, to a sixteenth of a pixel. That is more exact than to find the iris twice.
///
/// # Errors
///
/// As [`pupil_shift`]; an image without points around the iris.
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
    let (before, after) = (grays(before)?, grays(after)?);
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

/// In pixels of a 55-pixel-wide image; `None` if the iris is lost.
fn measured(before: &Gray, after: &Gray, eye: &EyeRegion) -> Option<[f64; 2]> {
    let scale = REFERENCE_WIDTH / before.width as f64;
    Registration::new(before, eye).find(after).map(|moved| moved.map(|moved| moved * scale))
}

fn corrected(moved: [f64; 2], gain: [f64; 2]) -> [f64; 2] {
    [moved[0] / gain[0].sqrt(), moved[1] / gain[1].sqrt()]
}

fn length([x, y]: [f64; 2]) -> f64 {
    x.hypot(y)
}

/// Images that are moved on purpose, at most.
const MOST_MOVED: usize = 150;
/// By how much, in pixels of a 55-pixel-wide eye.
const MOVES: [f64; 4] = [0.0, 0.5, 1.0, 2.0];
/// A gain beyond this is a sign of other trouble, which no division mends.
const GAINS: [f64; 2] = [0.5, 1.0];

/// What a move that was made on purpose is measured as.
struct Trial {
    done: [f64; 2],
    measured: [f64; 2],
}

fn calibrated(images: &[Gray], eyes: &[EyeRegion]) -> ShiftError {
    let count = images.len().min(MOST_MOVED);
    let chosen = (0..count).map(|idx| idx * images.len() / count).collect::<Vec<_>>();
    let trials: Vec<Trial> =
        chosen.par_iter().flat_map_iter(|idx| trials(&images[*idx], &eyes[*idx], *idx as u64)).collect();
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

/// One image moved by each of [`MOVES`]. An iris that is lost was not seen to move.
fn trials(image: &Gray, eye: &EyeRegion, seed: u64) -> Vec<Trial> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let registration = Registration::new(image, eye);
    let unit = image.width as f64 / REFERENCE_WIDTH;
    let mut trial = |distance: f64| {
        let (sine, cosine) = rng.random_range(0.0..std::f64::consts::TAU).sin_cos();
        let done = [distance * cosine, distance * sine];
        let mut moved = eye.with_iris_moved(image, done.map(|done| done * unit));
        Augmentation::draw_look(&mut rng, image.width).apply(&mut moved.pixels, image.height, image.width);
        let measured = registration.find(&moved).unwrap_or_default().map(|moved| moved / unit);
        Trial { done, measured }
    };
    MOVES.map(&mut trial).into()
}
