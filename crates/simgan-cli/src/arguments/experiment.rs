use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Compute, Measure, positive};

/// Compare refiners that differ in one setting, as in the paper's ablations, and baselines.
///
/// Trains each variant and measures it, as `simgan evaluate` does, in several draws; every draw seeds
/// simulators, training and estimators anew. Ends with what to use for this data, whether refining was worth
/// it, and how sure that is. All results stay in the output folder, with a page, `index.html`, that shows
/// them: run again after an interruption, the same command continues and repeats nothing. `simgan experiment
/// history --output results/history` trains 6 refiners and 18 gaze networks on the built-in data in half an hour on two cores.
#[derive(Args, Debug)]
#[command(
    mut_arg("images", |arg| arg.default_value("4000")),
    mut_arg("seeds", |arg| arg.default_value("1")),
    mut_arg("network", |arg| arg.default_value("quarter")),
    mut_arg("estimator_steps", |arg| arg.default_value("800")),
    mut_arg("estimator_batch", |arg| arg.default_value("64"))
)]
pub(crate) struct ExperimentArguments {
    /// The variants to compare.
    #[arg(value_name = "NAME")]
    pub(crate) name: Compared,
    /// A new or empty folder, or an experiment's folder to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Training settings to start from: demo, depth, eye-gaze or hand-pose [default: depth for depth images with missing
    /// pixels, else demo].
    #[arg(long, value_name = "NAME")]
    pub(crate) recipe: Option<simgan_train::Recipe>,
    /// Labelled synthetic images, which are to be refined; repeatable [default, without --real too: the recipe's,
    /// builtin:eyes or builtin:hands].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) synthetic: Vec<String>,
    /// Real images; repeatable [default, without --synthetic too: the recipe's, builtin:camera or builtin:kinect].
    ///
    /// If every image is labelled, one more network trains on them and gives the lowest error to expect.
    /// Nothing else uses their labels.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) real: Vec<String>,
    /// Labelled real images to test on; no method trains on them; repeatable [default, without --real: the recipe's
    /// real images, builtin:camera or builtin:kinect, with a seed of their own].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) test: Vec<String>,
    /// One training setting of all refiners, such as schedule.steps=1000 (adversarial steps); repeatable.
    /// `simgan help settings` lists every key.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Repetitions of the whole experiment with other seeds; a later call may add more.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = positive)]
    pub(crate) draws: usize,
    /// Seed of the first draw; each later draw adds 1.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) measure: Measure,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// The variants to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compared {
    /// No comparison: one refiner with the configuration as given.
    Refine,
    /// With and without the history of refined images.
    History,
    /// Local against global adversarial loss.
    Local,
    /// lambda / 4, lambda and 4 lambda.
    Lambda,
    /// The feature transforms identity, derivatives and, for colour images, mean-color.
    Psi,
    /// 1, 2 and 5 updates of the refiner per update of the discriminator.
    #[value(name = "k-g")]
    KG,
    /// The adversarial losses cross-entropy, least-squares and hinge.
    Adversarial,
    /// Without and with spectral norms in the discriminator.
    SpectralNorm,
    /// Without and with noise on the discriminator's input (discriminator.noise, or 0.1).
    Noise,
    /// Weight 1 and loss.landmark_weight, or 4, of the pixels around labelled points.
    Landmarks,
    /// Without and with the task consistency; needs loss.consistency and loss.consistency_model.
    Consistency,
    /// What the discriminator sees at once: 23 pixels, as in the paper, 15 and 9.
    Field,
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
            Compared::Adversarial => Self::Adversarial,
            Compared::SpectralNorm => Self::SpectralNorm,
            Compared::Noise => Self::Noise,
            Compared::Landmarks => Self::Landmarks,
            Compared::Consistency => Self::Consistency,
            Compared::Field => Self::Field,
        }
    }
}
