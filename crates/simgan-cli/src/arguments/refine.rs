use std::path::PathBuf;

use clap::{Args, ValueEnum};
use simgan_data::Size;

use super::{Compute, Products, positive};

/// Refine every image of a source, keeping names, formats and label files.
///
/// Each image keeps its relative name, format, bit depth and channels. Every other file is copied byte for byte:
/// labels, masks, depth, formats that are not read; only hidden files and what systems leave in folders are not.
/// Images that are masks, depth or normals by their usual names (mask/, *_mask.png, semantic_segmentation_*, ...)
/// or have a palette or at most 8 values, among photographs, are copied too; --images names them to refine them.
/// With --size, labels follow the pixels and masks are resized without mixing their values.
///
/// refined.jsonl in the output folder records what was done. Run again, the same command continues: it copies
/// labels that have changed and refines again what is missing or damaged. Images of packed data sets and of
/// MPIIGaze, and all images with --crop, become NAME.png with NAME.json.
///
/// A refiner with noise gives an image another refined image with each --seed and with each of --variants.
///
/// Exit status: 0 if every image is refined, copied or, with --on-error skip, skipped and counted; 1 if the job
/// failed or was interrupted (run it again to continue); 2 for wrong usage.
#[derive(Args, Debug)]
pub(crate) struct RefineArguments {
    /// A run (its best checkpoint, else its last) or the folder of one checkpoint.
    #[arg(long, value_name = "RUN|CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// What to refine: a folder of images, a packed data set, MPIIGaze's folder, or a simulator such as builtin:eyes.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) input: String,
    /// Refine only the images that GLOB matches, whatever they look like; the others are copied. A GLOB without a
    /// slash is compared with names, one with a slash with paths below the folder; repeatable.
    #[arg(long, value_name = "GLOB")]
    pub(crate) images: Vec<String>,
    /// Copy the images that GLOB matches instead of refining them; repeatable.
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Crop of UnityEyes' renders before refining; use the training run's data.crop [default: none].
    #[arg(long, value_name = "WHAT")]
    pub(crate) crop: Option<EyeCrop>,
    /// Width and height in pixels to scale images to before refining; use the training run's data.size
    /// [default: unchanged].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// What becomes of label files when --size moves the pixels.
    #[arg(long, value_name = "WHAT", default_value = "follow", requires = "size")]
    pub(crate) labels: Labels,
    /// A new or empty folder, or the output folder of an interrupted run to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Write N refined images for each image, each set in its own complete copy of the input, DIR/variant-1 to
    /// DIR/variant-N; the refiner must have been trained with refiner.noise_channels
    /// or refiner.grain_channels.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) variants: Option<usize>,
    /// Seed of the noise of a refiner that takes some. An image's noise follows from it, the variant's number
    /// and the image's pixels.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The images are films, each folder's in the order of their names: all get the same noise, and the summary
    /// says how they flicker before and after.
    #[arg(long)]
    pub(crate) sequence: bool,
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
    pub(crate) products: Products,
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

/// What becomes of label files when pixels move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Labels {
    /// Points, boxes and directions in JSON, COCO, YOLO and CSV files follow; a file that cannot ends the job.
    Follow,
    /// Copy them as they are.
    Copy,
}

impl From<Labels> for simgan_refine::LabelPolicy {
    fn from(labels: Labels) -> Self {
        match labels {
            Labels::Follow => Self::Follow,
            Labels::Copy => Self::Copy,
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
