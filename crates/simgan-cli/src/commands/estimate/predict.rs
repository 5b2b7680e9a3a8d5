use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Result, bail};
use simgan_data::{Annotation, Hinted, Size, write_atomic};
use simgan_eval::{KeptEstimator, TaskKind, report};

use super::images::{Images, Seen, in_own_pixels};
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
    let precision = compute::precision("--precision", arguments.products.precision, &device)?;
    let kept = KeptEstimator::open(&arguments.model, &device)?.with_precision(precision);
    check_outputs(arguments)?;
    let images = Images::open(&arguments.sources, kept.about().crop, arguments.count, arguments.seed)?;
    if images.len() == 0 {
        bail!("there are no images");
    }
    let stop = interrupt::stop_flag()?;
    let shape = kept.shape();
    let seen_size = Size { width: shape.width, height: shape.height };
    let mut progress = Progress::new("predicting", images.len() as u64, "images");
    let mut found = Found::default();
    for start in (0..images.len()).step_by(AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            let (n_done, of) = (found.all.len(), images.len());
            let message = format!("interrupted after {n_done} of {of} images; no table was written");
            bail!(Hinted::new(message, "run the same command again, with a new folder for the pictures"));
        }
        let seen = images.read(&kept, start, (start + AT_ONCE).min(images.len()), &device)?;
        let predicted = kept.predict(&seen.inputs, &seen.eyes)?;
        for (idx, answer) in predicted.into_iter().enumerate() {
            let name = images.unique_name(&seen.names[idx], &arguments.sources, seen.places[idx]);
            let name = found.own_name(name);
            let truth = found.truth(&kept, &seen, idx);
            let in_own =
                |label: &Annotation| in_own_pixels(label, seen.sizes[idx], seen_size, kept.about().fit);
            let prediction = Prediction { name, answer: in_own(&answer), truth: truth.as_ref().map(in_own) };
            if let Some(folder) = &arguments.overlay {
                let (source, place) = (images.source(seen.places[idx]), seen.places[idx].1);
                overlay::write(folder, source, place, &kept, &prediction)?;
            }
            found.is_scaled |= seen.sizes[idx] != seen_size;
            found.all.push(prediction);
            found.pairs.extend(truth.map(|truth| (answer, truth)));
        }
        progress.update(found.all.len() as u64, "");
    }
    drop(progress);
    // The table comes first: whatever happens later, the predictions are not lost.
    let written = write(&kept, arguments.output.as_deref(), &found.all);
    found.tell(&kept);
    written
}

/// What was predicted, and how it compares with labels.
#[derive(Default)]
struct Found {
    all: Vec<Prediction>,
    names: BTreeSet<String>,
    /// Answers and labels of the labelled images, in the estimator's pixels.
    pairs: Vec<(Annotation, Annotation)>,
    /// Labels that do not suit the estimator, and why the first does not.
    n_unsuitable: usize,
    unsuitable: Option<String>,
    /// Whether an image has another size than the estimator's.
    is_scaled: bool,
}

impl Found {
    /// A name that no image before has: this one, or with a number behind it.
    fn own_name(&mut self, name: String) -> String {
        let numbered = (2_usize..).map(|number| format!("{name}#{number}"));
        let own = [name.clone()].into_iter().chain(numbered).find(|name| !self.names.contains(name));
        let own = own.unwrap_or(name);
        self.names.insert(own.clone());
        own
    }

    /// The label of an image, if it has one that suits; others are counted.
    fn truth(&mut self, kept: &KeptEstimator, seen: &Seen, idx: usize) -> Option<Annotation> {
        let label = kept.label(&seen.names[idx], &seen.annotations[idx], seen.classes[idx].as_ref());
        label.unwrap_or_else(|error| {
            self.n_unsuitable += 1;
            self.unsuitable.get_or_insert_with(|| error.to_string());
            None
        })
    }

    /// Tells the errors of the labelled images, and which labels were passed over.
    fn tell(&self, kept: &KeptEstimator) {
        let of = self.all.len();
        if let Some(first) = &self.unsuitable {
            let count = self.n_unsuitable;
            tracing::warn!(
                "{count} of {of} labels do not suit the estimator and are not compared; the first: {first}"
            );
        }
        if self.pairs.is_empty() {
            return;
        }
        let shape = kept.shape();
        let (answers, truths): (Vec<_>, Vec<_>) = self.pairs.iter().cloned().unzip();
        tell_errors(
            kept,
            &format!("at the estimator's {}x{} pixels", shape.width, shape.height),
            (&answers[..], &truths[..]),
            of,
        );
        if self.is_scaled && kept.task().spec().kind == TaskKind::Points {
            let own = |found: &Prediction| Some((found.answer.clone(), found.truth.clone()?));
            let (answers, truths): (Vec<_>, Vec<_>) = self.all.iter().filter_map(own).unzip();
            tell_errors(kept, "in the images' own pixels", (&answers[..], &truths[..]), of);
        }
    }
}

/// Checks the output paths before the work begins.
fn check_outputs(arguments: &EstimatePredictArguments) -> Result<()> {
    arguments.overlay.as_deref().map(check_empty).transpose()?;
    arguments.output.as_deref().map(check_around).transpose()?;
    Ok(())
}

/// Tells the errors of answers to labelled images; `at` says in which pixels, `of` of how many images.
fn tell_errors(kept: &KeptEstimator, at: &str, (answers, truths): (&[Annotation], &[Annotation]), of: usize) {
    let labelled = truths.len();
    match kept.task().errors(answers, truths) {
        Ok(errors) => {
            let told = report::in_words(kept.task(), &errors);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_told_apart() {
        let mut found = Found::default();
        let names =
            ["a.png", "b.png", "a.png", "a.png#2", "a.png"].map(|name| found.own_name(name.to_owned()));
        assert_eq!(names, ["a.png", "b.png", "a.png#2", "a.png#2#2", "a.png#3"]);
    }
}
