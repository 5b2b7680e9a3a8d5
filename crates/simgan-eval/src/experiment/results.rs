use serde::{Deserialize, Serialize};
use simgan_metrics::Spread;

use super::{DrawFigures, EXPERIMENT_VERSION, ExperimentConfig};
use crate::EvalError;
use crate::evaluation::{DataSummary, Evaluation, Method, MethodFigures, MethodKind};

/// The results of an experiment. Spreads are over draws and, where a figure has them, seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentResults {
    /// [`EXPERIMENT_VERSION`].
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
    /// Difference of the mean gaze errors in degrees; positive if the variant errs more.
    pub error_deg: Spread,
    /// Difference of the shares that a fresh classifier gets right; positive if the variant's images look
    /// less real.
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
    /// The predictor of gaze.
    pub method: Method,
    /// Number of repetitions over all draws.
    pub n_runs: usize,
    /// Mean angle between prediction and truth, in degrees.
    pub error_deg: Spread,
    /// Median of the angles, in degrees.
    pub median_deg: Spread,
    /// Share of images within 7°, in [0, 1].
    pub within_7deg: Spread,
    /// Mean angle after personal calibration, in degrees; absent if nobody has enough images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated_deg: Option<Spread>,
    /// Error divided by that of the network trained on as many synthetic images of the same draw and seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_to_synthetic: Option<Spread>,
    /// Label preservation; only in a variant's row `refined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refinement: Option<Refinement>,
    /// Share of these and of real images that a fresh classifier gets right, in [0, 1]; 0.5 is ideal. Only in
    /// the rows `synthetic` and `refined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_apart: Option<Spread>,
}

/// Label preservation over the draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refinement {
    /// Mean distance that pupils move, in pixels of a 55-pixel-wide eye.
    pub pupil_shift_px: Spread,
    /// Signed mean shift to the right, in the same pixels.
    pub drift_x_px: Spread,
    /// Signed mean shift downwards, in the same pixels.
    pub drift_y_px: Spread,
    /// Mean angle in degrees between the predictions of networks trained on synthetic images for an image and
    /// for its refinement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_deg: Option<Spread>,
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
        let (format_version, experiment) = (EXPERIMENT_VERSION, config.clone());
        Ok(Self { format_version, experiment, data: first.data.clone(), rows, comparisons })
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
        let refined = found.methods.get(&Method::once(MethodKind::Refined));
        refined.iter().flat_map(|figures| &figures.runs).map(|run| run.errors.mean_deg).collect()
    });
    let told_apart =
        differences(|found| found.realism.iter().map(|realism| realism.refined.accuracy.mean).collect());
    let [against, variant] = names.map(str::to_owned);
    Some(Comparison { variant, against, error_deg: errors?, told_apart })
}

/// Builds a row from one evaluation per draw; `None` if nothing was measured.
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

/// Returns the ratios to the row `synthetic`, paired by draw and seed.
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
