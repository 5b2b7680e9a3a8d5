use candle_core::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::eye_region::REFERENCE_WIDTH;
use crate::gray::{Gray, grays};
use crate::registration::{Neighbourhood, Profile, Registration};
use crate::{MetricsError, Spread};

const WHAT: &str = "the shift of points";
/// Radius of the compared neighbourhood, in units.
const RADIUS: f64 = 6.0;
/// Radius of the search for a moved point, in units.
const LARGEST_SHIFT: f64 = 4.0;
/// Root mean square change of brightness over a unit, in the direction of least change, below which a
/// neighbourhood counts as flat: relative to the image's standard deviation, and in pixels of [−1, 1].
const LEAST_RELIEF: [f64; 2] = [0.04, 0.0005];

/// The movement of labelled points between images and their refined versions, in pixels of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointShift {
    /// Number of points that can be measured, over all images.
    pub n_points: usize,
    /// Points that cannot be measured and do not count: their place is unknown, too close to the border, or
    /// so flat or straight around that a movement would not show.
    pub n_unmeasurable: usize,
    /// Of `n_points`, those whose neighbourhood has no match in the refined image. They count with the
    /// search's radius in `distance_px` and are left out of `drift_px`.
    pub n_lost: usize,
    /// Distance between a point's two positions.
    pub distance_px: Spread,
    /// Signed change of x and y: the systematic drift, which biases labels, unlike scatter.
    pub drift_px: [Spread; 2],
    /// Each point's own figures over all images; `None` for a point that is measurable in none.
    pub points: Vec<Option<SinglePointShift>>,
    /// The accuracy of these figures.
    pub error: PointShiftError,
}

/// The movement of one point, such as the tip of the thumb, over all images, as in [`PointShift`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinglePointShift {
    /// Number of images in which it can be measured.
    pub n_images: usize,
    /// Number of these in which it is lost.
    pub n_lost: usize,
    /// Distance between its two positions.
    pub distance_px: Spread,
    /// Signed change of x and y.
    pub drift_px: [Spread; 2],
}

/// The accuracy of the measured shifts, from a calibration: the same images are moved by known distances in
/// random directions, while contrast, brightness, blur and noise change as under a refiner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointShiftError {
    /// Mean distance measured without any movement: the floor of `distance_px`.
    pub still_px: f64,
    /// Median error, the distance between measured and true movement, for movements of 0.5, 1 and 2
    /// [units](point_shift).
    pub median_px: f64,
    /// 90th percentile of that error.
    pub p90_px: f64,
    /// Share of points, in [0, 1], that are lost although they are there. In the other figures they count as
    /// measured without movement.
    pub lost: f64,
}

/// Measures the movement of each image's points from `before` to `after`, both `(N, C, H, W)` in [−1, 1];
/// `None` if no point can be measured. `points` are `[x, y]` in pixels of these images, the same number in
/// each; unknown ones are NaN.
///
/// It searches the refined image for each point's neighbourhood and takes the position at which brightness
/// and its gradients correlate best. Lengths scale with the image: a unit is √(H · W) / 55, at least one
/// pixel. A neighbourhood has a radius of 6 units and is searched up to 4 units away. Depth images need no
/// care: their silhouettes are the best of edges.
///
/// # Errors
///
/// If the shapes differ, there is no image, or the numbers of images or of each image's points differ.
pub fn point_shift(
    before: &Tensor,
    after: &Tensor,
    points: &[Vec<[f32; 2]>],
) -> Result<Option<PointShift>, MetricsError> {
    check(before, after, points)?;
    let (before, after) = (grays(before)?, grays(after)?);
    let pairs = before.par_iter().zip(&after).zip(points);
    let outcomes: Vec<_> =
        pairs.map(|((before, after), points)| Templates::new(before, points).measured(after)).collect();
    let unit = unit(&before[0]);
    let all: Vec<_> = outcomes.iter().flatten().collect();
    let Some(total) = SinglePointShift::of(&all, unit) else {
        return Ok(None);
    };
    let of_point = |idx: usize| {
        SinglePointShift::of(&outcomes.iter().map(|image| &image[idx]).collect::<Vec<_>>(), unit)
    };
    let SinglePointShift { n_images: n_points, n_lost, distance_px, drift_px } = total;
    Ok(Some(PointShift {
        n_points,
        n_unmeasurable: all.len() - n_points,
        n_lost,
        distance_px,
        drift_px,
        points: (0..points[0].len()).map(of_point).collect(),
        error: calibrated(&before, points),
    }))
}

fn check(before: &Tensor, after: &Tensor, points: &[Vec<[f32; 2]>]) -> Result<(), MetricsError> {
    if before.dims() != after.dims() {
        let text = format!("images {:?} and refined {:?}", before.dims(), after.dims());
        return Err(MetricsError::Mismatch(text));
    }
    let n_images = before.dims4()?.0;
    if points.len() != n_images {
        return Err(MetricsError::Mismatch(format!("{n_images} images and the points of {}", points.len())));
    }
    let Some(needed) = points.first().map(Vec::len) else {
        return Err(MetricsError::TooFew { what: WHAT, found: 0, needed: 1 });
    };
    match points.iter().enumerate().find(|(_, points)| points.len() != needed) {
        Some((image, points)) => Err(MetricsError::Ragged { what: WHAT, image, found: points.len(), needed }),
        None => Ok(()),
    }
}

/// The length to which others are relative, in pixels.
fn unit(image: &Gray) -> f64 {
    (((image.width * image.height) as f64).sqrt() / REFERENCE_WIDTH).max(1.0)
}

