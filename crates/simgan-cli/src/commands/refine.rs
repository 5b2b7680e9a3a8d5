//! `simgan refine`: refines every image of a source and keeps names and labels.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use simgan_data::{
    Census, Crop, Fit, Fitted, Folder, FolderOptions, Found, Hinted, Selection, Size, Sizes, SourceRequest,
    Target, Transform, printable_line,
};
use simgan_metrics::{Flicker, FlickerFigures};
use simgan_models::NoiseSource;
use simgan_refine::{
    FilmFrame, MANIFEST_FILE, RefineInput, RefineModel, RefineSummary, Refinement, Resize, check_variants,
    variant_folder,
};
use simgan_train::ToneKind;
use simgan_train::run_dir::config_of_run;

use crate::arguments::RefineArguments;
use crate::commands::open_source;
use crate::commands::trained::{run_of, untrained};
use crate::console::{Progress, print};
use crate::failure::{usage, usage_of};
use crate::registry::registry;
use crate::{compute, interrupt, report};

/// Refines the images and prints a summary.
pub(crate) fn refine(arguments: &RefineArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let precision = compute::precision("--precision", arguments.products.precision, &device)?;
    let model = RefineModel::open(&arguments.model, &device)?.with_precision(precision)?;
    tracing::info!("refiner {}", model.folder().display());
    if model.tone().is_some() {
        tracing::info!("images get the tone \"{}\" before it", ToneKind::of(model.tone()));
    }
    let run = run_of(&arguments.model, model.folder()).map(config_of_run).transpose()?;
    if let Some(untrained) = untrained(model.folder(), run.as_ref())? {
        tracing::warn!("{untrained}, so it copies its input");
    }
    let input = open_input(arguments)?;
    if arguments.sequence && input.films().is_empty() {
        let message = format!("{}: no film: no folder has two images", arguments.input);
        bail!(Hinted::new(message, "films are folders of frames, as simgan render --frames writes them"));
    }
    let stop = interrupt::stop_flag()?;
    let noise = NoiseSource { seed: arguments.seed, variant: 1, is_shared: arguments.sequence };
    let Some(variants) = arguments.variants else {
        let model = if model.refiner().takes_noise() { model.with_noise(noise)? } else { model };
        return refine_once(arguments, &model, &input, &arguments.output, &stop);
    };
    // Before anything is written.
    model.with_noise(noise)?;
    check_variants(&arguments.output)?;
    for variant in 1..=variants as u64 {
        let model = model.with_noise(NoiseSource { variant, ..noise })?;
        print(&format!("variant {variant} of {variants}\n"))?;
        let output = variant_folder(&arguments.output, variant);
        refine_once(arguments, &model, &input, &output, &stop)?;
    }
    Ok(())
}

/// Refines all images into one folder.
fn refine_once(
    arguments: &RefineArguments,
    model: &RefineModel,
    input: &RefineInput,
    output: &Path,
    stop: &AtomicBool,
) -> Result<()> {
    let n_images = input.n_images() as u64;
    let mut progress = Progress::new("refining", n_images, "images");
    let started = Instant::now();
    let refinement =
        Refinement { model, input, output, batch: arguments.batch, on_error: arguments.on_error.into() };
    let summary = refinement.run(stop, &mut |summary| {
        progress.update(summary.done(), &format!("mean change {:.3}", summary.change));
    })?;
    drop(progress);
    odd_range(&summary, model.tone().is_some()).iter().for_each(|warning| tracing::warn!("{warning}"));
    if summary.interrupted {
        let message = format!("interrupted after {} of {n_images} images", summary.done());
        bail!(Hinted::new(message, "run the same command again to continue"));
    }
    let elapsed_secs = started.elapsed().as_secs_f64();
    let flicker = if arguments.sequence { flicker_text(&refinement)? } else { String::new() };
    let census = input.census().unwrap_or_default();
    let cropped = cropped(input, arguments.size);
    print(&(text(&summary, &census, arguments, output, elapsed_secs) + &cropped + &flicker))
}

