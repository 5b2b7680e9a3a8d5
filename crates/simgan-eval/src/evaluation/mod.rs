//! Evaluates a refiner: the paper's tables, label preservation and realism.
//!
//! [`EvaluationData::read`] loads and checks the images; a [`Plan`] lists what to measure on them.
//! [`Baselines`] do not depend on the refiner and [`RefinerFigures`] do; they are computed separately, so
//! that many refiners can share one set of baselines. [`Evaluation`] combines both and is the file format.

mod checks;
mod config;
mod data;
mod estimate;
mod figures;
mod likeness;
mod method;
mod opened;
mod plan;
mod preservation;
mod reading;
mod rows;
mod toned;
mod watch;

use std::collections::BTreeMap;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_models::{NoiseSource, Refiner};

pub use self::checks::eyes_of;
pub use self::config::{EvaluationConfig, NetworkSize};
pub use self::data::{DataSummary, EvaluationData, EvaluationSources};
pub(crate) use self::figures::spreads;
pub use self::figures::{MethodFigures, MethodRun, Methods};
pub use self::likeness::Likeness;
pub use self::method::{Method, MethodKind};
pub use self::opened::OpenedSources;
pub use self::plan::Plan;
pub use self::preservation::{Agreement, ShiftAccuracy, ShiftFigures, Shifts};
pub use self::reading::read_labelled;
pub(crate) use self::rows::refine_images;
pub use self::watch::{Progress, Watch};

use crate::{EvalError, TaskSpec, TrainedEstimator, Verdict};

/// Version of the format of [`Evaluation`] and [`Baselines`].
pub const EVALUATION_VERSION: u32 = 2;

/// Everything measured about a refiner.
///
/// In JSON the rows are at the top level:
/// `{"synthetic": {"error_deg": {"mean": …, "sd": …}, …}, "refined": {…}, …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`EVALUATION_VERSION`].
    pub format_version: u32,
    /// The configuration it was measured with.
    pub config: EvaluationConfig,
    /// The images it was measured on.
    pub data: DataSummary,
    /// Shift of landmarks between synthetic and refined images.
    #[serde(flatten)]
    pub shifts: Shifts,
    /// How far predictions of networks trained on synthetic images move under refinement; absent without such
    /// networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Likeness to real images; absent without real images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realism: Option<RealismFigures>,
    /// What to do with this data; absent without rows to compare, and in files of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The rows of the tables.
    #[serde(flatten)]
    pub methods: Methods,
}

/// Likeness to real images, before and after refinement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealismFigures {
    /// Refined against real.
    pub refined: Likeness,
    /// Synthetic against real.
    pub synthetic: Likeness,
    /// Synthetic with the refiner's tone against real; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toned: Option<Likeness>,
}

/// The figures that do not depend on a refiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baselines {
    /// [`EVALUATION_VERSION`].
    pub format_version: u32,
    /// The configuration they were measured with.
    pub config: EvaluationConfig,
    /// The images they were measured on.
    pub data: DataSummary,
    /// The rows.
    pub methods: Methods,
    /// Synthetic against real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
    /// Synthetic with the refiner's tone against real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toned_likeness: Option<Likeness>,
    /// The estimators of each row; those of `synthetic` also measure agreement and give KID its features. Not
    /// part of the JSON.
    #[serde(skip)]
    pub estimators: Estimators,
}

/// The figures that depend on the refiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefinerFigures {
    /// The rows.
    pub methods: Methods,
    /// Shift of landmarks.
    #[serde(flatten)]
    pub shifts: Shifts,
    /// Agreement of the baselines' networks; absent without networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Refined against real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
    /// The estimators of each row; not part of the JSON.
    #[serde(skip)]
    pub estimators: Estimators,
}

/// The estimators of each row, one per repetition; rows without any are absent.
pub type Estimators = BTreeMap<Method, Vec<TrainedEstimator>>;

/// Measures the baselines, then the refiner; also returns the estimators of all rows.
///
/// # Errors
///
/// If training or a measure fails, or [`EvalError::Stopped`] if `watch` is told to stop.
pub fn evaluate(
    refiner: &Refiner,
    plan: &Plan<'_>,
    watch: &mut Watch<'_>,
) -> Result<(Evaluation, Estimators), EvalError> {
    plan.config.check_variants(refiner.config())?; // before the baselines take their time
    watch.expect(plan.n_updates());
    let baselines = Baselines::measure(plan, watch)?;
    let refined = RefinerFigures::measure(refiner, baselines.networks(), plan, watch)?;
    let estimators = baselines.estimators.iter().chain(&refined.estimators);
    let estimators = estimators.map(|(method, networks)| (*method, networks.clone())).collect();
    Ok((Evaluation::new(baselines, refined), estimators))
}

