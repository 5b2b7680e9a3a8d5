use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use simgan_data::Size;
use simgan_web::turing::statistics::Design;

use super::{Compute, positive};

/// Can people tell refined images from real ones? Make, evaluate and plan visual Turing tests.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub(crate) struct TuringArguments {
    #[command(subcommand)]
    pub(crate) command: TuringCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TuringCommand {
    New(TuringNewArguments),
    Results(TuringResultsArguments),
    Plan(TuringPlanArguments),
}

/// Make a test of a run's refiner, in one file.
///
/// Draws real and synthetic images, refines those that subjects will see refined, and brings all to the size,
/// channels and tones of the run's training, as files of equal length. simgan serve FILE then shows the link for
/// subjects and the results. Among ten questions one shows an unrefined image, to see who pays attention; these
/// are scored apart.
#[derive(Args, Debug)]
pub(crate) struct TuringNewArguments {
    /// A run (its best checkpoint, else its last) or the folder of one checkpoint.
    #[arg(value_name = "RUN|CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// Real images; repeatable [default: the run's].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) real: Vec<String>,
    /// Synthetic images; repeatable [default: the run's].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) synthetic: Vec<String>,
    /// The test's file, which must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Real images and refined images that each subject judges; with --design 2afc, pairs.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = positive)]
    pub(crate) per_class: usize,
    /// Labelled examples of each kind, shown before the questions and never again.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) examples: usize,
    /// End with 10 unrefined and 10 real images, scored apart: what subjects can tell without refining.
    #[arg(long)]
    pub(crate) baseline: bool,
    /// What a subject is asked.
    #[arg(long, value_name = "DESIGN", default_value = "yes-no")]
    pub(crate) design: DesignName,
    /// Tell subjects at the end how many of their answers were right.
    #[arg(long)]
    pub(crate) show_score: bool,
    /// Width and height of the images in pixels [default: the run's data.size].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Seed of the choice of images, and of simulators.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// What a subject is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DesignName {
    /// One image: is it real or refined? The paper's test.
    YesNo,
    /// Two images side by side: which one is real?
    #[value(name = "2afc")]
    TwoAlternatives,
}

impl From<DesignName> for Design {
    fn from(name: DesignName) -> Self {
        match name {
            DesignName::YesNo => Self::YesNo,
            DesignName::TwoAlternatives => Self::TwoAlternatives,
        }
    }
}

/// Print the results of a test: share right, exact test, intervals, sensitivity and bias, subject by subject.
///
/// The file may be in use by simgan serve.
#[derive(Args, Debug)]
pub(crate) struct TuringResultsArguments {
    /// The test's file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write all answers, one a line, to FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
}

/// Say how many answers a claim needs.
///
/// Prints the smallest number of answers from which on the exact test has the power. Answers of one subject
/// resemble each other, so that several subjects with fewer answers each are worth more.
#[derive(Args, Debug)]
pub(crate) struct TuringPlanArguments {
    /// Share of right answers that would be better than chance, above 0.5.
    #[arg(long, value_name = "SHARE", default_value_t = 0.55)]
    pub(crate) share: f64,
    /// Probability with which the test shall find it.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    pub(crate) power: f64,
    /// Probability of a false alarm.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// Distance from one half that does not matter, to claim that images cannot be told apart.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub(crate) margin: f64,
}
