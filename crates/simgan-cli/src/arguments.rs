//! What can be typed. Help texts state units, scales and defaults.

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
/// A refiner network learns, from synthetic images and unlabelled real ones, to make the synthetic ones look real without
/// moving what their labels describe.
#[derive(Debug, Parser)]
#[command(
    name = "simgan",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    disable_help_subcommand = true, // ours also prints pages
    max_term_width = 100
)]
#[command(after_help = sources_help())]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) verbosity: Verbosity,
}

/// What a SOURCE is, from the layouts' own words.
fn sources_help() -> String {
    let registry = registry();
    let layouts: Vec<&str> = registry.layouts().collect();
    format!(
        "A SOURCE is {}.\n\n\
         The layout of a path is recognised. LAYOUT:PATH chooses one ({}); simulator:unityeyes is the simulator even \
         where a folder has its name.\n\n\
         Exit status: 0 success, 1 the job failed or was interrupted, 2 wrong usage.",
        registry.help(),
        layouts.join(", ")
    )
}

/// How much is told on standard error.
#[derive(Args, Debug)]
pub(crate) struct Verbosity {
    /// Tell more: -v details, -vv everything. RUST_LOG, where set, decides instead.
    #[arg(short, long, action = ArgAction::Count, global = true, display_order = 100)]
    pub(crate) verbose: u8,
    /// Tell less, and show no bars: -q warnings and errors, -qq errors only.
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

/// Train a refiner; with no arguments, the demo on the built-in data.
///
/// Everything is written to the run's folder: config.toml, metrics.jsonl, tensorboard/, samples/ and checkpoints/. Ctrl-C
/// finishes the step, writes a checkpoint and says how to go on.
#[derive(Args, Debug)]
pub(crate) struct TrainArguments {
    /// Settings to start from: demo (built-in eyes, minutes on two cores), eye-gaze or hand-pose (the paper's numbers)
    /// [default: demo, or the recipe that --config names].
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub(crate) recipe: Option<String>,
    /// Synthetic images, the ones to refine; may be given more than once [default: builtin:eyes].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) synthetic: Vec<String>,
    /// Real images, unlabelled; may be given more than once [default: builtin:camera].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) real: Vec<String>,
    /// The run's folder [default: a new one, runs/NAME-001 counting up].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// Settings from a TOML file, such as another run's config.toml.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) config: Option<PathBuf>,
    /// One setting, such as data.size=55x35 (WIDTHxHEIGHT in pixels) or loss.lambda=2; may be given more than once.
    ///
    /// `simgan help settings` lists every key, and so does a run's config.toml. loss.lambda weighs the mean absolute difference per pixel (range [-1, 1])
    /// against the mean cross-entropy per patch; it depends neither on the batch nor on the image size.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Adversarial steps (iterations of Algorithm 1), counted from the run's beginning: sets schedule.steps.
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u64>,
    /// Seed of every random number: the same seed gives the same run [default: 0].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Go on exactly where the last checkpoint of --run was written.
    #[arg(long, requires = "run")]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// Refine every image of a source; names, formats and label files are kept.
///
/// Each image is written under the same relative name, in the same format, bit depth and channels; label files are copied
/// unchanged; refined.jsonl in the output folder tells what was done. Any image size works. Interrupted and run again, it
/// continues. Images of a packed data set or of MPIIGaze, and with --crop or --size, become NAME.png with NAME.json.
#[derive(Args, Debug)]
pub(crate) struct RefineArguments {
    /// A run (its best checkpoint, or else its last) or one checkpoint's folder.
    #[arg(long, value_name = "RUN|CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// What to refine: a folder of images, a packed data set, MPIIGaze's folder, or a simulator such as builtin:eyes.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) input: String,
    /// What to cut out of UnityEyes' renders first, as data.crop did in training [default: nothing].
    #[arg(long, value_name = "WHAT")]
    pub(crate) crop: Option<EyeCrop>,
    /// Width and height in pixels to bring images to first, as data.size did in training [default: as they are].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// A new or empty folder, or the one to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// What to do about an image that cannot be read.
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub(crate) on_error: Unreadable,
    /// Images in one pass through the network, at most; large images go in smaller batches.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) batch: usize,
    /// Only the first N images; needed for a simulator, which never ends.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) count: Option<usize>,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// Write labelled eyes from the simulator: N.jpg with N.json, as UnityEyes does.
///
/// The label is UnityEyes' own JSON, with an object of exact labels in pixels (gaze, iris, pupil, lids, what is visible)
/// and of all that was drawn. Image N depends on the seed, the settings and N alone, so that a longer set begins with a
/// shorter one.
#[derive(Args, Debug)]
pub(crate) struct RenderArguments {
    /// How many images.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) count: usize,
    /// A new or empty folder, or the one to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// builtin (or builtin:eyes): clean labelled renders; builtin:camera: the "real" domain; unityeyes: UnityEyes' faces,
    /// from assets in data/raw/unityeyes2 or where SIMGAN_UNITYEYES2 says.
    #[arg(long, value_name = "NAME", default_value = "builtin")]
    pub(crate) simulator: String,
    /// Size, framing and ranges of gaze and head pose [default: wide].
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<Preset>,
    /// One setting of the simulator, such as gaze_yaw_deg=-20..20, light.intensity=1 or crop_mm=30; may be given more than
    /// once. A wrong key lists them all.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// A film of one person, 30 frames a second, with saccades and blinks: sets frames_per_sec=30.
    #[arg(long)]
    pub(crate) sequence: bool,
    /// Width and height in pixels, as 55x35 [default: the preset's].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Render in colour instead of gray.
    #[arg(long)]
    pub(crate) color: bool,
    /// Seed of every random number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// CPU threads; images do not depend on it [default: one per core].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
}

/// What the simulator draws from.
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

/// Look at a data set or a run: sizes, counts, pixel statistics, label ranges; settings, losses, checkpoints.
#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    /// A source of images or a run's folder; several sources only for --sheet.
    #[arg(value_name = "SOURCE|RUN", required = true, num_args = 1..)]
    pub(crate) what: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a PNG with a block of images from each source, gray and of one size, to compare their looks.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) sheet: Option<PathBuf>,
    /// Size of the images on the sheet.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "60x36", requires = "sheet")]
    pub(crate) size: Size,
    /// Rows of ten images in each block of the sheet.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = positive, requires = "sheet")]
    pub(crate) rows: usize,
    /// Read at most N images, evenly spread, for the statistics.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = positive)]
    pub(crate) limit: usize,
}

/// Measure speed: images per second of the paper's networks on noise.
///
/// Three figures, each a median: refining alone, a whole update of the refiner, a whole update of the discriminator. Only
/// figures taken on the same idle machine can be compared.
#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// Images in a batch.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) batch: usize,
    /// The networks' recipe: eye-gaze or hand-pose.
    #[arg(long, value_name = "NAME", default_value = "eye-gaze")]
    pub(crate) recipe: simgan_train::Recipe,
    /// Image size in pixels [default: 55x35 for eye-gaze, 224x224 for hand-pose].
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<Size>,
    /// Channels of the images.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub(crate) channels: usize,
    /// This figure alone.
    #[arg(long, value_enum, value_name = "FIGURE")]
    pub(crate) only: Option<Figure>,
    /// Timed repetitions of each figure, at least; they take a second or more.
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
    /// A command's own page, such as train [default: the page of simgan].
    pub(crate) command: Option<String>,
}

/// Print a page of the manual, or the help of a command: simgan help settings.
#[derive(Args, Debug)]
pub(crate) struct HelpArguments {
    /// A page (settings: every key of --set and config.toml) or a command [default: the help of simgan].
    #[arg(value_name = "PAGE|COMMAND")]
    pub(crate) topic: Vec<String>,
}

/// Where and with how much the work is done.
#[derive(Args, Debug)]
pub(crate) struct Compute {
    /// auto (a GPU if this build has one, else the CPU), cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// CPU threads; results do not depend on it [default: one per core].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
}

/// A part of UnityEyes' renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EyeCrop {
    /// 140x84 of 640x480 pixels around the lids.
    Fixed,
    /// 1.5 times as wide as the eye.
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

/// What to do about an image that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unreadable {
    /// Stop with an error that names it.
    Fail,
    /// Leave it out, count it and report it.
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
    /// A batch through the frozen refiner.
    Refine,
    /// An update of the refiner.
    RefinerStep,
    /// An update of the discriminator.
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
