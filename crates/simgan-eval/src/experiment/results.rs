use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use simgan_metrics::Spread;

use super::{DrawFigures, ExperimentConfig};
use crate::evaluation::{DataSummary, Evaluation, Method, MethodFigures, MethodKind, error_key, spreads};
use crate::{EvalError, Verdict};

/// Version of the format of `results.json`.
pub const RESULTS_VERSION: u32 = 2;

/// The results of an experiment. Spreads are over draws and, where a figure has them, seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentResults {
    /// [`RESULTS_VERSION`].
    pub format_version: u32,
    /// The experiment's configuration.
    pub experiment: ExperimentConfig,
    /// The images of the first draw.
    pub data: DataSummary,
    /// The table: the baselines, then the variants, then the network trained on real images.
    pub rows: Vec<ExperimentRow>,
    /// Each later variant against the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// What to do with this data, from all draws and variants; absent without rows to compare, and in files of an
    /// earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// The effect of a setting on refined images: differences paired by draw and seed. Pairs share renders and
/// test images, so the differences spread less than the figures themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The variant.
    pub variant: String,
    /// The first variant, whose figures are subtracted.
    pub against: String,
    /// Difference of the errors, in the unit of the task's first measure; positive if the variant errs more.
    pub error: Spread,
    /// Difference of the shares that a fresh classifier gets right; positive if the variant's images look
    /// less real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_apart: Option<Spread>,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentRow {
    /// The variant; absent for a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The predictor of labels.
    pub method: Method,
    /// Number of repetitions over all draws.
    pub n_runs: usize,
    /// The error of each repetition of each draw, in the unit of the task's first measure; in all rows, the same
    /// place is the same pair of draw and seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Vec<f64>>,
    /// The figures of the task's measures by key, such as `error_deg`.
    #[serde(flatten)]
    pub figures: BTreeMap<String, Spread>,
    /// Error after personal calibration; absent if the task has none, or nobody has enough images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Spread>,
    /// Error divided by that of the network trained on as many synthetic images of the same draw and seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_to_synthetic: Option<Spread>,
    /// In how many of these pairs the error is smaller, and how many pairs there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wins: Option<[usize; 2]>,
    /// Label preservation; only in a variant's row `refined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refinement: Option<Refinement>,
    /// Share of these and of real images that a fresh classifier gets right, in [0, 1]; 0.5 is ideal. Only in
    /// the rows `synthetic`, `toned` and `refined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_apart: Option<Spread>,
}

/// Label preservation over the draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refinement {
    /// Mean distance that landmarks move, in pixels as [`ShiftFigures`](crate::evaluation::ShiftFigures) says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift_px: Option<Spread>,
    /// Signed mean shift to the right, in the same pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_x_px: Option<Spread>,
    /// Signed mean shift downwards, in the same pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_y_px: Option<Spread>,
    /// Mean difference, in the unit of the error, between the predictions of estimators trained on synthetic
    /// images for an image and for its refinement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Spread>,
}

