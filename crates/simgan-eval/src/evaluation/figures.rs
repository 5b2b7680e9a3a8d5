use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use simgan_data::Annotation;
use simgan_metrics::Spread;

use super::{EvaluationData, Method, MethodKind};
use crate::{Errors, EvalError};

/// The tables' rows.
pub type Methods = BTreeMap<Method, MethodFigures>;

/// How well one method predicts the labels of the test images: mean and standard deviation over its
/// repetitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodFigures {
    /// Images it trained on.
    pub n_images: usize,
    /// The figures of the task's measures by key, such as `error_deg`.
    #[serde(flatten)]
    pub figures: BTreeMap<String, Spread>,
    /// Figures after personal calibration, which subtracts each person's constant offset; absent if the task
    /// has none, or nobody has enough images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<BTreeMap<String, Spread>>,
    /// Error divided by that of the network trained on as many synthetic images, paired by repetition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_to_synthetic: Option<Spread>,
    /// The repetitions one by one.
    pub runs: Vec<MethodRun>,
    /// Predictions for the test images, one list per repetition; not part of the JSON.
    #[serde(skip)]
    pub predicted: Vec<Vec<Annotation>>,
}

/// One repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodRun {
    /// The network's seed.
    pub seed: u64,
    /// Its errors.
    pub errors: Errors,
    /// Its errors after a personal calibration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Errors>,
}

impl MethodFigures {
    /// Computes the figures from each repetition's predictions for the test images.
    pub(super) fn new(
        n_images: usize,
        first_seed: u64,
        predicted: Vec<Vec<Annotation>>,
        data: &EvaluationData,
        n_calibration: usize,
    ) -> Result<Self, EvalError> {
        let (task, truth) = (data.task(), data.test().labels());
        let run = |(repetition, predicted): (u64, &Vec<Annotation>)| {
            let seed = first_seed.wrapping_add(repetition);
            let errors = task.errors(predicted, truth)?;
            let calibrated = task.calibrated(predicted, truth, data.eyes(), n_calibration)?;
            Ok(MethodRun { seed, errors, calibrated })
        };
        let runs: Result<Vec<_>, EvalError> = (0..).zip(&predicted).map(run).collect();
        let runs = runs?;
        if runs.is_empty() {
            return Err(EvalError::TooFew { what: "repetitions", found: 0, needed: 1 });
        }
        let calibrated: Vec<_> = runs.iter().filter_map(|run| run.calibrated.as_ref()).collect();
        Ok(Self {
            n_images,
            figures: spreads(&runs.iter().map(|run| &run.errors).collect::<Vec<_>>()),
            calibrated: (!calibrated.is_empty()).then(|| spreads(&calibrated)),
            ratio_to_synthetic: None,
            runs,
            predicted,
        })
    }

    /// The figure of a key, if it was measured.
    #[must_use]
    pub fn figure(&self, key: &str) -> Option<Spread> {
        self.figures.get(key).copied()
    }

    /// Returns one figure of each repetition that has it.
    pub(crate) fn each(&self, figure: &str) -> Vec<f64> {
        self.runs.iter().filter_map(|run| run.errors.figure(figure)).collect()
    }

    /// Returns the ratios of this error, the figure `error`, to that of `others`, paired by repetition; a
    /// method with a single repetition is compared with each of `others`.
    pub(crate) fn ratios_to(&self, others: &[MethodRun], error: &str) -> Vec<f64> {
        let ratios = others.iter().enumerate().filter_map(|(idx, other)| {
            // Methods without a network give the same answer in every repetition and have a single run.
            let run = if self.runs.len() == 1 { self.runs.first() } else { self.runs.get(idx) };
            let ratio = run?.errors.figure(error)? / other.errors.figure(error)?;
            ratio.is_finite().then_some(ratio)
        });
        ratios.collect()
    }
}

/// Returns the spread of each figure over the repetitions that have it.
pub(crate) fn spreads(errors: &[&Errors]) -> BTreeMap<String, Spread> {
    let keys: BTreeSet<_> = errors.iter().flat_map(|errors| errors.figures.keys()).collect();
    let spread = |key: &String| {
        let values: Vec<_> = errors.iter().filter_map(|errors| errors.figure(key)).collect();
        Some((key.clone(), Spread::new(&values)?))
    };
    keys.into_iter().filter_map(spread).collect()
}

/// Fills in each row's ratio of the figure `error` to the row `synthetic` of the same fold.
pub(super) fn fill_ratios(methods: &mut Methods, error: &str) {
    let is_synthetic = |method: &Method| method.kind == MethodKind::Synthetic;
    let synthetic: BTreeMap<usize, Vec<MethodRun>> = methods
        .iter()
        .filter(|(method, _)| is_synthetic(method))
        .map(|(method, figures)| (method.fold, figures.runs.clone()))
        .collect();
    for (method, figures) in methods.iter_mut() {
        let as_much = synthetic.get(&method.fold).filter(|_| !is_synthetic(method));
        figures.ratio_to_synthetic = as_much.and_then(|runs| Spread::new(&figures.ratios_to(runs, error)));
    }
}
