use serde::{Deserialize, Serialize};
use simgan_metrics::{PairedDifference, Spread};

use crate::evaluation::{Evaluation, Method, MethodKind, error_key};

/// Fewer draws do not show whether a difference is one of the draw.
pub(crate) const LEAST_DRAWS: usize = 3;

/// What the figures of an evaluation or an experiment say to do with its data.
///
/// Rows are compared by the task's error, between networks that learned from as many images. No label of a real
/// image is needed for any row but `real`; which row is best is told by the labels of the test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The row with the lowest error of all that need no label of a real image.
    pub best: RowError,
    /// The lowest error of what costs nothing: synthetic images as they are, augmented or matched.
    pub best_free: RowError,
    /// The lowest error of refined images, augmented or not.
    pub best_refined: RowError,
    /// The error of `best_refined` less that of `best_free`, paired by draw and seed.
    pub refined_less_free: PairedDifference,
    /// The error of `best_refined` less that of the same images with the refiner's tone alone: what R itself adds;
    /// absent without a tone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refined_less_toned: Option<PairedDifference>,
    /// How much of the way from the error of `best_free` to that of real images with labels `best_refined` goes;
    /// 1 is all of it. Absent without such a row, or if it errs no less than `best_free`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_of_way: Option<f64>,
}

/// A row with its mean error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowError {
    /// The experiment's variant; absent for a baseline and for a single refiner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What the networks learned from.
    pub method: Method,
    /// The mean of the draws' mean errors, in the unit of the task's first measure.
    pub error: f64,
}

/// Whether refining was worth it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// The error is lower, beyond what draws differ by.
    Yes,
    /// The error is higher, beyond what draws differ by.
    No,
    /// Three or more draws leave it open.
    Open,
    /// One or two draws say nothing.
    TooFewDraws,
}

/// A row with the errors of each draw's repetitions.
struct Row {
    variant: Option<String>,
    method: Method,
    draws: Vec<Vec<f64>>,
    mean: f64,
}

impl Verdict {
    /// Compares the rows of one refiner in one draw; `None` without a row of refined images and one of others.
    #[must_use]
    pub(crate) fn of(found: &Evaluation) -> Option<Self> {
        Self::of_draws(&[None], &[&[found]])
    }

    /// Compares the rows of all variants; `draws` holds an evaluation for each variant. Each draw has the same
    /// rows.
    pub(crate) fn of_draws(variants: &[Option<&str>], draws: &[&[&Evaluation]]) -> Option<Self> {
        let first = draws.first()?.first()?;
        let row = |variant: Option<(usize, Option<&str>)>, method: Method| {
            let (idx, name) = variant.unwrap_or((0, None));
            let of_draw = |draw: &&[&Evaluation]| errors(draw.get(idx)?, method);
            let draws: Vec<Vec<f64>> = draws.iter().map(of_draw).collect::<Option<_>>()?;
            let means: Option<Vec<f64>> = draws.iter().map(|draw| Some(Spread::new(draw)?.mean)).collect();
            let mean = Spread::new(&means?)?.mean;
            mean.is_finite().then(|| Row { variant: name.map(str::to_owned), method, draws, mean })
        };
        let methods = || first.methods.keys().filter(|method| method.fold == 1).copied();
        let of_kind = |fits: fn(MethodKind) -> bool| methods().filter(move |method| fits(method.kind));
        let free: Vec<Row> = of_kind(MethodKind::is_free).filter_map(|method| row(None, method)).collect();
        let toned: Vec<Row> = of_kind(MethodKind::is_toned).filter_map(|method| row(None, method)).collect();
        let of_variant =
            |variant| of_kind(MethodKind::is_refined).filter_map(move |method| row(Some(variant), method));
        let refined: Vec<Row> = variants.iter().copied().enumerate().flat_map(of_variant).collect();
        let (best_free, best_refined) = (lowest(&free)?, lowest(&refined)?);
        let best = lowest(free.iter().chain(&toned).chain(&refined))?;
        let is_augmented = best_refined.method.kind.is_augmented();
        let same_toned = toned.iter().find(|row| row.method.kind.is_augmented() == is_augmented);
        let real = row(None, Method::once(MethodKind::Real)).map(|real| real.mean);
        let share = |real: f64| (best_free.mean - best_refined.mean) / (best_free.mean - real);
        Some(Self {
            best: best.into(),
            best_free: best_free.into(),
            best_refined: best_refined.into(),
            refined_less_free: less(best_refined, best_free)?,
            refined_less_toned: same_toned.and_then(|toned| less(best_refined, toned)),
            share_of_way: real.filter(|real| *real < best_free.mean).map(share),
        })
    }

    /// Whether refining was worth it, judged by the interval of the difference to the best free row.
    #[must_use]
    pub fn worth(&self) -> Worth {
        match self.refined_less_free {
            PairedDifference { n_draws, .. } if n_draws < LEAST_DRAWS => Worth::TooFewDraws,
            PairedDifference { interval: Some([_, high]), .. } if high < 0.0 => Worth::Yes,
            PairedDifference { interval: Some([low, _]), .. } if low > 0.0 => Worth::No,
            _ => Worth::Open,
        }
    }
}

impl From<&Row> for RowError {
    fn from(row: &Row) -> Self {
        Self { variant: row.variant.clone(), method: row.method, error: row.mean }
    }
}

/// The errors of a row's repetitions; `None` if it was not measured, in one of them or at all.
fn errors(found: &Evaluation, method: Method) -> Option<Vec<f64>> {
    let figures = found.methods.get(&method)?;
    let errors = figures.each(&error_key(&found.data.task));
    (errors.len() == figures.runs.len()).then_some(errors)
}

fn lowest<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Option<&'a Row> {
    rows.into_iter().min_by(|a, b| a.mean.total_cmp(&b.mean))
}

/// The errors of one row less those of another, pair by pair.
fn less(row: &Row, other: &Row) -> Option<PairedDifference> {
    let draws = row.draws.iter().zip(&other.draws);
    let pairs = |(row, other): (&Vec<f64>, &Vec<f64>)| {
        row.iter().zip(other).map(|(row, other)| row - other).collect()
    };
    PairedDifference::new(&draws.map(pairs).collect::<Vec<_>>())
}

#[cfg(test)]
pub(crate) mod tests;
