use std::path::PathBuf;

use clap::{Args, Subcommand};
use simgan_data::Size;
use simgan_train::{Channels, DataRange};

use super::{Compute, Network, Products, positive};

/// Train, use and calibrate an estimator: a network that predicts a label from an image.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub(crate) struct EstimateArguments {
    #[command(subcommand)]
    pub(crate) command: EstimateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EstimateCommand {
    Train(EstimateTrainArguments),
    Predict(EstimatePredictArguments),
    Calibrate(EstimateCalibrateArguments),
}

/// Train an estimator on labelled images, such as refined ones, and keep it.
///
/// The label may be a direction (a gaze), points (joints), a class or numbers; the network follows from it. An
/// interrupted training goes on with the same command, bit for bit.
#[derive(Args, Debug)]
pub(crate) struct EstimateTrainArguments {
    /// Labelled images; repeatable.
    #[arg(value_name = "SOURCE", required = true, num_args = 1..)]
    pub(crate) sources: Vec<String>,
    /// Folder of the estimator: new, empty, or that of the same training to go on with.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// The label to predict, by its annotation's name, such as gaze, joints or class [default: the only one
    /// there is].
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// An annotation of numbers that the estimator sees beside the image, such as head_pose; repeatable.
    #[arg(long = "input", value_name = "NAME")]
    pub(crate) inputs: Vec<String>,
    /// Maximum number of images to train on.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = positive)]
    pub(crate) images: usize,
    /// Width and height in pixels to scale images to [default: their own if it is at most 128x128, else about
    /// 64x64 in all].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Channels: 1 (gray) or 3 (RGB) [default: 1 if all images are gray, else 3].
    #[arg(long, value_name = "N", value_parser = channels)]
    pub(crate) channels: Option<Channels>,
    /// The stored values that stand for black and white: auto, full, or MIN..MAX in the images' own unit.
    #[arg(long, value_name = "RANGE", default_value = "auto")]
    pub(crate) range: DataRange,
    /// Size of the estimator; its layers follow from the label.
    #[arg(long, value_name = "NAME", default_value = "half")]
    pub(crate) network: Network,
    /// Updates; the learning rate falls from 0.001 to 0 along half a cosine.
    #[arg(long, alias = "estimator-steps", value_name = "N", default_value_t = 2000, value_parser = positive)]
    pub(crate) steps: usize,
    /// Images per update.
    #[arg(long, alias = "estimator-batch", value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) batch: usize,
    /// Augment the batches strongly: shift, scale, tone, light from one side, blur, noise; for points also turns.
    #[arg(long)]
    pub(crate) augment: bool,
    /// Seed of the weights, the order of images, and simulators.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) products: Products,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

fn channels(text: &str) -> Result<Channels, String> {
    let number = text.parse().ok().and_then(Channels::of_number);
    number.ok_or_else(|| "expected 1 (gray) or 3 (RGB)".to_owned())
}

/// Predict the label of each image of a source.
///
/// Prints a table as CSV: the image's name, then its label (pitch and yaw in degrees of a direction, x and y in
/// pixels of points, a class, numbers). Points are in pixels of the image as it is stored. If the images are
/// labelled, the error is told too.
#[derive(Args, Debug)]
pub(crate) struct EstimatePredictArguments {
    /// The estimator's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Images; repeatable.
    #[arg(value_name = "SOURCE", required = true, num_args = 1..)]
    pub(crate) sources: Vec<String>,
    /// Maximum number of images, evenly spread [default: all, or 2000 from a simulator].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) count: Option<usize>,
    /// Write the table to FILE instead: CSV, or JSON if its name ends in .json.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Draw each prediction onto its image, and the label in another colour if there is one, into DIR, which is
    /// new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) overlay: Option<PathBuf>,
    /// Seed of simulators.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) products: Products,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// Correct an estimator for one person or camera with a few labelled images.
///
/// Fits a constant offset, and an offset with a gain that is drawn towards 1 the fewer images there are; keeps
/// whichever errs least on images left out one at a time, and says so. The corrected estimator goes to
/// --output, or replaces the one in --model.
#[derive(Args, Debug)]
pub(crate) struct EstimateCalibrateArguments {
    /// The estimator's folder; an earlier calibration of it is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Labelled images of that person or camera; repeatable.
    #[arg(value_name = "SOURCE", required = true, num_args = 1..)]
    pub(crate) sources: Vec<String>,
    /// Use N of the images, evenly spread.
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = positive)]
    pub(crate) count: usize,
    /// Folder of the calibrated estimator, new or empty [default: the model's own].
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Seed of simulators.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) compute: Compute,
}
