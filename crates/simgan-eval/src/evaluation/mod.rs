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
mod watch;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_models::{GazeEstimator, Refiner};

pub use self::config::{EvaluationConfig, GazeNetwork};
pub use self::data::{DataSummary, EvaluationData, EvaluationSources};
pub use self::figures::{CalibratedFigures, MethodFigures, MethodRun, Methods};
pub use self::likeness::Likeness;
pub use self::method::{Method, MethodKind};
pub use self::opened::OpenedSources;
pub use self::plan::Plan;
pub use self::preservation::{Agreement, PupilShiftFigures};
pub(crate) use self::rows::refine_images;
pub use self::watch::{Progress, Watch};

use self::rows::Row;
use crate::EvalError;

/// Version of the format of [`Evaluation`] and [`Baselines`].
pub const EVALUATION_VERSION: u32 = 1;

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
    /// Shift of the iris between synthetic and refined images.
    pub pupil_shift_px: PupilShiftFigures,
    /// How far predictions of networks trained on synthetic images move under refinement; absent without such
    /// networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Likeness to real images; absent without real images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realism: Option<RealismFigures>,
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
    /// The networks of the row `synthetic`, for the agreement and the features of KID; not part of the JSON.
    #[serde(skip)]
    pub networks: Vec<GazeEstimator>,
}

/// The figures that depend on the refiner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefinerFigures {
    /// The rows.
    pub methods: Methods,
    /// Shift of the iris.
    pub pupil_shift_px: PupilShiftFigures,
    /// Agreement of the baselines' networks; absent without networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Refined against real.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
}

/// Measures the baselines, then the refiner.
///
/// # Errors
///
/// If training or a measure fails, or [`EvalError::Stopped`] if `watch` is told to stop.
pub fn evaluate(refiner: &Refiner, plan: &Plan<'_>, watch: &mut Watch<'_>) -> Result<Evaluation, EvalError> {
    watch.expect(plan.n_updates());
    let baselines = Baselines::measure(plan, watch)?;
    let refined = RefinerFigures::measure(refiner, &baselines.networks, plan, watch)?;
    Ok(Evaluation::new(baselines, refined))
}

impl Evaluation {
    /// Combines baselines and refiner figures; both must come from the same data and configuration.
    #[must_use]
    pub fn new(baselines: Baselines, refined: RefinerFigures) -> Self {
        let Baselines { format_version, config, data, mut methods, likeness, .. } = baselines;
        methods.extend(refined.methods);
        figures::fill_ratios(&mut methods);
        let realism = refined.likeness.zip(likeness);
        let realism = realism.map(|(refined, synthetic)| RealismFigures { refined, synthetic });
        let RefinerFigures { pupil_shift_px, agreement, .. } = refined;
        Self { format_version, config, data, pupil_shift_px, agreement, realism, methods }
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
        let (mut methods, mut networks) = (Methods::new(), Vec::new());
        for method in plan.rows_of(false) {
            let row = Row::new(method, None, data, config, watch)?;
            if method == Method::once(MethodKind::Synthetic) {
                networks = row.networks;
            }
            methods.insert(method, row.figures);
        }
        let likeness = likeness("synthetic", data, data.probe().images(), &networks, config, watch)?;
        let (format_version, config, data) = (EVALUATION_VERSION, config.clone(), data.summary()?);
        Ok(Self { format_version, config, data, methods, likeness, networks })
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
        networks: &[GazeEstimator],
        plan: &Plan<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        let Plan { data, config, .. } = *plan;
        let n_refined = plan.rows_of(true).next().map_or(Ok(0), |_| data.all_synthetic().images().dim(0))?;
        watch.begin("refining", data.probe().images().dim(0)? + n_refined)?;
        let probe = refine_images(refiner, data.probe().images(), watch)?;
        let refine_all = |_| refine_images(refiner, data.all_synthetic().images(), watch);
        // Refine once: all rows share the images.
        let refined = plan.rows_of(true).next().map(refine_all).transpose()?;
        let mut methods = Methods::new();
        for method in plan.rows_of(true) {
            methods.insert(method, Row::new(method, refined.as_ref(), data, config, watch)?.figures);
        }
        watch.begin("label preservation", 0)?;
        let pupil_shift_px = PupilShiftFigures::new(data.probe().images(), &probe, data.probe_landmarks())?;
        let agreement = Agreement::new(networks, data, &probe)?;
        let likeness = likeness("refined", data, &probe, networks, config, watch)?;
        Ok(Self { methods, pupil_shift_px, agreement, likeness })
    }
}

/// Compares `images`, called `what`, with the data's real ones, if there are any.
fn likeness(
    what: &str,
    data: &EvaluationData,
    images: &Tensor,
    networks: &[GazeEstimator],
    config: &EvaluationConfig,
    watch: &mut Watch<'_>,
) -> Result<Option<Likeness>, EvalError> {
    data.real().map(|real| Likeness::new(what, real, images, networks, config, watch)).transpose()
}
