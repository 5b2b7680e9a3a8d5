use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Compute, Measure, positive};

/// Compare refiners that differ in one setting, as the paper's ablations do, with baselines beside them.
///
/// Each variant is trained and measured, as by `simgan evaluate`, in several draws: simulators, training and gaze networks
/// have other seeds in each. Everything is kept in a folder; interrupted and run again, it goes on, and nothing is done
/// twice. `simgan experiment history --output results/history` trains 6 refiners and 18 gaze networks on the built-in data,
/// in half an hour on two cores.
#[derive(Args, Debug)]
#[command(
    mut_arg("images", |arg| arg.default_value("4000")),
    mut_arg("seeds", |arg| arg.default_value("1")),
    mut_arg("network", |arg| arg.default_value("quarter")),
    mut_arg("gaze_steps", |arg| arg.default_value("800")),
    mut_arg("gaze_batch", |arg| arg.default_value("64"))
)]
pub(crate) struct ExperimentArguments {
    /// What is compared.
    #[arg(value_name = "NAME")]
    pub(crate) name: Compared,
    /// A new or empty folder, or the one to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Settings of the refiners' training to start from: demo, eye-gaze or hand-pose.
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub(crate) recipe: simgan_train::Recipe,
    /// Labelled synthetic images, the ones to refine; may be given more than once [default: builtin:eyes].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) synthetic: Vec<String>,
    /// Real images; may be given more than once [default: builtin:camera].
    ///
    /// Their labels, if all have some, serve as the floor alone.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) real: Vec<String>,
    /// Labelled real images to test on, none of which the methods see; may be given more than once [default, without
    /// --real: builtin:camera with a seed of its own].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) test: Vec<String>,
    /// One setting of all refiners' training, such as schedule.steps=1000 (adversarial steps); may be given more than
    /// once. `simgan help settings` lists every key.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Repetitions of everything with other seeds; an experiment may be given more of them later.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = positive)]
    pub(crate) draws: usize,
    /// Seed of the first draw; each has the next one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) measure: Measure,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compared {
    /// Nothing: one refiner, the configuration as it is.
    Refine,
    /// The history of refined images, and none.
    History,
    /// Local and global adversarial loss.
    Local,
    /// lambda, a quarter of it and four times as much.
    Lambda,
    /// The feature transforms identity, derivatives and, for colours, mean-color.
    Psi,
    /// 1, 2 and 5 updates of the refiner for one of the discriminator.
    #[value(name = "k-g")]
    KG,
}

impl From<Compared> for simgan_eval::experiment::VariantSet {
    fn from(compared: Compared) -> Self {
        match compared {
            Compared::Refine => Self::Refine,
            Compared::History => Self::History,
            Compared::Local => Self::Local,
            Compared::Lambda => Self::Lambda,
            Compared::Psi => Self::Psi,
            Compared::KG => Self::KG,
        }
    }
}