/// What became of a point.
enum Outcome {
    Unmeasurable,
    Lost,
    Moved([f64; 2]),
}

impl SinglePointShift {
    /// Summarizes outcomes; `None` if none is measurable.
    fn of(outcomes: &[&Outcome], unit: f64) -> Option<Self> {
        let moved: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| if let Outcome::Moved(moved) = outcome { Some(*moved) } else { None })
            .collect();
        let n_lost = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Lost)).count();
        let found = moved.iter().map(|[x, y]| x.hypot(*y));
        let distances: Vec<_> = found.chain(std::iter::repeat_n(LARGEST_SHIFT * unit, n_lost)).collect();
        let axis = |axis: usize| {
            let values: Vec<_> = moved.iter().map(|moved| moved[axis]).collect();
            Spread::new(&values).unwrap_or(Spread { mean: 0.0, sd: 0.0 })
        };
        let (n_images, drift_px) = (distances.len(), [axis(0), axis(1)]);
        Some(Self { n_images, n_lost, distance_px: Spread::new(&distances)?, drift_px })
    }
}

/// The neighbourhoods of an image's points; `None` for a point that cannot be measured.
struct Templates(Vec<Option<Registration>>);

impl Templates {
    fn new(image: &Gray, points: &[[f32; 2]]) -> Self {
        let unit = unit(image);
        let profile = Profile::new(image, unit);
        let radius = RADIUS * unit;
        let pixels: Vec<_> = image.pixels.iter().copied().map(f64::from).collect();
        let contrast = Spread::new(&pixels).map_or(0.0, |spread| spread.sd);
        let least_relief = (LEAST_RELIEF[0] * contrast).max(LEAST_RELIEF[1]);
        let is_inside = |at: f64, length: usize| at >= radius && at <= length as f64 - radius;
        let template = |point: &[f32; 2]| {
            let [x, y] = point.map(f64::from);
            // NaN is not inside either.
            let is_inside = is_inside(x, image.width) && is_inside(y, image.height);
            let around = Neighbourhood { centre: [x, y], radius, unit };
            let template = is_inside.then(|| Registration::new(&profile, around, |_| 1.0));
            template.filter(|template| template.relief() >= least_relief)
        };
        Self(points.iter().map(template).collect())
    }

    fn measured(&self, after: &Gray) -> Vec<Outcome> {
        let unit = unit(after);
        let profile = Profile::new(after, unit);
        // Steps are halved down to a sixteenth of a pixel.
        let halvings = 4 + unit.log2().ceil() as i32;
        let outcome = |template: &Option<Registration>| match template {
            Some(template) => {
                template.find(&profile, LARGEST_SHIFT, halvings).map_or(Outcome::Lost, Outcome::Moved)
            }
            None => Outcome::Unmeasurable,
        };
        self.0.iter().map(outcome).collect()
    }
}

/// Maximum number of images used for calibration.
const MOST_MOVED: usize = 40;
/// Distances of the calibration's movements, in units.
const MOVES: [f64; 4] = [0.0, 0.5, 1.0, 2.0];

/// A known movement and its measurement in pixels; `None` if the point is lost.
struct Trial {
    done: [f64; 2],
    measured: Option<[f64; 2]>,
}

impl Trial {
    fn error(&self) -> f64 {
        let [x, y] = self.measured.unwrap_or_default();
        (x - self.done[0]).hypot(y - self.done[1])
    }
}

fn calibrated(images: &[Gray], points: &[Vec<[f32; 2]>]) -> PointShiftError {
    let count = images.len().min(MOST_MOVED);
    let chosen: Vec<_> = (0..count).map(|idx| idx * images.len() / count).collect();
    let trials: Vec<Trial> =
        chosen.par_iter().flat_map_iter(|idx| trials(&images[*idx], &points[*idx], *idx as u64)).collect();
    let n_lost = trials.iter().filter(|trial| trial.measured.is_none()).count();
    let (still, moved): (Vec<_>, Vec<_>) = trials.iter().partition(|trial| trial.done == [0.0; 2]);
    let still: Vec<_> = still.into_iter().map(Trial::error).collect();
    let mut moved: Vec<_> = moved.into_iter().map(Trial::error).collect();
    moved.sort_by(f64::total_cmp);
    // The chosen images may have no measurable point although another has.
    let none = LARGEST_SHIFT * unit(&images[0]);
    let quantile = |share: f64| moved.get((share * moved.len() as f64) as usize).copied().unwrap_or(none);
    PointShiftError {
        still_px: Spread::new(&still).map_or(none, |spread| spread.mean),
        median_px: quantile(0.5),
        p90_px: quantile(0.9),
        lost: n_lost as f64 / trials.len().max(1) as f64,
    }
}

/// Moves an image by each of [`MOVES`] and measures its points.
fn trials(image: &Gray, points: &[[f32; 2]], seed: u64) -> Vec<Trial> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let templates = Templates::new(image, points);
    let mut trials = Vec::new();
    for distance in MOVES {
        let (sine, cosine) = rng.random_range(0.0..std::f64::consts::TAU).sin_cos();
        let done = [cosine, sine].map(|share| share * distance * unit(image));
        let mut moved = image.moved(done);
        Augmentation::draw_look(&mut rng, image.width).apply(&mut moved.pixels, image.height, image.width);
        let measured = templates.measured(&moved).into_iter().filter_map(|outcome| match outcome {
            Outcome::Unmeasurable => None,
            Outcome::Lost => Some(None),
            Outcome::Moved(measured) => Some(Some(measured)),
        });
        trials.extend(measured.map(|measured| Trial { done, measured }));
    }
    trials
}
