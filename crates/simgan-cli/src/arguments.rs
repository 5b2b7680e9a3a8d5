//! The command line as clap parses it. Help texts state units, scales and defaults.

mod device;
mod estimate;
mod evaluate;
mod experiment;
mod refine;
mod render;
mod serve;
mod train;
mod turing;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use simgan_data::Size;

use crate::registry::registry;

pub(crate) use self::device::DeviceChoice;
pub(crate) use self::estimate::{
    EstimateArguments, EstimateCalibrateArguments, EstimateCommand, EstimatePredictArguments,
    EstimateTrainArguments,
};
pub(crate) use self::evaluate::{EvaluateArguments, Measure, Network};
pub(crate) use self::experiment::ExperimentArguments;
pub(crate) use self::refine::RefineArguments;
pub(crate) use self::render::RenderArguments;
pub(crate) use self::serve::ServeArguments;
pub(crate) use self::train::TrainArguments;
pub(crate) use self::turing::{
    TuringArguments, TuringCommand, TuringNewArguments, TuringPlanArguments, TuringResultsArguments,
};

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
        "A SOURCE is {}. An image file, or a pattern in quotes such as 'photographs/*.jpg', is a folder of these \
         images alone.\n\n\
         simgan recognises the layout of a path; LAYOUT:PATH sets it ({}). simulator:unityeyes is the simulator even \
         if a folder has that name.\n\n\
         Exit status: 0 success, also if the reader of a pipe has gone; 1 the job failed or was interrupted; 2 wrong \
         usage: an option, a setting or a value.",
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
    Estimate(EstimateArguments),
    Experiment(ExperimentArguments),
    Render(RenderArguments),
    Serve(ServeArguments),
    Turing(TuringArguments),
    Inspect(InspectArguments),
    Bench(BenchArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
    Help(HelpArguments),
}

/// Describe a data set (sizes, counts, pixel statistics, label ranges) or a run (settings, losses,
/// checkpoints).
#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    /// Sources of images or runs' folders, described one after another.
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
    /// Recipe of the networks: eye-gaze, hand-pose, depth or demo.
    #[arg(long, value_name = "NAME", default_value = "eye-gaze")]
    pub(crate) recipe: simgan_train::Recipe,
    /// Image size in pixels [default: 55x35 for eyes, 64x64 for depth, 224x224 for hand-pose].
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
    pub(crate) products: Products,
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
    /// A page (settings: every key of --set and config.toml; formats: label files; digits: a complete example;
    /// browser: runs as pages; turing-test: can people tell; results: what was measured) or a command [default: the
    /// help of simgan].
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

/// In which precision networks are applied.
#[derive(Args, Debug)]
pub(crate) struct Products {
    /// Precision of the numbers that layers multiply.
    #[arg(long, value_enum, value_name = "PRECISION", default_value = "f32")]
    pub(crate) precision: PrecisionChoice,
}

/// The value of `--precision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionChoice {
    /// bf16 where the device multiplies it faster than f32, else f32.
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits with 8 of precision, on a CPU with AVX512-BF16 or a GPU with cuDNN: faster there, but on Intel's CPUs
    /// only with AMX; on a CPU, refined images differ by at most a gray level.
    Bf16,
}

/// What `simgan bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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
