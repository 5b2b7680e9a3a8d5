use std::path::PathBuf;

use clap::Args;

use super::{Compute, PrecisionChoice};

/// Train a refiner; without arguments, run the demo on the built-in data.
///
/// All output goes to the run's folder: config.toml, metrics.jsonl, tensorboard/, samples/ and checkpoints/.
/// Ctrl-C finishes the current step, writes a checkpoint and prints the command that resumes the run.
#[derive(Args, Debug)]
pub(crate) struct TrainArguments {
    /// Settings to start from: demo (built-in eyes, minutes on two cores), depth (built-in hands as a depth camera
    /// sees them, minutes too), eye-gaze or hand-pose (the paper's numbers) [default: the recipe that --config names, else depth
    /// for depth images with missing pixels, else demo].
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) recipe: Option<String>,
    /// Synthetic images, which are to be refined; one or more [default, without --real too: the recipe's, such as builtin:eyes].
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    pub(crate) synthetic: Vec<String>,
    /// Real images; labels are not needed; one or more [default, without --synthetic too: the recipe's, such as builtin:camera].
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    pub(crate) real: Vec<String>,
    /// The run's folder [default: the first unused of runs/RECIPE-001, runs/RECIPE-002, ...].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// Settings from a TOML file, such as another run's config.toml.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) config: Option<PathBuf>,
    /// Go on from a trained refiner, and its discriminator if it fits, on new images: a run or one of its checkpoints.
    #[arg(long, value_name = "RUN|CHECKPOINT", conflicts_with = "resume")]
    pub(crate) from: Option<PathBuf>,
    /// One setting, such as data.size=55x35 (WIDTHxHEIGHT in pixels) or loss.lambda=2; repeatable.
    ///
    /// `simgan help settings` and a run's config.toml list every key. loss.lambda weighs the mean absolute
    /// difference per pixel (range [-1, 1]) against the mean cross-entropy per patch, so it depends neither
    /// on the batch nor on the image size.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Adversarial steps (iterations of Algorithm 1) in total, earlier ones included; sets schedule.steps.
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u64>,
    /// Seed of all random numbers; the same seed gives the same run [default: 0].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Precision of the numbers that convolutions multiply; sets compute.precision [default: f32].
    #[arg(long, value_enum, value_name = "PRECISION")]
    pub(crate) precision: Option<PrecisionChoice>,
    /// Resume --run exactly at its last checkpoint.
    #[arg(long, requires = "run")]
    pub(crate) resume: bool,
    /// Show curves, figures and the log on the whole terminal while training; `q` stops as Ctrl-C does.
    #[arg(long)]
    pub(crate) tui: bool,
    #[command(flatten)]
    pub(crate) compute: Compute,
}
