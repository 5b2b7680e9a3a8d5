use simgan_data::names::GAZE;
use simgan_metrics::Spread;

use super::tables::{Table, error_head, figure, method_name, percent, shown, spread, testing, training};
use crate::Measure;
use crate::evaluation::{Method, MethodKind};
use crate::experiment::{Comparison, ExperimentResults, ExperimentRow, Refinement};

/// Builds an experiment's table; its note says how it was measured.
#[must_use]
pub fn experiment_table(found: &ExperimentResults) -> Table {
    let task = &found.data.task;
    let measures = [shown(task, true), shown(task, false)].concat();
    let has = |of: fn(&ExperimentRow) -> bool| found.rows.iter().any(of);
    let is_calibrated = has(|row| row.calibrated.is_some());
    let is_shifted = has(|row| row.refinement.is_some_and(|refinement| refinement.shift_px.is_some()));
    let mut head = vec![error_head(task)];
    head.extend(measures.iter().map(|measure| measure.name.clone()));
    head.extend(is_calibrated.then(|| "calibrated".to_owned()));
    head.extend(["of synthetic", "better in"].map(str::to_owned));
    head.extend(is_shifted.then(|| ["shift", "right", "down"].map(str::to_owned)).into_iter().flatten());
    head.push("told apart".to_owned());
    let mut table = Table::new(head);
    for row in &found.rows {
        let mut cells = vec![row_name(row)];
        cells.extend(measures.iter().map(|one| figure(one, row.figures.get(&one.key).copied())));
        cells.extend(is_calibrated.then(|| figure(&measures[0], row.calibrated)));
        cells.push(row.ratio_to_synthetic.map(|ratio| spread(ratio, 1.0, 2)).unwrap_or_default());
        cells.push(row.wins.map(|[won, of]| format!("{won} of {of}")).unwrap_or_default());
        if is_shifted {
            let drift =
                |drift: Option<Spread>| drift.map(|drift| format!("{:+.2}", drift.mean)).unwrap_or_default();
            let of = |value: fn(&Refinement) -> Option<Spread>| row.refinement.as_ref().and_then(value);
            cells.push(of(|all| all.shift_px).map(|shift| spread(shift, 1.0, 2)).unwrap_or_default());
            cells.extend([drift(of(|all| all.drift_x_px)), drift(of(|all| all.drift_y_px))]);
        }
        cells.push(row.told_apart.map(percent).unwrap_or_default());
        table.push(cells);
    }
    table.note = found.comparisons.iter().map(|one| comparison(one, &measures[0])).collect::<String>()
        + &conditions(found);
    table
}

fn comparison(found: &Comparison, measure: &Measure) -> String {
    let Comparison { variant, against, error, told_apart } = found;
    let apart = told_apart.map_or_else(String::new, |Spread { mean, sd }| {
        format!(", told apart {:+.1} ± {:.1} %", 100.0 * mean, 100.0 * sd)
    });
    let (scale, unit) = (measure.unit.scale(), measure.unit.symbol());
    let [mean, sd] = [error.mean, error.sd].map(|value| value * scale);
    format!("{variant} less {against}, pair by pair: error {mean:+.2} ± {sd:.2}{unit}{apart}\n")
}

fn conditions(found: &ExperimentResults) -> String {
    let (config, data) = (&found.experiment, &found.data);
    let mut text = format!(
        "mean ± deviation over {} draw(s) of {} repetition(s); {}, {} synthetic ones in all; {}\n",
        config.draws,
        config.evaluation.seeds,
        training(&config.evaluation, data),
        data.n_images,
        testing(data),
    );
    if found.rows.iter().any(|row| row.calibrated.is_some()) {
        let n = config.evaluation.calibration;
        text += &format!(
            "calibrated: each person's constant offset taken off, measured on {n} of their images\n"
        );
    }
    let frame = if data.task.name == GAZE { "a 55-pixel-wide eye" } else { "the image" };
    text + &format!(
        "of synthetic: error over that of the row `synthetic`, draw by draw and repetition by repetition; better in: how\n\
         many of these pairs err less\n\
         shift, right, down: of landmarks under refinement, in pixels of {frame}; told apart from real images: 50 % is ideal\n"
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
