use std::path::PathBuf;

use clap::Args;
use simgan_data::Size;
use simgan_train::{Channels, DataRange};

use super::estimate::channels;
use super::{Compute, Network, positive};

/// Find out which labels unlabelled real images have on the whole, so that renders can be drawn alike.
///
/// Trains an estimator on augmented renders, predicts the real images' directions (gazes) or numbers, corrects
/// them for how timidly and how scattered predictions follow held-out renders, and weighs the renders by the ratio
/// of the two distributions, clipped to 0.2 to 5; a second round repeats this with the weighted renders. Labels
/// of real images are not read.
///
/// Prints the distributions before and after, and, for a simulator of eyes, its settings as a SOURCE. The file of
/// --output is a SOURCE too: such settings, or the weight of each image of a folder.
#[derive(Args, Debug)]
pub(crate) struct PriorsArguments {
    /// Labelled renders of widely spread labels: a folder, or a simulator whose ranges include the real ones.
    #[arg(long, value_name = "SOURCE", required = true)]
    pub(crate) synthetic: String,
    /// Real images; repeatable.
    #[arg(long, value_name = "SOURCE", required = true, num_args = 1..)]
    pub(crate) real: Vec<String>,
    /// Write the result to FILE, whose name ends in .priors, for --synthetic of other commands.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The label, by its annotation's name, such as gaze [default: the only one there is].
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// Maximum number of renders to learn from, a fifth of them held out, and of real images.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = positive)]
    pub(crate) images: usize,
    /// Width and height in pixels to scale images to [default: the smaller domain's, or about 64x64 in all].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Channels: 1 (gray) or 3 (RGB) [default: 1 if all images are gray, else 3].
    #[arg(long, value_name = "N", value_parser = channels)]
    pub(crate) channels: Option<Channels>,
    /// The stored values that stand for black and white: auto, full, or MIN..MAX in the images' own unit.
    #[arg(long, value_name = "RANGE", default_value = "auto")]
    pub(crate) range: DataRange,
    /// Size of the estimator.
    #[arg(long, value_name = "NAME", default_value = "quarter")]
    pub(crate) network: Network,
    /// Updates of the estimator in each of the two rounds.
    #[arg(long, alias = "estimator-steps", value_name = "N", default_value_t = 1000, value_parser = positive)]
    pub(crate) steps: usize,
    /// Images per update.
    #[arg(long, alias = "estimator-batch", value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) batch: usize,
    /// Seed of the estimator and of simulators.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) compute: Compute,
}
