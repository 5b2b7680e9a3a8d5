use std::path::PathBuf;

use clap::{Args, ValueEnum};
use simgan_data::Size;

use super::{Compute, positive};

/// Refine every image of a source, keeping names, formats and label files.
///
/// Each image keeps its relative name, format, bit depth and channels. Label files are copied unchanged, and
/// refined.jsonl in the output folder records what was done. Any image size works. Run again after an
/// interruption, the same command continues. Images of packed data sets and of MPIIGaze, and all images with
/// --crop or --size, become NAME.png with NAME.json.
#[derive(Args, Debug)]
pub(crate) struct RefineArguments {
    /// A run (its best checkpoint, else its last) or the folder of one checkpoint.
    #[arg(long, value_name = "RUN|CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// What to refine: a folder of images, a packed data set, MPIIGaze's folder, or a simulator such as builtin:eyes.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) input: String,
    /// Crop of UnityEyes' renders before refining; use the training run's data.crop [default: none].
    #[arg(long, value_name = "WHAT")]
    pub(crate) crop: Option<EyeCrop>,
    /// Width and height in pixels to scale images to before refining; use the training run's data.size
    /// [default: unchanged].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// A new or empty folder, or the output folder of an interrupted run to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// How to handle an image that cannot be read.
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub(crate) on_error: Unreadable,
    /// Maximum number of images per forward pass; large images go in smaller batches.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) batch: usize,
    /// Refine only the first N images; required for simulators, which never end.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) count: Option<usize>,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// Region of UnityEyes' renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EyeCrop {
    /// 140x84 pixels around the lids, out of 640x480.
    Fixed,
    /// A region 1.5 times as wide as the eye.
    EyeWidth,
}

impl From<EyeCrop> for simgan_data::Crop {
    fn from(crop: EyeCrop) -> Self {
        match crop {
            EyeCrop::Fixed => Self::Fixed,
            EyeCrop::EyeWidth => Self::EyeWidth,
        }
    }
}

/// How to handle an image that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unreadable {
    /// Stop with an error that names it.
    Fail,
    /// Leave it out, then count and report it.
    Skip,
}

impl From<Unreadable> for simgan_data::OnError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Fail => Self::Fail,
            Unreadable::Skip => Self::Skip,
        }
    }
}
