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
mod earlier;
mod error;
mod film;
mod folder;
mod forward;
mod images;
mod input;
mod manifest;
mod model;
mod output;
mod pixels;
mod record;
mod single;
mod summary;
mod variants;
mod work;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde_json::Value;
use simgan_data::{Kept, KeptImage, OnError};
use simgan_models::Refiner;

pub use self::change::RangeUse;
pub use self::error::RefineError;
pub use self::film::FilmFrame;
pub use self::folder::{LabelPolicy, Resize};
pub use self::input::RefineInput;
pub use self::manifest::MANIFEST_FILE;
pub use self::model::RefineModel;
pub use self::single::RefinedImage;
pub use self::summary::RefineSummary;
pub use self::variants::{check_variants, variant_folder};

use self::manifest::{Entry, Header, Manifest};
use self::output::Output;
use self::record::{Record, recording};
use self::summary::CHANGE_UNITS;
use self::work::{Outcome, Work};

/// A job that refines the images of a [`RefineInput`] with a [`RefineModel`] into a folder.
///
/// Each image of a folder keeps its relative name, format, bit depth, channels and alpha. Every other file is
/// copied byte for byte: labels, masks, depth, whatever ([`RefineInput::census`] counts them); only hidden
/// files and junk are left. Where pixels move ([`RefineInput::resized`]), labels follow them. Samples of other data sets become PNG files, each with a JSON label beside it
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
        let is_new = !self.output.join(MANIFEST_FILE).exists();
        let result = self.go_on(stop, observe);
        if is_new && result.is_err() {
            manifest::forget_unused(self.output);
        }
        result
    }

    fn go_on(
        &self,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(&RefineSummary),
    ) -> Result<RefineSummary, RefineError> {
        self.input.images.check_labels()?;
        let output = Output::open(self.output, &*self.input.images)?;
        let (manifest, done) = Manifest::open(self.output, &self.header())?;
        // Only the holder of the manifest's lock may do this: another job's temporary files look the same.
        output.remove_leftovers()?;
        let mut summary = RefineSummary { range: self.model.range, ..RefineSummary::default() };
        let pending = self.pending(&output, &done, &mut summary)?;
        drop(done); // One entry an image: free it before the work begins.
        self.copy_rest(&output, stop, &mut summary)?;
        let was_cut = stop.load(Ordering::Relaxed); // perhaps before everything was copied
        observe(&summary);
        let work = Work {
            model: self.model,
            input: self.input,
            pending: &pending,
            batch: self.batch.max(1),
            on_error: self.on_error,
            stop,
        };
        let mut manifest = recording(&output, manifest, |record| {
            work.run(|outcome| {
                // After the images, so that an entry always stands for a complete one.
                record(self.write(&output, outcome, &mut summary)?)?;
                observe(&summary);
                Ok(())
            })
        })?;
        // A flag set after the last image interrupts nothing.
        let is_done = summary.done() >= self.input.n_images() as u64;
        summary.interrupted = was_cut || !is_done && stop.load(Ordering::Relaxed);
        if !summary.interrupted && !pending.is_empty() {
            manifest.append(&[finished(&summary)])?;
        }
        Ok(summary)
    }

    /// Copies the files that belong to no image: index files, masks, others.
    fn copy_rest(
        &self,
        output: &Output,
        stop: &AtomicBool,
        summary: &mut RefineSummary,
    ) -> Result<(), RefineError> {
        let images = &*self.input.images;
        let goes_on = || !stop.load(Ordering::Relaxed);
        let (labels, others, kept) = (images.index_files(), images.others(), images.kept());
        let labels: Result<Notes, _> = labels
            .par_iter()
            .filter(|_| goes_on())
            .map(|label| output.copy_label(images, label).map(|notes| (label.clone(), notes)))
            .collect();
        let notes = labels?;
        summary.label_files += notes.len() as u64;
        summary.add_notes(&notes);
        let others = others.par_iter().filter(|_| goes_on()).map(|file| output.copy(images, file));
        let kept = kept.par_iter().filter(|_| goes_on()).map(|image| output.copy_kept(images, image));
        let copied: Vec<Result<(), RefineError>> = others.chain(kept).collect();
        for result in copied {
            match (result, self.on_error) {
                (Ok(()), _) => summary.copied += 1,
                (Err(RefineError::Data(error)), OnError::Skip) => {
                    tracing::warn!("not copied: {error}");
                    summary.not_copied += 1;
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
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
            noise: self.model.refiner.takes_noise().then(|| self.model.noise.into()),
            precision: self.model.refiner.precision().to_string(),
        }
    }

    /// Copies the label files of an image; returns what was lost, by file.
    fn copy_labels(&self, output: &Output, index: usize) -> Result<Notes, RefineError> {
        let images = &*self.input.images;
        let labels = images.labels_of(index).into_iter();
        labels.map(|label| output.copy_label(images, &label).map(|notes| (label, notes))).collect()
    }

    /// Writes images and label files in parallel and returns what to record of them, in order.
    fn write(
        &self,
        output: &Output,
        outcome: Outcome,
        summary: &mut RefineSummary,
    ) -> Result<Record, RefineError> {
        let images = &*self.input.images;
        let jobs = match outcome {
            Outcome::Refined(jobs) => jobs,
            Outcome::Doubtful(index) => {
                let notes = self.copy_labels(output, index)?;
                summary.add_notes(&notes);
                output.copy_kept(images, &doubtful(images.path(index)))?;
                summary.doubt(images.name(index));
                summary.label_files += images.n_first_labels(index);
                return Ok(Record::of(Entry::Kept { image: images.name(index) }));
            }
            Outcome::Unreadable(index, error) => {
                tracing::warn!("skipped: {error}");
                match self.copy_labels(output, index) {
                    Ok(notes) => summary.add_notes(&notes),
                    // It follows pixels that cannot be read.
                    Err(RefineError::Data(error)) => {
                        tracing::warn!("label not copied: {error}");
                        summary.not_copied += 1;
                    }
                    Err(error) => return Err(error),
                }
                summary.skipped += 1;
                summary.label_files += images.n_first_labels(index);
                let (image, reason) = (images.name(index), error.to_string());
                return Ok(Record::of(Entry::Skipped { image, reason }));
            }
        };
        for (job, _, change) in &jobs {
            summary.add_use(&change.range_use);
            if let Some(lost) = job.input.file.lost() {
                *summary.lost.entry(lost).or_default() += 1;
            }
        }
        let written: Result<Vec<_>, RefineError> = jobs
            .into_par_iter()
            .map(|(job, image, change)| {
                let (path, notes) = (images.path(job.index), self.copy_labels(output, job.index)?);
                Ok((path, notes, output.write(self.input, job, image, change.mean)?))
            })
            .collect();
        let mut record = Record::default();
        for (path, notes, entry) in written? {
            summary.add_notes(&notes);
            summary.add(&entry, entry.label_files);
            record.images.push(path);
            record.entries.push(Entry::Refined(entry));
        }
        Ok(record)
    }
}

fn doubtful(path: PathBuf) -> KeptImage {
    KeptImage { path, why: Kept::FewValues }
}

/// What label files lost when they followed the pixels, by file.
type Notes = Vec<(PathBuf, Vec<String>)>;

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
