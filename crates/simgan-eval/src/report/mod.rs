//! Presents an [`Evaluation`] or an experiment to people: tables as text, and a page with plots and pictures.

mod experiment;
mod folder;
mod layout;
mod letters;
mod page;
mod pictures;
mod plots;
mod tables;
mod verdict;

use std::path::Path;

use candle_core::Tensor;
use simgan_models::{NoiseSource, Refiner};

pub use self::experiment::{experiment_table, write_experiment};
pub use self::folder::check_folder;
pub use self::pictures::overlay;
pub use self::tables::{Table, conditions, in_words, tables};
pub use self::verdict::{evaluation_verdict, experiment_verdict};

use self::pictures::Case;
use crate::evaluation::{Evaluation, EvaluationData, Method, MethodKind, Watch, refine_images};
use crate::{EvalError, LabelledImages, TaskKind};

/// Images per row, in the grid and among the worst cases.
const COLUMNS: [usize; 2] = [8, 4];
/// Blocks of the grid; each has a row of synthetic, one of refined and one of real images.
const BLOCKS: usize = 2;
/// Number of worst cases shown.
const WORST: usize = 12;

/// The name of a report's page.
const PAGE: &str = "index.html";

/// A picture of the report, kept in memory: nothing is written until all pictures exist.
struct Picture {
    name: &'static str,
    title: String,
    caption: String,
    png: Vec<u8>,
    /// The vector drawing that the page shows instead, if there is one.
    svg: Option<String>,
}

/// Writes the report: a self-contained `index.html`, and its pictures as PNG files beside it.
///
/// `title` names what was evaluated. The folder appears complete or not at all; it replaces an earlier
/// report.
///
/// # Errors
///
/// If the folder holds something else ([`check_folder`]), a picture cannot be drawn, or a file cannot be
/// written.
pub fn write(
    folder: &Path,
    title: &str,
    found: &Evaluation,
    data: &EvaluationData,
    refiner: &Refiner,
    watch: &mut Watch<'_>,
) -> Result<(), EvalError> {
    check_folder(folder)?;
    let mut pictures = plots(found, data)?;
    pictures.push(grid(data, refiner, watch)?);
    let worst = worst(found, data)?;
    let cases = worst.as_ref().map_or(&[][..], |(_, cases)| cases);
    let mut below = vec![page::case_rows(cases, data)];
    let refined = found.methods.get(&Method::once(MethodKind::Refined));
    below.extend(refined.and_then(|figures| tables::confusion(figures, &data.task().spec().classes)));
    pictures.extend(worst.map(|(picture, _)| picture));
    folder::replace(folder, &page::evaluation(title, found, &pictures, &below), &pictures)
}

fn plots(found: &Evaluation, data: &EvaluationData) -> Result<Vec<Picture>, EvalError> {
    let task = data.task();
    let picture = |name, title: String, caption: String, drawing: plots::Drawing| Picture {
        name,
        title,
        caption,
        png: drawing.png,
        svg: Some(drawing.svg),
    };
    let mut pictures = Vec::new();
    if let Some(curve) = task.curve().filter(|_| !found.methods.is_empty()) {
        let unit = task.measures().first().map_or("", |error| error.unit.name());
        let line = curve.threshold.map(|at| format!("; the line is at {at} {unit}")).unwrap_or_default();
        let drawing = plots::error_curves(found, task, curve)?;
        let caption = format!("All repetitions together{line}.");
        pictures.push(picture("errors.png", "Cumulative error".to_owned(), caption, drawing));
    }
    if let Some(drawing) = plots::scatter(found, task, data.test())? {
        let caption = "The first repetition of the networks trained on synthetic and on refined images.";
        let title = format!("True and predicted {}", task.spec().name);
        pictures.push(picture("scatter.png", title, caption.to_owned(), drawing));
    }
    for (name, kind) in
        [("confusion-synthetic.png", MethodKind::Synthetic), ("confusion.png", MethodKind::Refined)]
    {
        let Some(figures) = found.methods.get(&Method::once(kind)) else { continue };
        if let Some(drawing) = plots::confusion(figures, &task.spec().classes)? {
            let caption = format!("Networks trained on {kind} images, all repetitions together.");
            pictures.push(picture(name, format!("Confusion matrix, {kind}"), caption, drawing));
        }
    }
    Ok(pictures)
}

/// Draws synthetic images, the same with the refiner's tone if it has one, their refinements, and real images
/// if there are any.
fn grid(data: &EvaluationData, refiner: &Refiner, watch: &mut Watch<'_>) -> Result<Picture, EvalError> {
    let [probe, seen] = [data.probe(), data.seen_probe()].map(LabelledImages::images);
    let n_columns = COLUMNS[0].min(probe.dim(0)?);
    let mut rows = Vec::new();
    for block in 0..BLOCKS.min(probe.dim(0)? / n_columns) {
        let [synthetic, seen] = [probe, seen].map(|images| images.narrow(0, block * n_columns, n_columns));
        let seen = seen?;
        rows.push(synthetic?);
        rows.extend(data.is_toned().then(|| seen.clone()));
        rows.push(refine_images(refiner, &seen, NoiseSource::default(), watch)?);
        if let Some(real) = data.real() {
            rows.push(spread_over(real, block, BLOCKS, n_columns)?);
        }
    }
    let toned = if data.is_toned() { "the same with the tones of the refiner, " } else { "" };
    Ok(Picture {
        name: "grid.png",
        title: "Synthetic, refined, real".to_owned(),
        caption: format!(
            "From the top: synthetic images, {toned}the same refined, and real ones (any); then others."
        ),
        png: pictures::rows(&rows)?,
        svg: None,
    })
}

/// Selects `count` evenly spread images, different ones for each block.
fn spread_over(images: &Tensor, block: usize, blocks: usize, count: usize) -> Result<Tensor, EvalError> {
    let n_images = images.dim(0)?;
    let place = |idx: usize| ((idx * blocks + block) * n_images / (count * blocks)) as u32;
    let chosen: Vec<_> = (0..count).map(place).collect();
    Ok(images.index_select(&Tensor::new(chosen, images.device())?, 0)?)
}

/// Draws the cases on which the network trained on refined images errs most, or the one trained on synthetic
/// images if there is no other.
fn worst(found: &Evaluation, data: &EvaluationData) -> Result<Option<(Picture, Vec<Case>)>, EvalError> {
    let kinds = [MethodKind::Refined, MethodKind::Synthetic];
    let first = |kind| {
        let figures = found.methods.get(&Method::once(kind))?;
        Some((kind, figures.predicted.first()?, figures.runs.first()?))
    };
    let Some((kind, predicted, run)) = kinds.into_iter().find_map(first) else { return Ok(None) };
    let cases = pictures::worst(predicted, data.test().labels(), &run.errors.per_image, WORST);
    if cases.is_empty() {
        return Ok(None);
    }
    let how = match data.task().spec().kind {
        TaskKind::Direction => {
            "; green is the true direction, red the predicted one, both from the image's middle"
        }
        TaskKind::Points => "; green dots are the true points, red ones the predicted",
        TaskKind::Class | TaskKind::Vector => "",
    };
    let caption = format!(
        "Test images on which the network trained on {kind} images errs most, row by row as listed below{how}."
    );
    let png = pictures::cases(data.test().images(), &cases, COLUMNS[1])?;
    let title = "Worst cases".to_owned();
    Ok(Some((Picture { name: "worst.png", title, caption, png, svg: None }, cases)))
}
