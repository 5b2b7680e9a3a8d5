//! Runs a trained refiner over every image of a source, keeping names, formats and labels.
//!
//! A [`Refinement`] reads images from a [`RefineInput`] (a folder, another data set or a simulator), refines
//! them with a [`RefineModel`] (a run's refiner or one checkpoint's) and writes them to a folder. Deploying a
//! refiner takes this crate and no trainer.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use candle_core::Device;
//! use simgan_data::{Image, ImageFile, ImageFormat, OnError, Pixels};
//! use simgan_models::{Parameters, Refiner, RefinerConfig, save_refiner};
//! use simgan_refine::{RefineInput, RefineModel, Refinement};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (model, images) = (folder.path().join("model"), folder.path().join("images"));
//! # std::fs::create_dir(&model)?;
//! # std::fs::create_dir(&images)?;
//! # let parameters = Parameters::new(0, &Device::Cpu);
//! # let config = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };
//! # Refiner::new(&config, 1, parameters.var_builder())?;
//! save_refiner(&model, &config, 1, &parameters.tensors())?; // a checkpoint as training writes it
//! let image = Image::new(1, 3, 5, Pixels::U8((0..15).collect()));
//! ImageFile::new(image, ImageFormat::Png).save(&images.join("a.png"))?;
//!
//! let output = folder.path().join("refined");
//! let refinement = Refinement {
//!     model: &RefineModel::open(&model, &Device::Cpu)?,
//!     input: &RefineInput::folder(&images)?,
//!     output: &output,
//!     batch: 64,
//!     on_error: OnError::Fail,
//! };
//! let summary = refinement.run(&AtomicBool::new(false), &mut |_| {})?;
//! assert_eq!(summary.refined, 1);
//! assert!(output.join("a.png").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batches;
mod change;
mod error;
mod input;
mod manifest;
mod model;
mod output;
mod pixels;
mod work;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde_json::Value;
use simgan_data::{OnError, ValueRange};
use simgan_models::Refiner;

pub use self::change::RangeUse;
pub use self::error::RefineError;
pub use self::input::RefineInput;
pub use self::manifest::MANIFEST_FILE;
pub use self::model::RefineModel;

use self::manifest::{Done, Entry, Header, Manifest, Refined};
use self::output::Output;
use self::work::{Outcome, Work};

/// A job that refines the images of a [`RefineInput`] with a [`RefineModel`] into a folder.
///
/// Each image of a folder keeps its relative name, format, bit depth, channels and alpha; its label files are
/// copied unchanged. Samples of other data sets become PNG files, each with a JSON label beside it
/// ([`RefineInput::data_set`]). [`MANIFEST_FILE`] records the progress. Files appear whole or not at all, and
/// running an interrupted job again continues it.
///
/// A gray refiner keeps an RGB image's colours: it refines the luma and adds the change to all three
/// channels. A gray image under an RGB refiner gets the mean change of the three channels. Under a refiner
/// that was trained on a range of values ([`RefineModel::range`]), values keep their unit: each gets the
/// change, in this unit; those beyond the range too, those without a measurement not.
pub struct Refinement<'a> {
    /// The refiner.
    pub model: &'a RefineModel,
    /// The images.
    pub input: &'a RefineInput,
    /// The output folder: new, empty, or left by the same job when it was interrupted.
    pub output: &'a Path,
    /// Maximum number of images in one forward pass; large images go in smaller batches, and 0 counts as 1.
    pub batch: usize,
    /// Whether an unreadable image ends the job or is skipped.
    pub on_error: OnError,
}

/// Progress of a refinement. Counts include earlier calls unless stated otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RefineSummary {
    /// Images written.
    pub refined: u64,
    /// Images among `refined` that an earlier call wrote.
    pub already: u64,
    /// Images that this call could not read.
    pub skipped: u64,
    /// Label files of the written images and of the folder as a whole.
    pub label_files: u64,
    /// Mean over the written images of each image's mean |R(x) − x|, x in [−1, 1].
    pub change: f64,
    /// The model's range of values; `None` is the whole scale of each image's bit depth.
    pub range: Option<ValueRange>,
    /// How the values of the images of this call lie in the model's range.
    pub range_use: RangeUse,
    /// Images of this call of which more than 1 % of the values are beyond the range.
    pub n_beyond: u64,
    /// Whether the stop flag ended the job early.
    pub interrupted: bool,
    /// Sum of the images' changes in units of 2⁻⁴⁰. An integer sum does not depend on the order, so an
    /// interrupted job ends with the same mean as an uninterrupted one.
    change_sum: u128,
}

/// Fixed-point units per unit of change. Each image's change is rounded to them before it enters the
/// manifest, so that reading it back gives the same sum.
const CHANGE_UNITS: f64 = (1u64 << 40) as f64;

impl RefineSummary {
    /// Number of images that are refined or skipped.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.refined + self.skipped
    }

    fn add(&mut self, image: &Refined) {
        self.refined += 1;
        self.label_files += image.label_files;
        self.change_sum = self.change_sum.saturating_add((image.change * CHANGE_UNITS).round() as u128);
        self.change = self.change_sum as f64 / CHANGE_UNITS / self.refined as f64;
    }

    /// Adds how an image of this call lies in the range.
    fn add_use(&mut self, range_use: &RangeUse) {
        self.range_use.add(range_use);
        self.n_beyond += u64::from(range_use.is_beyond());
    }

    /// Fraction of the range that the images of this call use, from their smallest value to their largest;
    /// `None` if nothing was measured, or depths are mixed and there is no common range.
    #[must_use]
    pub fn used(&self) -> Option<f64> {
        let ([min, max], range) = (self.range_use.values?, self.range_use.range?);
        Some(f64::from(max - min) / f64::from(range.width()))
    }

    /// The mean change in the images' own unit; `None` without a range.
    #[must_use]
    pub fn change_in_units(&self) -> Option<f64> {
        self.range.map(|range| self.change * f64::from(range.width()) / 2.0)
    }
}

