use serde::{Deserialize, Serialize};

use crate::pairs::check_rows;
use crate::{MetricsError, Spread};

const WHAT: &str = "the error of points";

/// Distances between predicted and true points, of each point of each image.
#[derive(Clone, Debug, PartialEq)]
pub struct PointErrors {
    /// By image, then by point, in pixels; `None` if the point's true place is unknown.
    distances: Vec<Vec<Option<f64>>>,
    /// All known distances, ascending.
    sorted: Vec<f64>,
}

/// A summary of [`PointErrors`]. Shares are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointFigures {
    /// Number of images with at least one known point; only they count.
    pub n_images: usize,
    /// Number of known points over all images.
    pub n_points: usize,
    /// Number of points whose true place is unknown; they do not count.
    pub n_missing: usize,
    /// Mean distance over all known points, in pixels.
    pub mean_px: f64,
    /// Median of these distances, in pixels.
    pub median_px: f64,
    /// Share of points within 5 pixels, as in the paper's experiment on hands (§3.2).
    pub pck_5px: f64,
    /// Share of points within each of [`pck_thresholds`](Self::pck_thresholds): the PCK curve.
    pub pck: Vec<f64>,
    /// Share of images whose worst point is within each of these thresholds.
    pub worst_within: Vec<f64>,
    /// The figures of each point over all images.
    pub points: Vec<PointFigure>,
}

/// The errors of one point, such as the tip of the thumb, over all images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointFigure {
    /// Number of images in which its place is known.
    pub n_images: usize,
    /// Mean distance in pixels; `None` if it is known in no image.
    pub mean_px: Option<f64>,
    /// Share of these images in which it is within 5 pixels; `None` if there are none.
    pub pck_5px: Option<f64>,
}

impl PointErrors {
    /// Compares predicted with true points, by image, then by point, as `[x, y]` in pixels. A true point with
    /// a coordinate that is not finite is missing, and does not count.
    ///
    /// # Errors
    ///
    /// If the numbers of predictions and images differ, an image has another number of points than the first,
    /// a prediction is not finite, or no image has a known point.
    pub fn new(predicted: &[Vec<[f32; 2]>], truth: &[Vec<[f32; 2]>]) -> Result<Self, MetricsError> {
        check_rows(WHAT, predicted, truth)?;
        let is_finite = |point: &[f32; 2]| point.iter().all(|value| value.is_finite());
        if let Some(image) = predicted.iter().position(|points| !points.iter().all(is_finite)) {
            return Err(MetricsError::PredictionNotFinite { image });
        }
        let distance = |(predicted, truth): (&[f32; 2], &[f32; 2])| {
            let along = |axis: usize| f64::from(predicted[axis]) - f64::from(truth[axis]);
            is_finite(truth).then(|| along(0).hypot(along(1)))
        };
        let pairs = predicted.iter().zip(truth);
        let distances: Vec<Vec<_>> =
            pairs.map(|(predicted, truth)| predicted.iter().zip(truth).map(distance).collect()).collect();
        let mut sorted: Vec<_> = distances.iter().flatten().copied().flatten().collect();
        if sorted.is_empty() {
            return Err(MetricsError::NoKnownPoint { n_images: truth.len() });
        }
        sorted.sort_by(f64::total_cmp);
        Ok(Self { distances, sorted })
    }

    /// The distance of each point of each image, in pixels; `None` where the true place is unknown.
    #[must_use]
    pub fn distances(&self) -> &[Vec<Option<f64>>] {
        &self.distances
    }

    /// Returns the mean distance over all known points, in pixels.
    #[must_use]
    pub fn mean_px(&self) -> f64 {
        self.sorted.iter().sum::<f64>() / self.sorted.len() as f64
    }

    /// Returns each image's mean distance over its known points, in pixels; `None` without any.
    #[must_use]
    pub fn image_means_px(&self) -> Vec<Option<f64>> {
        let mean = |image: &Vec<Option<f64>>| {
            Spread::new(&image.iter().copied().flatten().collect::<Vec<_>>()).map(|spread| spread.mean)
        };
        self.distances.iter().map(mean).collect()
    }

    /// Returns each image's largest distance over its known points, in pixels; `None` without any.
    #[must_use]
    pub fn image_worst_px(&self) -> Vec<Option<f64>> {
        let worst = |image: &Vec<Option<f64>>| image.iter().copied().flatten().reduce(f64::max);
        self.distances.iter().map(worst).collect()
    }

    /// Returns the share of known points that are at most `threshold_px` off.
    #[must_use]
    pub fn pck(&self, threshold_px: f64) -> f64 {
        share_within(&self.sorted, threshold_px)
    }

    /// Returns the share of images, of those with a known point, whose worst is at most `threshold_px` off.
    #[must_use]
    pub fn worst_within(&self, threshold_px: f64) -> f64 {
        share_within(&sorted(self.image_worst_px()), threshold_px)
    }

    /// Summarizes the errors.
    #[must_use]
    pub fn figures(&self) -> PointFigures {
        let worst = sorted(self.image_worst_px());
        let n_points = self.sorted.len();
        let thresholds: Vec<_> = PointFigures::pck_thresholds().collect();
        PointFigures {
            n_images: worst.len(),
            n_points,
            n_missing: self.distances.iter().map(Vec::len).sum::<usize>() - n_points,
            mean_px: self.mean_px(),
            median_px: f64::midpoint(self.sorted[(n_points - 1) / 2], self.sorted[n_points / 2]),
            pck_5px: self.pck(PAPER_PX),
            pck: thresholds.iter().map(|threshold| self.pck(*threshold)).collect(),
            worst_within: thresholds.iter().map(|threshold| share_within(&worst, *threshold)).collect(),
            points: (0..self.distances[0].len()).map(|point| self.point(point)).collect(),
        }
    }

    fn point(&self, point: usize) -> PointFigure {
        let known = sorted(self.distances.iter().map(|image| image[point]).collect());
        let spread = Spread::new(&known);
        PointFigure {
            n_images: known.len(),
            mean_px: spread.map(|spread| spread.mean),
            pck_5px: spread.map(|_| share_within(&known, PAPER_PX)),
        }
    }
}

/// Threshold of the paper's experiment on hands, in pixels.
const PAPER_PX: f64 = 5.0;

impl PointFigures {
    /// The thresholds of the curves, in pixels: 0, 0.5, …, 20.
    pub fn pck_thresholds() -> impl Iterator<Item = f64> {
        (0..=40).map(|idx| 0.5 * f64::from(idx))
    }
}

fn sorted(values: Vec<Option<f64>>) -> Vec<f64> {
    let mut known: Vec<_> = values.into_iter().flatten().collect();
    known.sort_by(f64::total_cmp);
    known
}

/// Returns the share of ascending values that are at most `most`.
fn share_within(sorted: &[f64], most: f64) -> f64 {
    sorted.partition_point(|value| *value <= most) as f64 / sorted.len() as f64
}