/// Says how the films flicker, before and after.
fn flicker_text(refinement: &Refinement<'_>) -> Result<String> {
    let mut flicker = Flicker::default();
    for frame in refinement.film_frames() {
        let FilmFrame { is_first, rendered, refined } = frame?;
        if is_first {
            flicker.cut();
        }
        flicker.add(&rendered, &refined)?;
    }
    let Some(figures) = flicker.figures() else {
        return Ok("flicker: not measured, no film has three frames\n".to_owned());
    };
    let FlickerFigures { rendered, refined, added, n_frames } = figures;
    Ok(format!(
        "flicker {refined:.4}, {:.2} times the {rendered:.4} of the {n_frames} frames before; {:.0} % of the \
         change between frames is added\n",
        figures.ratio(),
        100.0 * added
    ))
}

fn open_input(arguments: &RefineArguments) -> Result<RefineInput> {
    let RefineArguments { input: name, count, images, exclude, .. } = arguments;
    let selection = Selection::new(images, exclude).map_err(|error| usage_of(&error))?;
    let registry = registry();
    let found = registry.find(name)?;
    let is_folder = arguments.crop.is_none() && found.layout().is_image_folder();
    let chooses = !images.is_empty() || !exclude.is_empty();
    if chooses && !is_folder {
        bail!(usage(
            "--images and --exclude choose among the files of a folder of images, which is not cropped"
        ));
    }
    let input = match found.path().map(Path::to_owned) {
        None if count.is_none() => {
            bail!(usage(format!("{name} never ends")).hint("say how many images with --count"));
        }
        None => RefineInput::simulator(name, open_source(name)?),
        Some(_) if is_folder => {
            let options = FolderOptions { sizes: Sizes::Mixed, selection, ..FolderOptions::default() };
            let input = open_folder(arguments, found.open_folder(&options)?)?;
            match chooses {
                true => input.chosen_by(&format!("images {images:?}, exclude {exclude:?}")),
                false => input,
            }
        }
        Some(path) => open_data_set(arguments, found, &path)?,
    };
    Ok(input.first(count.unwrap_or(usize::MAX)))
}

fn open_folder(arguments: &RefineArguments, folder: Folder) -> Result<RefineInput> {
    let resize = |size| Resize { size, fit: Fit::default(), labels: arguments.labels.into() };
    Ok(match arguments.size {
        Some(size) => RefineInput::resized(folder, resize(size))?,
        None => RefineInput::of_folder(folder)?,
    })
}

fn open_data_set(arguments: &RefineArguments, found: Found<'_>, path: &Path) -> Result<RefineInput> {
    let crop = arguments.crop.map_or(Crop::None, Crop::from);
    let on_error = arguments.on_error.into();
    let request =
        SourceRequest { sizes: Sizes::Mixed, crop, on_error, ..SourceRequest::new(&arguments.input) };
    let source = found.open(&request)?;
    let is_cropped = |size| Transform::resize(source.spec().size(), size, Fit::default()).crops();
    if let Some(size) = arguments.size.filter(|size| is_cropped(*size)) {
        tracing::info!("images of {} are cropped at two sides to the shape of {size}", source.spec().size());
    }
    let target = Target { size: arguments.size, ..Target::default() };
    let mut name = path.canonicalize().with_context(|| path.display().to_string())?.display().to_string();
    // The manifest records this name: an output folder made with another crop or size is not continued.
    if crop != Crop::None {
        name += &format!(", crop {crop:?}");
    }
    if let Some(size) = arguments.size {
        name += &format!(", at {size}");
    }
    Ok(RefineInput::data_set(&name, Arc::new(Fitted::new(source, target)))?)
}

/// Less of the model's range in use than this is worth a warning.
const LITTLE_USED: f64 = 0.05;

