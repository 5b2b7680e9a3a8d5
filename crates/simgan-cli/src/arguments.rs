//! The command line as clap parses it. Help texts state units, scales and defaults.

mod device;
mod evaluate;
mod experiment;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use simgan_data::Size;

use crate::commands::registry;

pub(crate) use self::device::DeviceChoice;
pub(crate) use self::evaluate::{EvaluateArguments, Measure};
pub(crate) use self::experiment::ExperimentArguments;

/// Make synthetic images realistic and keep their labels: SimGAN (CVPR 2017).
///
/// A refiner network learns from synthetic images and unlabelled real ones. It makes the synthetic images
/// look real and leaves in place what their labels describe.
#[derive(Debug, Parser)]
#[command(
    name = "simgan",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    disable_help_subcommand = true, // ours also prints pages of the manual
    max_term_width = 100
)]
#[command(after_help = sources_help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) verbosity: Verbosity,
}

/// Explains SOURCE, using the help text of each registered layout.
fn sources_help() -> String {
    let registry = registry();
    let layouts: Vec<&str> = registry.layouts().collect();
    format!(
        "A SOURCE is {}.\n\n\
         simgan recognises the layout of a path; LAYOUT:PATH sets it ({}). simulator:unityeyes is the simulator even \
         if a folder has that name.\n\n\
         Exit status: 0 success, 1 job failed or interrupted, 2 wrong usage.",
        registry.help(),
        layouts.join(", ")
    )
}

/// How much goes to standard error.
#[derive(Args, Debug)]
pub(crate) struct Verbosity {
    /// Log more: -v details, -vv everything; RUST_LOG overrides it.
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 100)]
    pub(crate) verbose: u8,
    /// Log less and show no progress bars: -q warnings and errors, -qq errors only.
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 101, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Train(TrainArguments),
    Refine(RefineArguments),
    Evaluate(EvaluateArguments),
    Experiment(ExperimentArguments),
    Render(RenderArguments),
    Inspect(InspectArguments),
    Bench(BenchArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
    Help(HelpArguments),
}

/// Train a refiner; without arguments, run the demo on the built-in data.
///
/// All output goes to the run's folder: config.toml, metrics.jsonl, tensorboard/, samples/ and checkpoints/.
/// Ctrl-C finishes the current step, writes a checkpoint and prints the command that resumes the run.
#[derive(Args, Debug)]
pub(crate) struct TrainArguments {
    /// Settings to start from: demo (built-in eyes, minutes on two cores), eye-gaze or hand-pose (the paper's numbers)
    /// [default: demo, or the recipe that --config names].
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) recipe: Option<String>,
    /// Synthetic images, which are to be refined; repeatable [default: builtin:eyes].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) synthetic: Vec<String>,
    /// Real images; labels are not needed; repeatable [default: builtin:camera].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) real: Vec<String>,
    /// The run's folder [default: the first unused of runs/RECIPE-001, runs/RECIPE-002, ...].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// Settings from a TOML file, such as another run's config.toml.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) config: Option<PathBuf>,
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
    /// Resume --run exactly at its last checkpoint.
    #[arg(long, requires = "run")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

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

