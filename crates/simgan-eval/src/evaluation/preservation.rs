use std::collections::BTreeMap;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_data::names::GAZE;
use simgan_data::{Annotation, Annotations, Name};
use simgan_metrics::{ShiftError, Spread, has_iris, point_shift, pupil_shift, pupil_shift_at};

use super::EvaluationData;
use crate::{Errors, EvalError, TrainedEstimator, predict};

/// How far landmarks move under refinement, in pixels: the iris in pixels of a 55-pixel-wide eye (the paper's
/// subjects: 1.1 ± 0.8), other points in pixels of the image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShiftFigures {
    /// Mean distance moved.
    pub mean: f64,
    /// Standard deviation of the distance over the pairs.
    pub sd: f64,
    /// Signed shift to the right. Such a drift biases labels, which scatter does not.
    pub drift_x: Spread,
    /// Signed shift downwards.
    pub drift_y: Spread,
    /// Number of pairs of a synthetic image, or a point of one, and its refinement.
    pub n_pairs: usize,
    /// Pairs whose landmark is lost in the refined image. They count as moved by the farthest that is looked
    /// for, 6 pixels for an iris, and are excluded from the drift.
    pub n_lost: usize,
    /// Points that cannot be measured, because nothing around them would show a shift; not among the pairs.
    #[serde(default)]
    pub n_unmeasurable: usize,
    /// Measurement error of these figures.
    pub error: ShiftAccuracy,
}

/// Measurement error of shifts, from a calibration on known ones, in the pixels of [`ShiftFigures`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShiftAccuracy {
    /// Mean distance measured where nothing moves.
    pub still_px: f64,
    /// Median error of known shifts.
    pub median_px: f64,
    /// 90th percentile of that error.
    pub p90_px: f64,
    /// Share of an iris's shift, along x and y, that is measured when the lids stay in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<[f64; 2]>,
}

/// How far landmarks move: of eyes or of other images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shifts {
    /// The iris, if the images are eyes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pupil_shift_px: Option<ShiftFigures>,
    /// Other points; absent for eyes and for images without points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point_shift_px: Option<ShiftFigures>,
}

impl Shifts {
    /// Compares the probe of `data`, with the refiner's tone, with `refined`, its refinement. Irises without landmarks are detected, which
    /// is less exact.
    pub(super) fn new(data: &EvaluationData, refined: &Tensor) -> Result<Self, EvalError> {
        let (synthetic, annotations) = (data.seen_probe().images(), data.probe_annotations());
        let shift = if annotations.iter().all(has_iris) {
            pupil_shift_at(synthetic, refined, annotations)?
        } else if data.task().spec().name == GAZE {
            pupil_shift(synthetic, refined)?
        } else {
            let Some(points) = points(annotations) else { return Ok(Self::default()) };
            let shift = point_shift(synthetic, refined, &points)?;
            let found = shift.map(|shift| ShiftFigures {
                mean: shift.distance_px.mean,
                sd: shift.distance_px.sd,
                drift_x: shift.drift_px[0],
                drift_y: shift.drift_px[1],
                n_pairs: shift.n_points,
                n_lost: shift.n_lost,
                n_unmeasurable: shift.n_unmeasurable,
                error: ShiftAccuracy {
                    still_px: shift.error.still_px,
                    median_px: shift.error.median_px,
                    p90_px: shift.error.p90_px,
                    gain: None,
                },
            });
            return Ok(Self { pupil_shift_px: None, point_shift_px: found });
        };
        let [drift_x, drift_y] = shift.drift_px;
        let (mean, sd) = (shift.distance_px.mean, shift.distance_px.sd);
        let (n_pairs, n_lost, n_unmeasurable) = (shift.n_pairs, shift.n_lost, 0);
        let ShiftError { still_px, median_px, p90_px, gain } = shift.error;
        let error = ShiftAccuracy { still_px, median_px, p90_px, gain: Some(gain) };
        let found = ShiftFigures { mean, sd, drift_x, drift_y, n_pairs, n_lost, n_unmeasurable, error };
        Ok(Self { pupil_shift_px: Some(found), point_shift_px: None })
    }

    /// The shift that was measured, if one was.
    #[must_use]
    pub fn any(&self) -> Option<&ShiftFigures> {
        self.pupil_shift_px.as_ref().or(self.point_shift_px.as_ref())
    }
}

/// The points of each image under all names that every image has, as many in each; `None` if there are none.
fn points(annotations: &[Annotations]) -> Option<Vec<Vec<[f32; 2]>>> {
    let points_of =
        |found: &Annotations, name: &Name| found.get(name).and_then(Annotation::as_points).map(<[_]>::to_vec);
    let mut points = vec![Vec::new(); annotations.len()];
    for name in annotations.first()?.keys() {
        let of_name: Option<Vec<_>> = annotations.iter().map(|found| points_of(found, name)).collect();
        let Some(of_name) = of_name.filter(|all| all.iter().all(|one| one.len() == all[0].len())) else {
            continue;
        };
        points.iter_mut().zip(of_name).for_each(|(all, more)| all.extend(more));
    }
    (!points[0].is_empty()).then_some(points)
}

/// How far the predictions of estimators trained on synthetic images move when a held-out synthetic image is
/// refined, in the unit of the task's error; for classes, the share that changes. Spreads are over the
/// estimators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Mean difference of the two predictions.
    #[serde(alias = "difference_deg")]
    pub difference: Spread,
    /// The estimators' own error on these synthetic images.
    #[serde(alias = "own_error_deg")]
    pub own_error: Spread,
    /// Number of images.
    pub n_images: usize,
    /// Signed mean differences, refined minus synthetic, by the keys of the task's offsets.
    #[serde(flatten)]
    pub offsets: BTreeMap<String, Spread>,
}

impl Agreement {
    /// Runs each network on the data's probe and on `refined`, its refinement; `None` without networks.
    pub(super) fn new(
        networks: &[TrainedEstimator],
        data: &EvaluationData,
        refined: &Tensor,
    ) -> Result<Option<Self>, EvalError> {
        let (task, probe) = (data.task(), data.seen_probe());
        let refined = probe.inputs().with_images(refined.clone())?;
        let (mut moved, mut own) = (Vec::new(), Vec::new());
        for network in networks {
            let answers = predict(task, network, probe.inputs())?;
            moved.push(task.errors(&predict(task, network, &refined)?, &answers)?);
            own.push(task.errors(&answers, probe.labels())?);
        }
        let measures = task.measures();
        let spread = |errors: &[Errors], key: &str| {
            Spread::new(&errors.iter().filter_map(|errors| errors.figure(key)).collect::<Vec<_>>())
        };
        let offsets = measures.iter().filter(|measure| measure.is_offset);
        let offsets = offsets.filter_map(|offset| Some((offset.key.clone(), spread(&moved, &offset.key)?)));
        let error = measures.first().map_or("", |measure| &measure.key);
        let figures = || {
            Some(Self {
                difference: spread(&moved, error)?,
                own_error: spread(&own, error)?,
                n_images: probe.n_images(),
                offsets: offsets.collect(),
            })
        };
        Ok(figures())
    }
}