impl Evaluation {
    /// Combines baselines and refiner figures; both must come from the same data and configuration.
    #[must_use]
    pub fn new(baselines: Baselines, refined: RefinerFigures) -> Self {
        let Baselines { config, data, mut methods, likeness, toned_likeness, .. } = baselines;
        methods.extend(refined.methods);
        figures::fill_ratios(&mut methods, &error_key(&data.task));
        let realism = refined.likeness.zip(likeness);
        let realism =
            realism.map(|(refined, synthetic)| RealismFigures { refined, synthetic, toned: toned_likeness });
        let RefinerFigures { shifts, agreement, .. } = refined;
        // Baselines of an earlier version have been brought to this one.
        let format_version = EVALUATION_VERSION;
        let mut all =
            Self { format_version, config, data, shifts, agreement, realism, verdict: None, methods };
        all.verdict = Verdict::of(&all);
        all
    }
}

impl Baselines {
    /// Measures the baselines.
    ///
    /// # Errors
    ///
    /// As [`evaluate`].
    pub fn measure(plan: &Plan<'_>, watch: &mut Watch<'_>) -> Result<Self, EvalError> {
        let Plan { data, config, .. } = *plan;
        let rows: Vec<_> = plan.rows_of(false).collect();
        let (methods, estimators) = rows::measure(&rows, &[], data, config, watch)?;
        let networks = of_synthetic(&estimators);
        let mut like = |what, images| likeness(what, data, images, networks, config, watch);
        let plain = like("synthetic", data.probe().images())?;
        let toned = data.is_toned().then(|| like("toned", data.seen_probe().images())).transpose()?;
        let (format_version, config, data) = (EVALUATION_VERSION, config.clone(), data.summary()?);
        let (likeness, toned_likeness) = (plain, toned.flatten());
        Ok(Self { format_version, config, data, methods, likeness, toned_likeness, estimators })
    }

    /// The networks of the row `synthetic`; none if it was not measured.
    #[must_use]
    pub fn networks(&self) -> &[TrainedEstimator] {
        of_synthetic(&self.estimators)
    }
}

impl RefinerFigures {
    /// Measures a refiner. `networks` are those of the baselines; without any there is no agreement.
    ///
    /// # Errors
    ///
    /// As [`evaluate`].
    pub fn measure(
        refiner: &Refiner,
        networks: &[TrainedEstimator],
        plan: &Plan<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        let Plan { data, config, .. } = *plan;
        let rows: Vec<_> = plan.rows_of(true).collect();
        config.check_variants(refiner.config())?;
        let n_variants = if rows.is_empty() { 0 } else { config.variants };
        let (all, probe) = (data.all_seen().images(), data.seen_probe().images());
        watch.begin("refining", probe.dim(0)? + n_variants as usize * all.dim(0)?)?;
        let mut refine = |images, variant| {
            refine_images(refiner, images, NoiseSource { variant, ..NoiseSource::default() }, watch)
        };
        let probe = refine(probe, 1)?;
        // Refine once: all rows share the images.
        let refined = (1..=n_variants).map(|variant| refine(all, variant)).collect::<Result<Vec<_>, _>>()?;
        let (methods, estimators) = rows::measure(&rows, &refined, data, config, watch)?;
        watch.begin("label preservation", 0)?;
        let shifts = Shifts::new(data, &probe)?;
        let agreement = Agreement::new(networks, data, &probe)?;
        let likeness = likeness("refined", data, &probe, networks, config, watch)?;
        Ok(Self { methods, shifts, agreement, likeness, estimators })
    }
}

/// The networks of the row `synthetic`.
fn of_synthetic(estimators: &Estimators) -> &[TrainedEstimator] {
    estimators.get(&Method::once(MethodKind::Synthetic)).map_or(&[], Vec::as_slice)
}

/// The key of a task's error, its first measure.
pub(crate) fn error_key(task: &TaskSpec) -> String {
    task.task().measures().swap_remove(0).key
}

/// Compares `images`, called `what`, with the data's real ones, if there are any.
fn likeness(
    what: &str,
    data: &EvaluationData,
    images: &Tensor,
    networks: &[TrainedEstimator],
    config: &EvaluationConfig,
    watch: &mut Watch<'_>,
) -> Result<Option<Likeness>, EvalError> {
    data.real().map(|real| Likeness::new(what, real, images, networks, config, watch)).transpose()
}
