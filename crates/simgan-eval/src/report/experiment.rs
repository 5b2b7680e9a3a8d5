use simgan_metrics::Spread;

use super::tables::{Table, degrees, method_name, percent, spread, testing, training};
use crate::evaluation::{Method, MethodKind};
use crate::experiment::{Comparison, ExperimentResults, ExperimentRow, Refinement};

/// Builds an experiment's table; its note says how it was measured.
#[must_use]
pub fn experiment_table(found: &ExperimentResults) -> Table {
    let mut table = Table::new(&[
        "gaze error in degrees",
        "mean",
        "median",
        "within 7°",
        "calibrated",
        "of synthetic",
        "pupil shift",
        "right",
        "down",
        "told apart",
    ]);
    for row in &found.rows {
        let optional = |value: Option<String>| value.unwrap_or_default();
        let drift = |axis: fn(&Refinement) -> f64| {
            row.refinement.as_ref().map(|refinement| format!("{:+.2}", axis(refinement)))
        };
        table.push([
            row_name(row),
            degrees(row.error_deg),
            degrees(row.median_deg),
            percent(row.within_7deg),
            optional(row.calibrated_deg.map(degrees)),
            optional(row.ratio_to_synthetic.map(|ratio| spread(ratio, 1.0, 2))),
            optional(row.refinement.map(|refinement| spread(refinement.pupil_shift_px, 1.0, 2))),
            optional(drift(|refinement| refinement.drift_x_px.mean)),
            optional(drift(|refinement| refinement.drift_y_px.mean)),
            optional(row.told_apart.map(percent)),
        ]);
    }
    table.note = found.comparisons.iter().map(comparison).collect::<String>() + &conditions(found);
    table
}

fn comparison(found: &Comparison) -> String {
    let Comparison { variant, against, error_deg, told_apart } = found;
    let apart = told_apart.map_or_else(String::new, |Spread { mean, sd }| {
        format!(", told apart {:+.1} ± {:.1} %", 100.0 * mean, 100.0 * sd)
    });
    let Spread { mean, sd } = error_deg;
    format!("{variant} less {against}, pair by pair: error {mean:+.2} ± {sd:.2}°{apart}\n")
}

fn conditions(found: &ExperimentResults) -> String {
    let (config, data) = (&found.experiment, &found.data);
    format!(
        "mean ± deviation over {} draw(s) of {} repetition(s); {}, {} synthetic ones in all; {}\n\
         calibrated: each person's constant offset taken off, measured on {} of their images\n\
         of synthetic: error over that of the row `synthetic`, draw by draw and repetition by repetition\n\
         pupil shift, right, down: in pixels of a 55-pixel-wide eye; told apart from real images: 50 % is ideal\n",
        config.draws,
        config.evaluation.seeds,
        training(&config.evaluation, data),
        data.n_images,
        testing(data),
        config.evaluation.calibration
    )
}

/// Names a row; a variant's name replaces `refined`.
fn row_name(row: &ExperimentRow) -> String {
    let Some(variant) = &row.variant else { return method_name(row.method) };
    if row.method == Method::once(MethodKind::Refined) {
        return variant.clone();
    }
    method_name(row.method).replacen("refined", variant, 1)
}
