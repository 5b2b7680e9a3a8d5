//! Presents an [`Evaluation`] to people: tables as text, and a folder with a page, plots and pictures.

mod experiment;
mod folder;
mod layout;
mod page;
mod pictures;
mod plots;
mod tables;

use std::path::Path;

use candle_core::Tensor;
use simgan_models::Refiner;

pub use self::experiment::experiment_table;
pub use self::folder::check_folder;
pub use self::tables::{Table, conditions, tables};

use self::pictures::Case;
use crate::EvalError;
use crate::evaluation::{Evaluation, EvaluationData, Method, MethodKind, Watch, refine_images};

/// Images per row, in the grid and among the worst cases.
const COLUMNS: [usize; 2] = [8, 4];
/// Blocks of the grid; each has a row of synthetic, one of refined and one of real images.
const BLOCKS: usize = 2;
/// Number of worst cases shown.
const WORST: usize = 12;

/// A picture of the report, kept in memory: nothing is written until all pictures exist.
struct Picture {
    name: &'static str,
    title: &'static str,
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
    let rows = page::case_rows(cases, data);
    pictures.extend(worst.map(|(picture, _)| picture));
    folder::replace(folder, &page::page(title, found, &pictures, &rows), &pictures)
}

fn plots(found: &Evaluation, data: &EvaluationData) -> Result<Vec<Picture>, EvalError> {
    let truth = data.test().gazes();
    let picture = |name, title, caption: &str, drawing: plots::Drawing| Picture {
        name,
        title,
        caption: caption.to_owned(),
        png: drawing.png,
        svg: Some(drawing.svg),
    };
    let mut pictures = Vec::new();
    if !found.methods.is_empty() {
        let caption = "All repetitions together; the line is at 7 degrees.";
        let drawing = plots::error_curves(found, truth)?;
        pictures.push(picture("errors.png", "Cumulative error", caption, drawing));
    }
    if let Some(drawing) = plots::scatter(found, truth)? {
        let caption = "The first repetition of the networks trained on synthetic and on refined images.";
        pictures.push(picture("gaze.png", "True and predicted gaze", caption, drawing));
    }
    Ok(pictures)
}

/// Draws synthetic images, their refinements, and real images if there are any.
fn grid(data: &EvaluationData, refiner: &Refiner, watch: &mut Watch<'_>) -> Result<Picture, EvalError> {
    let probe = data.probe().images();
    let n_columns = COLUMNS[0].min(probe.dim(0)?);
    let mut rows = Vec::new();
    for block in 0..BLOCKS.min(probe.dim(0)? / n_columns) {
        let synthetic = probe.narrow(0, block * n_columns, n_columns)?;
        rows.push(synthetic.clone());
        rows.push(refine_images(refiner, &synthetic, watch)?);
        if let Some(real) = data.real() {
            rows.push(spread_over(real, block, BLOCKS, n_columns)?);
        }
    }
    Ok(Picture {
        name: "grid.png",
        title: "Synthetic, refined, real",
        caption: "From the top: synthetic images, the same refined, and real ones (any); then others."
            .to_owned(),
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
    let first = |kind| found.methods.get(&Method::once(kind)).and_then(|figures| figures.predicted.first());
    let Some((kind, predicted)) = kinds.into_iter().find_map(|kind| Some((kind, first(kind)?))) else {
        return Ok(None);
    };
    let cases = pictures::worst(predicted, data.test().gazes(), WORST);
    let caption = format!(
        "Test images on which the network trained on {kind} images errs most, row by row as listed below; green is the \
         true direction, red the predicted one, both from the image's middle."
    );
    let png = pictures::cases(data.test().images(), &cases, COLUMNS[1])?;
    Ok(Some((Picture { name: "worst.png", title: "Worst cases", caption, png, svg: None }, cases)))
}