/// Says if the images' values do not suit the model's range. A tone spreads values that use little of it.
fn odd_range(summary: &RefineSummary, is_toned: bool) -> Vec<String> {
    let RefineSummary { range_use, range, n_beyond, .. } = summary;
    let Some([min, max]) = range_use.values else { return Vec::new() };
    let range = range.or(range_use.range).map_or("the whole scale".to_owned(), |range| format!("{range}"));
    let mut warnings = Vec::new();
    if range_use.inside() < 0.5 {
        let percent = 100.0 * range_use.inside();
        warnings.push(format!(
            "the model was trained on values of {range}, which contains {percent:.0} % of these images' values, \
             {min} to {max}: train on images in the same unit"
        ));
    } else if *n_beyond > 0 {
        warnings.push(format!(
            "in {n_beyond} images, more than 1 % of the values are beyond {range}, on which the model was trained"
        ));
    }
    if let Some(used) = summary.used().filter(|used| *used < LITTLE_USED && !is_toned) {
        let percent = 100.0 * used;
        warnings.push(format!(
            "these images use {percent:.1} % of {range}, {min} to {max}: the model sees them as almost flat"
        ));
    }
    warnings
}

fn text(
    summary: &RefineSummary,
    census: &Census,
    arguments: &RefineArguments,
    output: &Path,
    elapsed_secs: f64,
) -> String {
    let RefineSummary { refined, already, skipped, label_files, doubtful, mended, .. } = *summary;
    let change = report::change(summary.change, summary.range);
    let mut text = format!("{refined} images refined, {change}\n");
    if summary.range_use.n_holes > 0 {
        let percent = 100.0 * summary.range_use.holes();
        text.push_str(&format!(
            "{percent:.2} % of the measured values are missing now, as 0 (refiner.holes)\n"
        ));
    }
    text.push_str(&format!("{label_files} label files copied\n"));
    // Masks follow the images' new size.
    let how = if arguments.size.is_some() { "copied, masks resized" } else { "copied unchanged" };
    for line in census.lines() {
        text.push_str(&format!("{how}: {}\n", printable_line(&line)));
    }
    if doubtful > 0 {
        text.push_str(&format!("{how}: {doubtful} images with a palette or at most 8 values\n"));
        text.push_str(&told(&summary.first_doubtful, doubtful));
        text.push_str("  they look like masks; --images GLOB names images to refine all the same\n");
    }
    for line in census.left_out() {
        text.push_str(&format!("left out: {}\n", printable_line(&line)));
    }
    if summary.not_copied > 0 {
        text.push_str(&format!("{} files could not be copied, see the warnings\n", summary.not_copied));
    }
    if summary.n_noted > 0 {
        text.push_str(&format!("{} label files lost something:\n", summary.n_noted));
        text.push_str(&told(&summary.notes, summary.n_noted));
    }
    for (what, n) in &summary.lost {
        text.push_str(&format!("{n} images are written without their {what}\n"));
    }
    if already > 0 {
        text.push_str(&format!("{already} of the images are from an earlier call\n"));
    }
    if mended > 0 {
        text.push_str(&format!("{mended} damaged or changed outputs refined again\n"));
    }
    if skipped > 0 {
        text.push_str(&format!("{skipped} images skipped, see {}\n", output.join(MANIFEST_FILE).display()));
    }
    if refined > already {
        let rate = (refined - already) as f64 / elapsed_secs;
        text.push_str(&format!("{elapsed_secs:.1} s, {rate:.0} images/s\n"));
    }
    text + &format!("output {}\n", output.display())
}

/// Says if resizing cut off something.
fn cropped(input: &RefineInput, size: Option<Size>) -> String {
    match (size, input.n_cropped()) {
        (None, _) | (_, 0) => String::new(),
        (Some(size), n) => format!("{n} images were cropped at two sides to the shape of {size}\n"),
    }
}

/// Formats some of `n` names, one a line.
fn told(names: &[String], n: u64) -> String {
    let mut text: String = names.iter().map(|name| format!("  {}\n", printable_line(name))).collect();
    let more = n.saturating_sub(names.len() as u64);
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}