/// Render labelled eyes: N.jpg with N.json, as UnityEyes writes them.
///
/// Labels follow UnityEyes' JSON, plus an object with exact labels in pixels (gaze, iris, pupil, lids,
/// visibility) and every parameter of the render. Image N depends only on the seed, the settings and N, so a
/// longer set begins with the images of a shorter one.
#[derive(Args, Debug)]
pub(crate) struct RenderArguments {
    /// Number of images.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) count: usize,
    /// A new or empty folder, or the output folder of an interrupted run to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// builtin (or builtin:eyes): clean labelled renders; builtin:camera: the "real" domain; unityeyes:
    /// UnityEyes' faces, from the assets in data/raw/unityeyes2 or in the folder that SIMGAN_UNITYEYES2
    /// names.
    #[arg(long, value_name = "NAME", default_value = "builtin")]
    pub(crate) simulator: String,
    /// Image size, framing and ranges of gaze and head pose [default: wide].
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<Preset>,
    /// One setting of the simulator, such as gaze_yaw_deg=-20..20, light.intensity=1 or crop_mm=30;
    /// repeatable. An unknown key prints the list of keys.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Film one person at 30 frames per second, with saccades and blinks; sets frames_per_sec=30.
    #[arg(long)]
    pub(crate) sequence: bool,
    /// Width and height in pixels, as 55x35 [default: the preset's].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Render in colour instead of gray.
    #[arg(long)]
    pub(crate) color: bool,
    /// Seed of all random numbers.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// CPU threads; images do not depend on their number [default: one per core].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
}

/// Ranges that the simulator draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// 55x35 pixels, the simulator's own ranges.
    Wide,
    /// 60x36 pixels, framing and gaze range of MPIIGaze's normalized crops.
    Mpiigaze,
}

impl From<Preset> for simgan_eyes::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Wide => Self::Wide,
            Preset::Mpiigaze => Self::Mpiigaze,
        }
    }
}

/// Describe a data set (sizes, counts, pixel statistics, label ranges) or a run (settings, losses,
/// checkpoints).
#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    /// A source of images or a run's folder; several sources only with --sheet.
    #[arg(value_name = "SOURCE|RUN", required = true, num_args = 1..)]
    pub(crate) what: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a PNG with a block of images from each source, in gray and at one size, to compare their looks.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) sheet: Option<PathBuf>,
    /// Size of the images on the sheet.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "60x36", requires = "sheet")]
    pub(crate) size: Size,
    /// Rows of ten images in each block of the sheet.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = positive, requires = "sheet")]
    pub(crate) rows: usize,
    /// Compute statistics on at most N evenly spread images.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = positive)]
    pub(crate) limit: usize,
}

/// Measure speed: images per second of the paper's networks on noise.
///
/// Reports three medians: refining alone, one full update of the refiner, one full update of the
/// discriminator. Compare only figures from the same, otherwise idle, machine.
#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// Images per batch.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) batch: usize,
    /// Recipe of the networks: eye-gaze or hand-pose.
    #[arg(long, value_name = "NAME", default_value = "eye-gaze")]
    pub(crate) recipe: simgan_train::Recipe,
    /// Image size in pixels [default: 55x35 for eye-gaze, 224x224 for hand-pose].
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<Size>,
    /// Channels per image.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub(crate) channels: usize,
    /// Measure only this figure.
    #[arg(long, value_enum, value_name = "FIGURE")]
    pub(crate) only: Option<Figure>,
    /// Minimum number of timed repetitions per figure; they run for at least one second.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = positive)]
    pub(crate) reps: usize,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// Print a completion script for a shell: simgan completions bash > /etc/bash_completion.d/simgan.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page: simgan man | man -l -
#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// A command, such as train, whose page to print [default: simgan's own].
    pub(crate) command: Option<String>,
}

/// Print a page of the manual or a command's help: simgan help settings.
#[derive(Args, Debug)]
pub(crate) struct HelpArguments {
    /// A page (settings: every key of --set and config.toml) or a command [default: the help of simgan].
    #[arg(value_name = "PAGE|COMMAND")]
    pub(crate) topic: Vec<String>,
}

/// Device and threads.
#[derive(Args, Debug)]
pub(crate) struct Compute {
    /// auto (a GPU if this build has one, else the CPU), cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// CPU threads; results do not depend on their number [default: one per core].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
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

/// What `simgan bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Figure {
    /// Forward pass of a batch through the frozen refiner.
    Refine,
    /// One update of the refiner.
    RefinerStep,
    /// One update of the discriminator.
    DiscriminatorStep,
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_no_contradiction() {
        Arguments::command().debug_assert();
    }
}