impl Refinement<'_> {
    /// Refines until every image is done or `stop` is set, calling `observe` with the progress after each
    /// batch.
    ///
    /// # Errors
    /// Fails on an unreadable image (unless skipped), a failed write, an input image that changed since it
    /// was refined, and an output folder that overlaps the input, holds other files or belongs to another
    /// job. Images written before the error stay valid.
    pub fn run(
        &self,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(&RefineSummary),
    ) -> Result<RefineSummary, RefineError> {
        let output = Output::open(self.output, self.input.images.root())?;
        let (mut manifest, done) = Manifest::open(self.output, &self.header())?;
        // Only the holder of the manifest's lock may do this: another job's temporary files look the same.
        output.remove_leftovers()?;
        let mut summary = RefineSummary { range: self.model.range, ..RefineSummary::default() };
        let pending = self.pending(&done, &mut summary)?;
        drop(done); // One entry an image: free it before the work begins.
        summary.label_files += output.copy_labels(self.input, self.input.images.index_files())?;
        observe(&summary);
        let work = Work {
            model: self.model,
            input: self.input,
            pending: &pending,
            batch: self.batch.max(1),
            on_error: self.on_error,
            stop,
        };
        work.run(|outcome| {
            let entries = self.write(&output, outcome, &mut summary)?;
            // After the images, so that an entry always stands for a complete one.
            manifest.append(&entries)?;
            observe(&summary);
            Ok(())
        })?;
        // A flag set after the last image interrupts nothing.
        summary.interrupted = summary.done() < self.input.n_images() as u64 && stop.load(Ordering::Relaxed);
        if !summary.interrupted && !pending.is_empty() {
            manifest.append(&[finished(&summary)])?;
        }
        Ok(summary)
    }

    fn header(&self) -> Header {
        Header {
            format: manifest::FORMAT.to_owned(),
            format_version: manifest::FORMAT_VERSION,
            program: concat!("simgan ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: std::path::absolute(&self.model.folder).unwrap_or_else(|_| self.model.folder.clone()),
            model_crc32c: self.model.crc32c.clone(),
            refiner: described(&self.model.refiner),
            input: self.input.name().to_owned(),
        }
    }

    /// Returns the images still to refine and adds the finished ones to `summary`, checking that their inputs
    /// have not changed.
    fn pending(&self, done: &Done, summary: &mut RefineSummary) -> Result<Vec<usize>, RefineError> {
        // An image whose output is gone is refined again.
        let earlier = |index: usize| match done.get(&self.input.images.name(index)) {
            Some(entry) if self.output.join(self.input.images.path(index)).exists() => {
                self.check_unchanged(index, entry).map(|()| Some(entry))
            }
            _ => Ok(None),
        };
        let earlier: Result<Vec<_>, _> = (0..self.input.n_images()).into_par_iter().map(earlier).collect();
        let mut pending = Vec::new();
        for (index, entry) in earlier?.into_iter().enumerate() {
            match entry {
                Some(entry) => summary.add(entry),
                None => pending.push(index),
            }
        }
        summary.already = summary.refined;
        Ok(pending)
    }

    fn check_unchanged(&self, index: usize, before: &Refined) -> Result<(), RefineError> {
        if before.input_crc32c == self.input.images.crc32c(index)? {
            return Ok(());
        }
        let path = self.input.images.path(index);
        let path = self.input.images.root().map_or(path.clone(), |root| root.join(&path));
        Err(RefineError::ChangedImage { path, what: "the image has changed" })
    }

    /// Writes images and label files in parallel and returns their manifest entries in order.
    fn write(
        &self,
        output: &Output,
        outcome: Outcome,
        summary: &mut RefineSummary,
    ) -> Result<Vec<Entry>, RefineError> {
        let jobs = match outcome {
            Outcome::Refined(jobs) => jobs,
            Outcome::Unreadable(index, error) => {
                tracing::warn!("skipped: {error}");
                summary.skipped += 1;
                return Ok(vec![Entry::Skipped {
                    image: self.input.images.name(index),
                    reason: error.to_string(),
                }]);
            }
        };
        jobs.iter().for_each(|(_, _, change)| summary.add_use(&change.range_use));
        let written: Result<Vec<Refined>, RefineError> = jobs
            .into_par_iter()
            .map(|(job, image, change)| output.write(self.input, job, image, change.mean))
            .collect();
        let written = written?;
        written.iter().for_each(|image| summary.add(image));
        Ok(written.into_iter().map(Entry::Refined).collect())
    }
}

/// The refiner's channels and config, as the manifest tells them.
fn described(refiner: &Refiner) -> Value {
    let mut told = serde_json::json!(refiner.config());
    told["channels"] = refiner.channels().into();
    told
}

fn finished(summary: &RefineSummary) -> Entry {
    Entry::Finished { refined: summary.refined, skipped: summary.skipped, label_files: summary.label_files }
}

#[cfg(test)]
mod tests;
