//! `cargo xtask preprocess`: packs a published data set into one file.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

#[cfg(test)]
mod tests;

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use simgan_data::{
    Crop, DataError, Fit, Fitted, Folder, FolderOptions, Hint, MpiiGaze, MpiiGazeOptions, OnError,
    PackOptions, PackReport, Persons, Size, Sizes, Source, Subset, Target, UnityEyes, UnityEyesOptions,
    probe_evenly,
};

use crate::failure::hinted;
use crate::{SIMGAN, fetch, progress};

/// The data set to pack, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// The kind of data set
    name: Name,
    /// Folder of the data set [default: data/raw/NAME]
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// File to write [default: data/packed/NAME.safetensors]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Size of the packed images, WIDTHxHEIGHT in pixels; `source` keeps each image's size
    #[arg(long, value_name = "WxH", default_value = "55x35")]
    size: String,
    /// How to bring images to that size: scale to cover it and crop, or stretch
    #[arg(long, default_value = "cover")]
    fit: FitChoice,
    /// Channels: 1 packs gray images, 3 RGB [default: 1; for `folder`, 3 if an image is RGB]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
    channels: Option<u8>,
    /// Region to crop from UnityEyes' renders
    #[arg(long, default_value = "fixed")]
    crop: CropChoice,
    /// Pack only MPIIGaze's evaluation subset
    #[arg(long)]
    evaluation_subset: bool,
    /// Pack only these persons of MPIIGaze, comma-separated
    #[arg(long, value_name = "PERSON", value_delimiter = ',')]
    persons: Vec<String>,
    /// Leave out these persons of MPIIGaze, comma-separated
    #[arg(long, value_name = "PERSON", value_delimiter = ',', conflicts_with = "persons")]
    except_persons: Vec<String>,
    /// Pack only the first N samples
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Decoder threads, 0 for one per core; the file does not depend on their number
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Leave out and report images that cannot be read, instead of stopping
    #[arg(long)]
    skip_errors: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// MPIIGaze's folder with Data/Normalized
    Mpiigaze,
    /// UnityEyes' pairs N.jpg and N.json, or the output of `simgan render`
    Unityeyes,
    /// Any folder of images
    Folder,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FitChoice {
    Cover,
    Stretch,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CropChoice {
    /// The whole render
    None,
    /// 140×84 pixels around the lid margin, out of 640×480
    Fixed,
    /// 1.5 times as wide as the eye, with a height of 3/5 of that width
    EyeWidth,
}

/// Bytes of decoded MPIIGaze days to keep in memory. Few suffice, because packing reads in order.
const MPIIGAZE_MEMORY: usize = 32 << 20;

/// Maximum number of headers read to choose the channels.
const MOST_HEADERS: usize = 1000;

/// Maximum number of left-out images to name.
const SHOWN: usize = 20;

/// Packs a data set and prints a summary.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let output = arguments.output(root);
    let report = make(root, arguments, &output)?;
    for error in report.skipped.iter().take(SHOWN) {
        eprintln!("left out: {error}");
    }
    if report.skipped.len() > SHOWN {
        eprintln!("left out: {} more", report.skipped.len() - SHOWN);
    }
    let resumed = match report.n_resumed {
        0 => String::new(),
        n => format!(", {n} of them by an earlier, interrupted job"),
    };
    let (file, n, n_left_out) = (output.display(), report.n_packed, report.skipped.len());
    let sources = match arguments.name {
        Name::Unityeyes => format!("--synthetic {file} --real DIR"),
        _ => format!("--synthetic DIR --real {file}"),
    };
    eprintln!("next: {SIMGAN} train {sources}");
    let images = if n == 1 { "image" } else { "images" };
    // `println!` would panic if the pipe is closed; this returns an error.
    writeln!(std::io::stdout(), "{file}: {n} {images}{resumed}, {n_left_out} left out")
        .context("standard output")?;
    Ok(())
}

fn make(root: &Path, arguments: &Arguments, output: &Path) -> anyhow::Result<PackReport> {
    let from = arguments.from(root);
    arguments.check_paths(&from, output)?;
    let open = |arguments: &Arguments| {
        arguments.open(&from).map_err(|error| match error {
            DataError::Damaged { .. } if !arguments.skip_errors => explain(error, &from),
            error => error.into(),
        })
    };
    let arguments = &arguments.with_channels(open)?;
    let (source, damaged) = open(arguments)?;
    let source = Fitted::new(source, arguments.target()?);
    if let Some(folder) = output.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let limit = arguments.limit.map(NonZeroUsize::get);
    let options = PackOptions { source: arguments.describe(), on_error: arguments.on_error(), limit };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    let bar = progress::images("packing", 0);
    let packed = pool.install(|| {
        simgan_data::pack(&source, output, &options, &mut |n_done, n_samples| {
            bar.set_length(n_samples as u64);
            bar.set_position(n_done as u64);
        })
    });
    bar.finish_and_clear();
    let mut report = packed.map_err(|error| explain(error, &from))?;
    report.skipped.splice(0..0, damaged);
    Ok(report)
}

