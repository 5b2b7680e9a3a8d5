//! `simgan refine`: refines every image of a source and keeps names and labels.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use simgan_data::{Crop, Fitted, FolderOptions, Found, Hinted, Sizes, SourceRequest, Target};
use simgan_refine::{MANIFEST_FILE, RefineInput, RefineModel, RefineSummary, Refinement};

use crate::arguments::RefineArguments;
use crate::commands::open_source;
use crate::console::{Progress, print};
use crate::failure::usage;
use crate::registry::registry;
use crate::{compute, interrupt, report};

/// Refines the images and prints a summary.
pub(crate) fn refine(arguments: &RefineArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let model = RefineModel::open(&arguments.model, &device)?;
    tracing::info!("refiner {}", model.folder().display());
    let input = open_input(arguments)?;
    let stop = interrupt::stop_flag()?;
    let n_images = input.n_images() as u64;
    let mut progress = Progress::new("refining", n_images, "images");
    let started = Instant::now();
    let refinement = Refinement {
        model: &model,
        input: &input,
        output: &arguments.output,
        batch: arguments.batch,
        on_error: arguments.on_error.into(),
    };
    let summary = refinement.run(&stop, &mut |summary| {
        progress.update(summary.done(), &format!("mean change {:.3}", summary.change));
    })?;
    drop(progress);
    odd_range(&summary).iter().for_each(|warning| tracing::warn!("{warning}"));
    if summary.interrupted {
        let message = format!("interrupted after {} of {n_images} images", summary.done());
        bail!(Hinted::new(message, "run the same command again to continue"));
    }
    print(&told(&summary, &arguments.output, started.elapsed().as_secs_f64()))
}

fn open_input(arguments: &RefineArguments) -> Result<RefineInput> {
    let RefineArguments { input: name, count, .. } = arguments;
    let registry = registry();
    let found = registry.find(name)?;
    let is_whole = arguments.size.is_none() && arguments.crop.is_none();
    let input = match found.path().map(Path::to_owned) {
        None if count.is_none() => {
            bail!(usage(format!("{name} never ends")).hint("say how many images with --count"));
        }
        None => RefineInput::simulator(name, open_source(name)?),
        Some(_) if is_whole && found.layout().is_image_folder() => {
            let options = FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() };
            RefineInput::of_folder(found.open_folder(&options)?)?
        }
        Some(path) => open_data_set(arguments, found, &path)?,
    };
    Ok(input.first(count.unwrap_or(usize::MAX)))
}

fn open_data_set(arguments: &RefineArguments, found: Found<'_>, path: &Path) -> Result<RefineInput> {
    let crop = arguments.crop.map_or(Crop::None, Crop::from);
    let on_error = arguments.on_error.into();
    let request =
        SourceRequest { sizes: Sizes::Mixed, crop, on_error, ..SourceRequest::new(&arguments.input) };
    let source = found.open(&request)?;
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

/// Says if the images' values do not suit the model's range.
fn odd_range(summary: &RefineSummary) -> Vec<String> {
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
    if let Some(used) = summary.used().filter(|used| *used < LITTLE_USED) {
        let percent = 100.0 * used;
        warnings.push(format!(
            "these images use {percent:.1} % of {range}, {min} to {max}: the model sees them as almost flat"
        ));
    }
    warnings
}

fn told(summary: &RefineSummary, output: &Path, elapsed_secs: f64) -> String {
    let RefineSummary { refined, already, skipped, label_files, .. } = *summary;
    let change = report::change(summary.change, summary.range);
    let mut text = format!("{refined} images refined, {change}\n{label_files} label files copied\n");
    if already > 0 {
        text.push_str(&format!("{already} of the images are from an earlier call\n"));
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
