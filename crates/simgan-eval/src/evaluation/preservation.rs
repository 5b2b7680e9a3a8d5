use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_data::Annotations;
use simgan_metrics::{PupilShift, ShiftError, Spread, pupil_shift, pupil_shift_at};
use simgan_models::GazeEstimator;

use super::EvaluationData;
use crate::{EvalError, GazeErrors, predict_gaze};

/// How far the iris moves under refinement, in pixels of a 55-pixel-wide eye (the paper's subjects: 1.1 ±
/// 0.8).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PupilShiftFigures {
    /// Mean distance moved.
    pub mean: f64,
    /// Standard deviation of the distance over the pairs.
    pub sd: f64,
    /// Signed shift to the right. Such a drift biases labels, which scatter does not.
    pub drift_x: Spread,
    /// Signed shift downwards.
    pub drift_y: Spread,
    /// Number of pairs of a synthetic image and its refinement.
    pub n_pairs: usize,
    /// Pairs whose iris is lost in the refined image. They count as moved by 6 pixels and are excluded from
    /// the drift.
    pub n_lost: usize,
    /// Measurement error of these figures.
    pub error: ShiftError,
}

impl PupilShiftFigures {
    /// Compares images with their refinements, both `(N, C, H, W)` in [−1, 1]. Without landmarks the irises
    /// are detected, which is less exact.
    ///
    /// # Errors
    ///
    /// As [`pupil_shift_at`] and [`pupil_shift`].
    pub(crate) fn new(
        synthetic: &Tensor,
        refined: &Tensor,
        landmarks: Option<&[Annotations]>,
    ) -> Result<Self, EvalError> {
        let shift = match landmarks {
            Some(landmarks) => pupil_shift_at(synthetic, refined, landmarks)?,
            None => pupil_shift(synthetic, refined)?,
        };
        let PupilShift { n_pairs, n_lost, distance_px, drift_px: [drift_x, drift_y], error } = shift;
        Ok(Self { mean: distance_px.mean, sd: distance_px.sd, drift_x, drift_y, n_pairs, n_lost, error })
    }
}

/// How far the predictions of gaze networks trained on synthetic images move when a held-out synthetic image
/// is refined. Spreads are over the networks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Mean angle between the two predictions, in degrees.
    pub difference_deg: Spread,
    /// Mean pitch on the refined minus that on the synthetic image, in degrees.
    pub pitch_deg: Spread,
    /// Mean yaw on the refined minus that on the synthetic image, in degrees.
    pub yaw_deg: Spread,
    /// The networks' own error on these synthetic images, in degrees.
    pub own_error_deg: Spread,
    /// Number of images.
    pub n_images: usize,
}

impl Agreement {
    /// Runs each network on the data's probe and on `refined`, its refinement; `None` without networks.
    pub(super) fn new(
        networks: &[GazeEstimator],
        data: &EvaluationData,
        refined: &Tensor,
    ) -> Result<Option<Self>, EvalError> {
        let (mut moved, mut own) = (Vec::new(), Vec::new());
        for network in networks {
            let answers = predict_gaze(network, data.probe().images())?;
            moved.push(GazeErrors::new(&predict_gaze(network, refined)?, &answers)?);
            own.push(GazeErrors::new(&answers, data.probe().gazes())?.mean_deg);
        }
        let spread =
            |field: fn(&GazeErrors) -> f64| Spread::new(&moved.iter().map(field).collect::<Vec<_>>());
        let figures = || {
            Some(Self {
                difference_deg: spread(|errors| errors.mean_deg)?,
                pitch_deg: spread(|errors| errors.pitch_offset_deg)?,
                yaw_deg: spread(|errors| errors.yaw_offset_deg)?,
                own_error_deg: Spread::new(&own)?,
                n_images: data.probe().gazes().len(),
            })
        };
        Ok(figures())
    }
}