/// Adds a hint to leave out a bad sample, or to continue after a failed write.
fn explain(error: DataError, from: &Path) -> anyhow::Error {
    let is_about_a_sample = match &error {
        DataError::Image { .. } | DataError::Label { .. } | DataError::Stale { .. } => true,
        DataError::Partner { .. } | DataError::Damaged { .. } => true,
        DataError::Io { path, source } if !path.starts_with(from) => return fetch::written(path, source),
        DataError::Io { .. } => true,
        _ => false,
    };
    if !is_about_a_sample {
        return error.into();
    }
    let hint = Hint::any_of([Hint::advice("repair or remove it"), Hint::SkipUnreadable]);
    hinted(error.to_string(), hint)
}

impl Arguments {
    fn from(&self, root: &Path) -> PathBuf {
        self.from.clone().unwrap_or_else(|| root.join("data/raw").join(self.name()))
    }

    fn output(&self, root: &Path) -> PathBuf {
        let default = || root.join("data/packed").join(format!("{}.safetensors", self.name()));
        self.output.clone().unwrap_or_else(default)
    }

    fn check_paths(&self, from: &Path, output: &Path) -> anyhow::Result<()> {
        if self.from.is_none() && !from.exists() {
            let give = Hint::advice("give its folder with --from DIR");
            let hint = match self.name {
                Name::Folder => give,
                _ => Hint::any_of([Hint::Fetch(self.name()), give]),
            };
            anyhow::bail!(hinted(format!("{}: no such folder", from.display()), hint));
        }
        if from.exists() && !from.is_dir() {
            let message = format!("{}: not a folder", from.display());
            anyhow::bail!(hinted(message, "give the folder that holds the data"));
        }
        if output.is_dir() {
            let message = format!("{}: a folder", output.display());
            anyhow::bail!(hinted(message, "--output names the file to make"));
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        match self.name {
            Name::Mpiigaze => "mpiigaze",
            Name::Unityeyes => "unityeyes",
            Name::Folder => "folder",
        }
    }

    fn on_error(&self) -> OnError {
        if self.skip_errors { OnError::Skip } else { OnError::Fail }
    }

    /// Opens the data set; also returns the errors of whole files that it leaves out.
    fn open(&self, from: &Path) -> Result<(Arc<dyn Source>, Vec<String>), DataError> {
        let channels = self.channels.map(usize::from);
        let source: Arc<dyn Source> = match self.name {
            Name::Mpiigaze => {
                let persons = match (&self.persons[..], &self.except_persons[..]) {
                    ([], []) => Persons::All,
                    ([], except) => Persons::Except(except.to_vec()),
                    (only, _) => Persons::Only(only.to_vec()),
                };
                let subset = if self.evaluation_subset { Subset::Evaluation } else { Subset::All };
                let on_error = self.on_error();
                let options = MpiiGazeOptions { persons, subset, memory: MPIIGAZE_MEMORY, on_error };
                let eyes = MpiiGaze::open(from, &options)?;
                let damaged = eyes.skipped().iter().map(ToString::to_string).collect();
                return Ok((Arc::new(eyes), damaged));
            }
            Name::Unityeyes => {
                Arc::new(UnityEyes::open(from, UnityEyesOptions { crop: self.crop(), channels })?)
            }
            Name::Folder => {
                // Gray beside RGB is no reason to refuse while the channels are being chosen.
                let is_same = self.size == "source" && channels.is_some();
                let sizes = if is_same { Sizes::Same } else { Sizes::Mixed };
                Arc::new(Folder::open(from, &FolderOptions { sizes, channels, ..FolderOptions::default() })?)
            }
        };
        Ok((source, Vec::new()))
    }

    fn crop(&self) -> Crop {
        match self.crop {
            CropChoice::None => Crop::None,
            CropChoice::Fixed => Crop::Fixed,
            CropChoice::EyeWidth => Crop::EyeWidth,
        }
    }

    fn target(&self) -> anyhow::Result<Target> {
        anyhow::ensure!(self.channels != Some(2), hinted("2 channels", "1 packs gray images, 3 RGB"));
        let size: Option<Size> = if self.size == "source" { None } else { Some(self.size.parse()?) };
        let fit = match self.fit {
            FitChoice::Cover => Fit::Cover,
            FitChoice::Stretch => Fit::Stretch,
        };
        Ok(Target { size, fit, channels: self.channels.map(usize::from), range: None })
    }

    /// Sets the channels if none were given: gray, except for a folder with RGB images.
    fn with_channels(
        &self,
        open: impl FnOnce(&Self) -> anyhow::Result<(Arc<dyn Source>, Vec<String>)>,
    ) -> anyhow::Result<Self> {
        let is_open = self.name == Name::Folder && self.channels.is_none();
        let has_colour = |source: &dyn Source| {
            probe_evenly(source, MOST_HEADERS).iter().any(|(_, spec)| spec.channels == 3)
        };
        let chosen = if is_open && has_colour(&*open(self)?.0) { 3 } else { 1 };
        Ok(Self { channels: Some(self.channels.unwrap_or(chosen)), ..self.clone() })
    }

    /// Describes everything the packed values depend on, except the data's location.
    fn describe(&self) -> String {
        let Self { size, fit, crop, .. } = self;
        let channels = self.channels.unwrap_or(1);
        let mut text = format!("{} size={size} fit={fit:?} channels={channels}", self.name());
        match self.name {
            Name::Unityeyes => text += &format!(" crop={crop:?}"),
            Name::Mpiigaze => {
                let (only, except, subset) = (&self.persons, &self.except_persons, self.evaluation_subset);
                text += &format!(" persons={only:?} except={except:?} evaluation_subset={subset}");
            }
            Name::Folder => {}
        }
        text
    }
}
