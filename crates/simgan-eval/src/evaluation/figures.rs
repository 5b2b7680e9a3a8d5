use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use simgan_data::Direction;
use simgan_metrics::Spread;

use super::{EvaluationData, Method, MethodKind};
use crate::{EvalError, GazeErrors};

/// The tables' rows.
pub type Methods = BTreeMap<Method, MethodFigures>;

/// How well one method predicts the gaze in the test images: mean and standard deviation over its
/// repetitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodFigures {
    /// Images it trained on.
    pub n_images: usize,
    /// Mean angle between prediction and truth, in degrees.
    pub error_deg: Spread,
    /// Median of the angles, in degrees.
    pub median_deg: Spread,
    /// Share of images within 7°, in [0, 1].
    pub within_7deg: Spread,
    /// Constant part of the pitch error in degrees, positive upwards.
    pub pitch_offset_deg: Spread,
    /// Constant part of the yaw error in degrees, positive to the image's left.
    pub yaw_offset_deg: Spread,
    /// Figures after personal calibration, which subtracts each person's constant offset; absent if nobody
    /// has enough images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<CalibratedFigures>,
    /// Error divided by that of the network trained on as many synthetic images, paired by repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_to_synthetic: Option<Spread>,
    /// The repetitions one by one.
    pub runs: Vec<MethodRun>,
    /// Predictions for the test images, one list per repetition; not part of the JSON.
    #[serde(skip)]
    pub predicted: Vec<Vec<Direction>>,
}

/// Figures after personal calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratedFigures {
    /// Mean angle, in degrees.
    pub error_deg: Spread,
    /// Median of the angles, in degrees.
    pub median_deg: Spread,
    /// Share of images within 7°, in [0, 1].
    pub within_7deg: Spread,
}

/// One repetition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodRun {
    /// The network's seed.
    pub seed: u64,
    /// Its errors.
    pub errors: GazeErrors,
    /// Its errors after a personal calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<GazeErrors>,
}

impl MethodFigures {
    /// Computes the figures from each repetition's predictions for the test images.
    pub(super) fn new(
        n_images: usize,
        first_seed: u64,
        predicted: Vec<Vec<Direction>>,
        data: &EvaluationData,
        n_calibration: usize,
    ) -> Result<Self, EvalError> {
        let truth = data.test().gazes();
        let run = |(repetition, predicted): (u64, &Vec<Direction>)| {
            let seed = first_seed.wrapping_add(repetition);
            let errors = GazeErrors::new(predicted, truth)?;
            let calibrated = GazeErrors::personally_calibrated(predicted, truth, data.eyes(), n_calibration)?;
            Ok(MethodRun { seed, errors, calibrated })
        };
        let runs: Result<Vec<_>, EvalError> = (0..).zip(&predicted).map(run).collect();
        Self::of_runs(n_images, runs?, predicted)
    }

    fn of_runs(
        n_images: usize,
        runs: Vec<MethodRun>,
        predicted: Vec<Vec<Direction>>,
    ) -> Result<Self, EvalError> {
        let none = EvalError::TooFew { what: "repetitions", found: 0, needed: 1 };
        let errors: Vec<_> = runs.iter().map(|run| run.errors).collect();
        let calibrated: Vec<_> = runs.iter().filter_map(|run| run.calibrated).collect();
        let [error_deg, median_deg, within_7deg, pitch_offset_deg, yaw_offset_deg] =
            spreads(&errors).ok_or(none)?;
        let calibrated = spreads(&calibrated).map(|[error_deg, median_deg, within_7deg, ..]| {
            CalibratedFigures { error_deg, median_deg, within_7deg }
        });
        Ok(Self {
            n_images,
            error_deg,
            median_deg,
            within_7deg,
            pitch_offset_deg,
            yaw_offset_deg,
            calibrated,
            ratio_to_synthetic: None,
            runs,
            predicted,
        })
    }

    /// Returns the ratios of this error to that of `others`, paired by repetition; a method with a single
    /// repetition is compared with each of `others`.
    pub(crate) fn ratios_to(&self, others: &[MethodRun]) -> Vec<f64> {
        let ratios = others.iter().enumerate().filter_map(|(idx, other)| {
            // Methods without a network give the same answer in every repetition and have a single run.
            let run = if self.runs.len() == 1 { self.runs.first() } else { self.runs.get(idx) };
            let ratio = run?.errors.mean_deg / other.errors.mean_deg;
            ratio.is_finite().then_some(ratio)
        });
        ratios.collect()
    }
}

/// Returns the spreads of mean, median, share within 7°, pitch offset and yaw offset; `None` without errors.
fn spreads(errors: &[GazeErrors]) -> Option<[Spread; 5]> {
    let of = |field: fn(&GazeErrors) -> f64| Spread::new(&errors.iter().map(field).collect::<Vec<_>>());
    Some([
        of(|errors| errors.mean_deg)?,
        of(|errors| errors.median_deg)?,
        of(|errors| errors.within_7deg)?,
        of(|errors| errors.pitch_offset_deg)?,
        of(|errors| errors.yaw_offset_deg)?,
    ])
}

/// Fills in each row's ratio to the row `synthetic` of the same fold.
pub(super) fn fill_ratios(methods: &mut Methods) {
    let is_synthetic = |method: &Method| method.kind == MethodKind::Synthetic;
    let synthetic: BTreeMap<usize, Vec<MethodRun>> = methods
        .iter()
        .filter(|(method, _)| is_synthetic(method))
        .map(|(method, figures)| (method.fold, figures.runs.clone()))
        .collect();
    for (method, figures) in methods.iter_mut() {
        let as_much = synthetic.get(&method.fold).filter(|_| !is_synthetic(method));
        figures.ratio_to_synthetic = as_much.and_then(|runs| Spread::new(&figures.ratios_to(runs)));
    }
}