impl ExperimentResults {
    /// Builds the table from the evaluations of each draw's variants.
    pub(super) fn new(config: &ExperimentConfig, draws: &[DrawFigures]) -> Result<Self, EvalError> {
        let none = EvalError::TooFew { what: "draws", found: 0, needed: 1 };
        let first = draws.first().and_then(|draw| draw.first()).ok_or(none)?;
        let of_variant = |idx: usize| draws.iter().filter_map(|draw| draw.get(idx)).collect::<Vec<_>>();
        let all = of_variant(0);
        let rows_of = |kinds: fn(MethodKind) -> bool, variant: Option<&str>, found: &[&Evaluation]| {
            let methods = first.methods.keys().filter(|method| kinds(method.kind));
            methods.filter_map(|method| row(*method, variant, found)).collect::<Vec<_>>()
        };
        let mut rows = rows_of(|kind| !kind.is_refined() && kind != MethodKind::Real, None, &all);
        let mut comparisons = Vec::new();
        for (idx, variant) in config.variants.iter().enumerate() {
            let found = of_variant(idx);
            rows.extend(rows_of(MethodKind::is_refined, Some(&variant.name), &found));
            if idx > 0 {
                comparisons.extend(compare([&config.variants[0].name, &variant.name], &all, &found));
            }
        }
        rows.extend(rows_of(|kind| kind == MethodKind::Real, None, &all));
        let names: Vec<_> = config.variants.iter().map(|variant| Some(variant.name.as_str())).collect();
        let all: Vec<Vec<&Evaluation>> = draws.iter().map(|draw| draw.iter().collect()).collect();
        let verdict = Verdict::of_draws(&names, &all.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let (format_version, experiment) = (RESULTS_VERSION, config.clone());
        Ok(Self { format_version, experiment, data: first.data.clone(), rows, comparisons, verdict })
    }
}

/// Compares the second variant with the first, from one evaluation per draw.
fn compare(names: [&str; 2], first: &[&Evaluation], second: &[&Evaluation]) -> Option<Comparison> {
    // Pairs within each draw: a draw's variants share seeds, draws do not.
    let differences = |figures: fn(&Evaluation) -> Vec<f64>| {
        let draws = first.iter().zip(second).map(|(first, second)| [figures(first), figures(second)]);
        let pairs = draws.flat_map(|[first, second]| first.into_iter().zip(second));
        Spread::new(&pairs.map(|(first, second)| second - first).collect::<Vec<_>>())
    };
    let errors = differences(|found| {
        let (refined, error) =
            (found.methods.get(&Method::once(MethodKind::Refined)), error_key(&found.data.task));
        refined.map(|figures| figures.each(&error)).unwrap_or_default()
    });
    let told_apart =
        differences(|found| found.realism.iter().map(|realism| realism.refined.accuracy.mean).collect());
    let [against, variant] = names.map(str::to_owned);
    Some(Comparison { variant, against, error: errors?, told_apart })
}

/// Builds a row from one evaluation per draw; `None` if nothing was measured.
fn row(method: Method, variant: Option<&str>, found: &[&Evaluation]) -> Option<ExperimentRow> {
    let error = error_key(&found.first()?.data.task);
    let figures: Vec<_> = found.iter().filter_map(|found| found.methods.get(&method)).collect();
    let runs: Vec<_> = figures.iter().flat_map(|figures| &figures.runs).collect();
    let calibrated = runs.iter().filter_map(|run| run.calibrated.as_ref()?.figure(&error));
    let told_apart = |found: &&Evaluation| {
        let realism = found.realism?;
        match method {
            Method { kind: MethodKind::Refined, fold: 1 } => Some(realism.refined.accuracy.mean),
            Method { kind: MethodKind::Synthetic, fold: 1 } => Some(realism.synthetic.accuracy.mean),
            Method { kind: MethodKind::Toned, fold: 1 } => Some(realism.toned?.accuracy.mean),
            _ => None,
        }
    };
    let is_refined = method == Method::once(MethodKind::Refined);
    let ratios = ratios(method, found, &error);
    let n_won = ratios.iter().filter(|ratio| **ratio < 1.0).count();
    (!runs.is_empty()).then(|| ExperimentRow {
        variant: variant.map(str::to_owned),
        method,
        n_runs: runs.len(),
        errors: figures.iter().map(|figures| figures.each(&error)).collect(),
        figures: spreads(&runs.iter().map(|run| &run.errors).collect::<Vec<_>>()),
        calibrated: Spread::new(&calibrated.collect::<Vec<_>>()),
        ratio_to_synthetic: Spread::new(&ratios),
        wins: (!ratios.is_empty()).then_some([n_won, ratios.len()]),
        refinement: is_refined.then(|| Refinement::new(found)),
        told_apart: Spread::new(&found.iter().filter_map(told_apart).collect::<Vec<_>>()),
    })
}

/// Returns the ratios of the figure `error` to the row `synthetic`, paired by draw and seed.
fn ratios(method: Method, found: &[&Evaluation], error: &str) -> Vec<f64> {
    let synthetic = Method { kind: MethodKind::Synthetic, ..method };
    let of_draw = |found: &&Evaluation| -> Option<Vec<f64>> {
        let [figures, synthetic]: [&MethodFigures; 2] =
            [found.methods.get(&method)?, found.methods.get(&synthetic)?];
        Some(figures.ratios_to(&synthetic.runs, error))
    };
    if method == synthetic { Vec::new() } else { found.iter().filter_map(of_draw).flatten().collect() }
}

impl Refinement {
    fn new(found: &[&Evaluation]) -> Self {
        let spread = |value: fn(&Evaluation) -> Option<f64>| {
            Spread::new(&found.iter().filter_map(|found| value(found)).collect::<Vec<_>>())
        };
        Self {
            shift_px: spread(|found| Some(found.shifts.any()?.mean)),
            drift_x_px: spread(|found| Some(found.shifts.any()?.drift_x.mean)),
            drift_y_px: spread(|found| Some(found.shifts.any()?.drift_y.mean)),
            agreement: spread(|found| Some(found.agreement.as_ref()?.difference.mean)),
        }
    }
}
