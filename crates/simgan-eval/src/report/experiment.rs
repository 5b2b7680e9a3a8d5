use std::path::Path;

use simgan_data::names::GAZE;
use simgan_data::{read_regular, write_atomic};
use simgan_metrics::Spread;
use simgan_train::run_dir::SAMPLES_DIR;

use super::page::Page;
use super::tables::{Table, error_head, figure, method_name, percent, shown, spread, testing, training};
use super::verdict::experiment_verdict;
use super::{PAGE, Picture, plots};
use crate::evaluation::{Method, MethodKind};
use crate::experiment::{Comparison, ExperimentResults, ExperimentRow, Refinement, draw_folder};
use crate::{EvalError, Measure};

/// Marks a page as ours.
const MARK: &str = "<meta name=\"generator\" content=\"simgan experiment\">";
/// Largest sample grid that a page shows.
const MAX_SAMPLES: u64 = 8 << 20;

/// Writes an experiment's page, `index.html`, into its folder: the table, the verdict, every repetition's error as a
/// picture and as a table, and the last sample grid of each variant's first draw.
///
/// # Errors
///
/// If the picture cannot be drawn or the page cannot be written.
pub fn write_experiment(folder: &Path, title: &str, found: &ExperimentResults) -> Result<(), EvalError> {
    let table = experiment_table(found);
    let mut page = Page::new(title, MARK, &sources(found));
    page.table(&table);
    page.verdict(&experiment_verdict(found, usize::MAX));
    let rows: Vec<_> =
        found.rows.iter().map(|row| (row_name(row), row.method.kind, scaled(found, row).concat())).collect();
    if let Some(drawing) = plots::row_errors(&rows, &error_head(&found.data.task))? {
        page.picture(&Picture {
            name: "errors.png",
            title: "Every repetition".to_owned(),
            caption: "A dot is the mean error of one network on the test images.".to_owned(),
            png: drawing.png,
            svg: Some(drawing.svg),
        });
    }
    page.heading("Pair by pair");
    page.table(&pairs(found));
    for variant in &found.experiment.variants {
        if let Some(picture) = samples(folder, &variant.name, &variant.settings) {
            page.picture(&picture);
        }
    }
    Ok(write_atomic(&folder.join(PAGE), page.finish().as_bytes())?)
}

/// Says what was refined, what it should look like, and what was tested on.
fn sources(found: &ExperimentResults) -> String {
    let (data, test) = (&found.experiment.training.data, &found.experiment.test);
    let [synthetic, real, test] = [&data.synthetic, &data.real, test].map(|names| names.join(", "));
    format!("synthetic: {synthetic}\nreal: {real}\ntested on: {test}\n")
}

/// A row's errors in the unit that tables show.
fn scaled(found: &ExperimentResults, row: &ExperimentRow) -> Vec<Vec<f64>> {
    let scale = found.data.task.task().measures().first().map_or(1.0, |error| error.unit.scale());
    row.errors.iter().map(|errors| errors.iter().map(|error| error * scale).collect()).collect()
}

/// The error of every repetition: a column for each pair of draw and repetition.
fn pairs(found: &ExperimentResults) -> Table {
    let n_draws = found.rows.iter().map(|row| row.errors.len()).max().unwrap_or(0);
    let n_runs = |draw: usize| found.rows.iter().filter_map(|row| Some(row.errors.get(draw)?.len())).max();
    let places: Vec<[usize; 2]> =
        (0..n_draws).flat_map(|draw| (0..n_runs(draw).unwrap_or(0)).map(move |run| [draw, run])).collect();
    let column = |[draw, run]: &[usize; 2]| format!("draw {}, {}", draw + 1, run + 1);
    let mut table = Table::new([error_head(&found.data.task)].into_iter().chain(places.iter().map(column)));
    let digits = found.data.task.task().measures().first().map_or(2, |error| error.unit.digits());
    for row in found.rows.iter().filter(|row| !row.errors.is_empty()) {
        let errors = scaled(found, row);
        let cell = |[draw, run]: &[usize; 2]| {
            let error = errors.get(*draw).and_then(|draw| draw.get(*run));
            error.map(|error| format!("{error:.digits$}")).unwrap_or_default()
        };
        table.push([row_name(row)].into_iter().chain(places.iter().map(cell)));
    }
    table.note =
        "Each column is one draw and one repetition: its rows share renders, seeds and test images.\n".into();
    table
}

/// The last sample grid that a variant wrote in the first draw; `None` if it wrote none that can be read.
fn samples(folder: &Path, variant: &str, settings: &[String]) -> Option<Picture> {
    let folder = draw_folder(folder, 0).join(variant).join(SAMPLES_DIR);
    let names =
        std::fs::read_dir(&folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    // Steps have as many digits each.
    let last = names.filter(|name| name.starts_with("step-") && name.ends_with(".png")).max()?;
    let png = read_regular(&folder.join(&last), MAX_SAMPLES).ok()?;
    let settings =
        if settings.is_empty() { String::new() } else { format!(", with {}", settings.join(", ")) };
    Some(Picture {
        name: "samples.png",
        title: format!("Samples: {variant}"),
        caption: format!(
            "From the top: synthetic images, the same refined at the end of the first draw{settings}, the difference (gray is \
             none), and real images (any)."
        ),
        png,
        svg: None,
    })
}

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
        "of synthetic: error over that of the row `synthetic`, draw by draw and repetition by repetition; better in: how \
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
