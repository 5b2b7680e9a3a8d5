use serde::{Deserialize, Serialize};
use simgan_metrics::Spread;

use super::{DrawFigures, EXPERIMENT_VERSION, ExperimentConfig};
use crate::EvalError;
use crate::evaluation::{DataSummary, Evaluation, Method, MethodFigures, MethodKind};

/// What an experiment found: spreads are over draws and, where there are some, seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentResults {
    /// [`EXPERIMENT_VERSION`].
    pub format_version: u32,
    /// How it was found.
    pub experiment: ExperimentConfig,
    /// The images of the first draw.
    pub data: DataSummary,
    /// The table: baselines first, then variant after variant, then the network that learned from real images.
    pub rows: Vec<ExperimentRow>,
    /// Each variant but the first against the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
}

/// What became of refined images when a setting changed: differences between pairs of the same draw and seed, whose spread
/// is smaller than that of either, since both met the same renders and test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The variant.
    pub variant: String,
    /// The first variant, whose figures are taken off.
    pub against: String,
    /// Difference of the mean gaze errors, in degrees: above 0 the variant errs more.
    pub error_deg: Spread,
    /// Difference of the shares that a fresh classifier tells right: above 0 the variant's images look less real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_apart: Option<Spread>,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentRow {
    /// The variant; absent for a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What predicts the gaze.
    pub method: Method,
    /// Predictors in all draws.
    pub n_runs: usize,
    /// Mean angle between prediction and truth, in degrees.
    pub error_deg: Spread,
    /// Median of the angles, in degrees.
    pub median_deg: Spread,
    /// Share of images within 7°, in [0, 1].
    pub within_7deg: Spread,
    /// Mean angle after a personal calibration, in degrees; absent if nobody has enough images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated_deg: Option<Spread>,
    /// Error divided by that of the network trained on as many synthetic images of the same draw and seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_to_synthetic: Option<Spread>,
    /// What became of the images; only in a variant's row `refined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refinement: Option<Refinement>,
    /// Share of images, these and real ones, that a fresh classifier tells right, in [0, 1]; 0.5 is ideal. Only in the row
    /// `synthetic` and the rows `refined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_apart: Option<Spread>,
}

/// Whether labels stay true, over the draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refinement {
    /// Mean distance by which pupils moved, in pixels of a 55-pixel-wide eye.
    pub pupil_shift_px: Spread,
    /// Its signed part to the right.
    pub drift_x_px: Spread,
    /// Its signed part downwards.
    pub drift_y_px: Spread,
    /// Angle between what networks trained on synthetic images answer to an image and to the same refined, in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_deg: Option<Spread>,
}

impl ExperimentResults {
    /// From the evaluations of each draw's variants.
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
        let (format_version, experiment) = (EXPERIMENT_VERSION, config.clone());
        Ok(Self { format_version, experiment, data: first.data.clone(), rows, comparisons })
    }
}

/// The second of two variants against the first, from one evaluation for each draw.
fn compare(names: [&str; 2], first: &[&Evaluation], second: &[&Evaluation]) -> Option<Comparison> {
    // What each draw has of a figure is paired and taken off, whatever the figure.
    let differences = |figures: fn(&Evaluation) -> Vec<f64>| {
        let draws = first.iter().zip(second).map(|(first, second)| [figures(first), figures(second)]);
        let pairs = draws.flat_map(|[first, second]| first.into_iter().zip(second));
        Spread::new(&pairs.map(|(first, second)| second - first).collect::<Vec<_>>())
    };
    let errors = differences(|found| {
        let refined = found.methods.get(&Method::once(MethodKind::Refined));
        refined.iter().flat_map(|figures| &figures.runs).map(|run| run.errors.mean_deg).collect()
    });
    let told_apart =
        differences(|found| found.realism.iter().map(|realism| realism.refined.accuracy.mean).collect());
    let [against, variant] = names.map(str::to_owned);
    Some(Comparison { variant, against, error_deg: errors?, told_apart })
}

/// One row, of one evaluation for each draw; `None` where nothing was measured.
fn row(method: Method, variant: Option<&str>, found: &[&Evaluation]) -> Option<ExperimentRow> {
    let figures: Vec<_> = found.iter().filter_map(|found| found.methods.get(&method)).collect();
    let runs: Vec<_> = figures.iter().flat_map(|figures| &figures.runs).collect();
    let calibrated: Vec<_> =
        runs.iter().filter_map(|run| run.calibrated).map(|errors| errors.mean_deg).collect();
    let spread = |value: &dyn Fn(usize) -> f64| Spread::new(&(0..runs.len()).map(value).collect::<Vec<_>>());
    let told_apart = |found: &&Evaluation| {
        let realism = found.realism?;
        match method {
            Method { kind: MethodKind::Refined, fold: 1 } => Some(realism.refined.accuracy.mean),
            Method { kind: MethodKind::Synthetic, fold: 1 } => Some(realism.synthetic.accuracy.mean),
            _ => None,
        }
    };
    let is_refined = method == Method::once(MethodKind::Refined);
    Some(ExperimentRow {
        variant: variant.map(str::to_owned),
        method,
        n_runs: runs.len(),
        error_deg: spread(&|idx| runs[idx].errors.mean_deg)?,
        median_deg: spread(&|idx| runs[idx].errors.median_deg)?,
        within_7deg: spread(&|idx| runs[idx].errors.within_7deg)?,
        calibrated_deg: Spread::new(&calibrated),
        ratio_to_synthetic: Spread::new(&ratios(method, found)),
        refinement: if is_refined { Refinement::new(found) } else { None },
        told_apart: Spread::new(&found.iter().filter_map(told_apart).collect::<Vec<_>>()),
    })
}

/// Draw by draw and seed by seed.
fn ratios(method: Method, found: &[&Evaluation]) -> Vec<f64> {
    let synthetic = Method { kind: MethodKind::Synthetic, ..method };
    let of_draw = |found: &&Evaluation| -> Option<Vec<f64>> {
        let [figures, synthetic]: [&MethodFigures; 2] =
            [found.methods.get(&method)?, found.methods.get(&synthetic)?];
        Some(figures.ratios_to(&synthetic.runs))
    };
    if method == synthetic { Vec::new() } else { found.iter().filter_map(of_draw).flatten().collect() }
}

impl Refinement {
    fn new(found: &[&Evaluation]) -> Option<Self> {
        let spread = |value: fn(&Evaluation) -> Option<f64>| {
            Spread::new(&found.iter().filter_map(|found| value(found)).collect::<Vec<_>>())
        };
        Some(Self {
            pupil_shift_px: spread(|found| Some(found.pupil_shift_px.mean))?,
            drift_x_px: spread(|found| Some(found.pupil_shift_px.drift_x.mean))?,
            drift_y_px: spread(|found| Some(found.pupil_shift_px.drift_y.mean))?,
            agreement_deg: spread(|found| Some(found.agreement?.difference_deg.mean)),
        })
    }
}
