use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Result, bail};
use simgan_data::{Annotation, Hinted, Size, write_atomic};
use simgan_eval::KeptEstimator;
use simgan_eval::report;

use super::images::{Images, in_own_pixels};
use super::overlay;
use super::table::{self, Prediction};
use crate::arguments::EstimatePredictArguments;
use crate::commands::{check_around, check_empty};
use crate::console::{Progress, print};
use crate::{compute, interrupt};

/// Images read and predicted at once.
const AT_ONCE: usize = 256;

/// Predicts labels and prints or writes them.
pub(crate) fn predict(arguments: &EstimatePredictArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let kept = KeptEstimator::open(&arguments.model, &device)?;
    check_outputs(arguments)?;
    let images = Images::open(&arguments.sources, kept.about().crop, arguments.count, arguments.seed)?;
    if images.len() == 0 {
        bail!("there are no images");
    }
    let stop = interrupt::stop_flag()?;
    let shape = kept.shape();
    let seen_size = Size { width: shape.width, height: shape.height };
    let mut progress = Progress::new("predicting", images.len() as u64, "images");
    let (mut all, mut answers, mut truths) = (Vec::new(), Vec::new(), Vec::new());
    for start in (0..images.len()).step_by(AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            let message =
                format!("interrupted after {} of {} images; no table was written", all.len(), images.len());
            bail!(Hinted::new(message, "run the same command again, with a new folder for the pictures"));
        }
        let seen = images.read(&kept, start, (start + AT_ONCE).min(images.len()), &device)?;
        let predicted = kept.predict(&seen.inputs, &seen.eyes)?;
        for (idx, answer) in predicted.into_iter().enumerate() {
            let (name, own) = (seen.names[idx].clone(), seen.sizes[idx]);
            let truth = kept.label(&name, &seen.annotations[idx])?;
            let name = images.unique_name(&name, &arguments.sources, seen.places[idx]);
            let in_own = |label: &Annotation| in_own_pixels(label, own, seen_size, kept.about().fit);
            let prediction = Prediction { name, answer: in_own(&answer), truth: truth.as_ref().map(in_own) };
            if let Some(folder) = &arguments.overlay {
                overlay::write(
                    folder,
                    images.source(seen.places[idx]),
                    seen.places[idx].1,
                    kept.range(),
                    &prediction,
                )?;
            }
            all.push(prediction);
            if let Some(truth) = truth {
                answers.push(answer);
                truths.push(truth);
            }
        }
        progress.update(all.len() as u64, "");
    }
    drop(progress);
    // The table comes first: whatever happens later, the predictions are not lost.
    let written = write(&kept, arguments.output.as_deref(), &all);
    if !truths.is_empty() {
        tell_errors(&kept, &answers, &truths, all.len());
    }
    written
}

/// Checks the output paths before the work begins.
fn check_outputs(arguments: &EstimatePredictArguments) -> Result<()> {
    arguments.overlay.as_deref().map(check_empty).transpose()?;
    arguments.output.as_deref().map(check_around).transpose()?;
    Ok(())
}

/// Tells the errors of the labelled images, in the estimator's pixels.
fn tell_errors(kept: &KeptEstimator, answers: &[Annotation], truths: &[Annotation], of: usize) {
    let labelled = truths.len();
    match kept.task().errors(answers, truths) {
        Ok(errors) => {
            let told = report::in_words(kept.task(), &errors);
            let shape = kept.shape();
            let at = format!("at the estimator's {}x{} pixels", shape.width, shape.height);
            tracing::info!("{labelled} of {of} images are labelled; {at}: {told}");
        }
        Err(error) => {
            tracing::warn!("{labelled} of {of} images are labelled, but no error can be told: {error}");
        }
    }
}

/// Prints or writes the table.
fn write(kept: &KeptEstimator, path: Option<&Path>, all: &[Prediction]) -> Result<()> {
    let Some(path) = path else { return print(&table::csv(kept.task(), all)) };
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let text = if is_json { table::json(kept.task(), all) } else { table::csv(kept.task(), all) };
    Ok(write_atomic(path, text.as_bytes())?)
}
