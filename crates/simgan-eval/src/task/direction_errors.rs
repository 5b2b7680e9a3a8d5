use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use simgan_data::Direction;

use super::check_pairs;
use crate::EvalError;

/// Angular errors of predicted gaze directions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GazeErrors {
    /// Number of images.
    pub n_images: usize,
    /// Mean angle between prediction and truth, in degrees.
    pub mean_deg: f64,
    /// Median of the angles, in degrees.
    pub median_deg: f64,
    /// Share of images with an angle of at most 7°, in [0, 1] (the paper's figure 8).
    pub within_7deg: f64,
    /// Mean of predicted − true pitch in degrees, positive upwards: the constant part of the error.
    pub pitch_offset_deg: f64,
    /// Mean of predicted − true yaw in degrees, positive to the image's left.
    pub yaw_offset_deg: f64,
}

impl GazeErrors {
    /// Computes the errors of one prediction per image.
    ///
    /// # Errors
    ///
    /// If the numbers of predictions and truths differ, or are 0.
    pub fn new(predicted: &[Direction], truth: &[Direction]) -> Result<Self, EvalError> {
        let n_images = check_pairs(predicted, truth, 1)?;
        let pairs = || predicted.iter().zip(truth);
        let mut angles: Vec<_> = pairs().map(|(predicted, truth)| angle_deg(*predicted, *truth)).collect();
        angles.sort_by(f64::total_cmp);
        let n_within = angles.partition_point(|angle| *angle <= 7.0);
        let offsets: Vec<_> = pairs().map(|(predicted, truth)| offset(*predicted, *truth)).collect();
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n_images as f64;
        Ok(Self {
            n_images,
            mean_deg: mean(&mut angles.iter().copied()),
            median_deg: f64::midpoint(angles[(n_images - 1) / 2], angles[n_images / 2]),
            within_7deg: n_within as f64 / n_images as f64,
            pitch_offset_deg: mean(&mut offsets.iter().map(|offset| offset[0])).to_degrees(),
            yaw_offset_deg: mean(&mut offsets.iter().map(|offset| offset[1])).to_degrees(),
        })
    }

    /// Computes the errors after a calibration: measures the mean offset in pitch and yaw on `n_calibration`
    /// evenly spread images, subtracts it from the predictions for all others, and measures the errors on
    /// those.
    ///
    /// # Errors
    ///
    /// If the numbers of predictions and truths differ, `n_calibration` is 0, or no image remains to test on.
    pub fn calibrated(
        predicted: &[Direction],
        truth: &[Direction],
        n_calibration: usize,
    ) -> Result<Self, EvalError> {
        check_pairs(predicted, truth, n_calibration + 1)?;
        let one_person = vec![TestEye::default(); truth.len()];
        let errors = Self::personally_calibrated(predicted, truth, &one_person, n_calibration)?;
        errors.ok_or(EvalError::TooFew { what: "a calibration", found: 0, needed: 1 })
    }

    /// Computes the errors after calibrating each person separately; `eyes` gives the person in each image
    /// and whether it is mirrored. Offsets are averaged in the camera's frame: a turned head shifts both eyes
    /// to the same side, and mirroring flips the sign of the yaw of right eyes. Leaves out persons with at
    /// most `n_calibration` images; `None` if that is everybody.
    ///
    /// # Errors
    ///
    /// If the numbers of predictions, truths and eyes differ, or `n_calibration` is 0.
    pub fn personally_calibrated(
        predicted: &[Direction],
        truth: &[Direction],
        eyes: &[TestEye],
        n_calibration: usize,
    ) -> Result<Option<Self>, EvalError> {
        let n_images = check_pairs(predicted, truth, 0)?;
        if eyes.len() != n_images {
            return Err(EvalError::Mismatch(format!("{} eyes for {n_images} images", eyes.len())));
        }
        if n_calibration == 0 {
            return Err(EvalError::Mismatch("a calibration needs at least one image".into()));
        }
        let mut images_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        eyes.iter().enumerate().for_each(|(idx, eye)| images_of.entry(eye.person).or_default().push(idx));
        let (mut corrected, mut remaining) = (Vec::new(), Vec::new());
        for images in images_of.values().filter(|images| images.len() > n_calibration) {
            let chosen: BTreeSet<_> =
                (0..n_calibration).map(|idx| images[idx * images.len() / n_calibration]).collect();
            let [pitch, yaw] = mean_offset(predicted, truth, eyes, &chosen);
            for idx in images.iter().filter(|idx| !chosen.contains(idx)) {
                let gaze = predicted[*idx];
                let yaw = eyes[*idx].yaw_sign() * yaw;
                corrected.push(Direction::from_pitch_yaw(gaze.pitch() - pitch, gaze.yaw() - yaw));
                remaining.push(truth[*idx]);
            }
        }
        (!remaining.is_empty()).then(|| Self::new(&corrected, &remaining)).transpose()
    }
}

/// The person in a test image, and whether the image is mirrored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestEye {
    /// The person's number.
    pub person: usize,
    /// Whether the reader has mirrored the image and its gaze, as it does for right eyes.
    pub is_mirrored: bool,
}

impl TestEye {
    /// Factor between the image's yaw and the camera's.
    fn yaw_sign(self) -> f32 {
        if self.is_mirrored { -1.0 } else { 1.0 }
    }
}

/// Returns the mean offset in pitch and in the camera's yaw over the chosen images, in radians.
fn mean_offset(
    predicted: &[Direction],
    truth: &[Direction],
    eyes: &[TestEye],
    chosen: &BTreeSet<usize>,
) -> [f32; 2] {
    let offsets = chosen.iter().map(|idx| {
        let [pitch, yaw] = offset(predicted[*idx], truth[*idx]);
        [pitch, f64::from(eyes[*idx].yaw_sign()) * yaw]
    });
    let sum = offsets.fold([0.0, 0.0], |sum, offset| [sum[0] + offset[0], sum[1] + offset[1]]);
    sum.map(|sum| (sum / chosen.len() as f64) as f32)
}

/// Returns the angle between two directions in degrees, in [0, 180].
#[must_use]
pub fn angle_deg(left: Direction, right: Direction) -> f64 {
    let ([x1, y1, z1], [x2, y2, z2]) = (left.vector().map(f64::from), right.vector().map(f64::from));
    // atan2 of sine and cosine stays accurate near 0° and 180°, where acos loses digits.
    let cross = [y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2];
    let sine = cross.iter().map(|value| value * value).sum::<f64>().sqrt();
    sine.atan2(x1 * x2 + y1 * y2 + z1 * z2).to_degrees()
}

/// Returns predicted − true pitch and yaw in radians; yaw differences wrap to (−π, π].
fn offset(predicted: Direction, truth: Direction) -> [f64; 2] {
    let turn = f64::from(predicted.yaw() - truth.yaw());
    [f64::from(predicted.pitch() - truth.pitch()), turn.sin().atan2(turn.cos())]
}
