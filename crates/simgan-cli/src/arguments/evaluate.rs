use std::path::PathBuf;

use clap::{Args, ValueEnum};
use simgan_data::Size;
use simgan_eval::evaluation::MethodKind;

use super::{Compute, PrecisionChoice, positive};

/// Measure a refiner: error after training on refined images, label preservation, realism.
///
/// Trains estimators with the same layers, steps and seeds on synthetic and on refined images with the
/// simulator's labels, and tests them on real labelled images. The label may be a direction (a gaze), points
/// (joints), a class or numbers. Baselines are the mean label, nearest neighbours, histogram and Fourier
/// matching instead of refining, the refiner's tone stage alone if it has one and, if the real images have
/// labels, an estimator trained on those. Prints the paper's two tables for this data, how far landmarks move
/// (the pupil in pixels of a 55-pixel-wide eye), how much predictions change, how often a fresh classifier
/// tells refined from real images (50 % is ideal), and what to use for this data. Test labels are used only
/// for testing. The time is estimated before the work begins; on eyes, the defaults
/// take less than half an hour on two cores.
#[derive(Args, Debug)]
#[command(
    mut_arg("estimator_steps", |arg| arg.alias("steps")),
    mut_arg("estimator_batch", |arg| arg.alias("batch"))
)]
pub(crate) struct EvaluateArguments {
    /// A run (its best checkpoint, else its last) or the folder of one checkpoint.
    #[arg(long, value_name = "RUN|CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// Labelled synthetic images; repeatable [default: the run's].
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    pub(crate) synthetic: Vec<String>,
    /// Labelled real images to test on; no method trains on them; repeatable.
    #[arg(long, value_name = "SOURCE", required = true, num_args = 1..)]
    pub(crate) test: Vec<String>,
    /// Real images; repeatable [default: the run's].
    ///
    /// Realism and histogram and Fourier matching ignore their labels. If every image is labelled, one more
    /// network trains on them and gives the lowest error to expect.
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    pub(crate) real: Vec<String>,
    /// Width and height in pixels to scale images to [default: the run's data.size].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Seed of the simulators and of the first repetition [default: the run's].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) measure: Measure,
    /// Keep the estimators of the first repetition, trained on synthetic and on refined images, in
    /// DIR/synthetic, DIR/refined and so on, for `simgan estimate predict`. DIR is new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Write all figures as JSON, including those of each repetition.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write a page with the tables, the cumulative error, true against predicted labels, the worst cases and a
    /// grid of images, plus its pictures as PNG files. DIR is new, empty, or an earlier report to replace.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// Options of every measurement; `evaluate` and `experiment` share them.
#[derive(Args, Debug)]
pub(crate) struct Measure {
    /// Maximum number of synthetic images to train on, and of real images. Up to 1000 more synthetic images,
    /// at most N and at most a tenth of the source, measure label preservation and realism.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = positive)]
    pub(crate) images: usize,
    /// Maximum number of test images [default: all, or 2000 from a simulator].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) test_images: Option<usize>,
    /// Also train on N times as many synthetic and refined images: the paper's "4x".
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub(crate) fold: usize,
    /// Refined images of each synthetic image to train on, each with other noise; more than 1 need a refiner that
    /// takes noise (refiner.noise_channels, refiner.grain_channels). The number of updates stays the same.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub(crate) variants: usize,
    /// Repetitions of each training; every method starts from the same weights and sees images in the same
    /// order. Figures are mean ± standard deviation over them.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = positive)]
    pub(crate) seeds: usize,
    /// The label to predict, by its annotation's name, such as gaze, joints or class [default: the only one
    /// there is].
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    /// An annotation of numbers that the estimators see beside the image, such as head_pose; repeatable.
    #[arg(long = "input", value_name = "NAME")]
    pub(crate) inputs: Vec<String>,
    /// Size of the estimators; their layers follow from the label.
    #[arg(long, value_name = "NAME", default_value = "half")]
    pub(crate) network: Network,
    /// Updates per estimator; the learning rate falls from 0.001 to 0 along half a cosine.
    #[arg(long, alias = "gaze-steps", value_name = "N", default_value_t = 600, value_parser = positive)]
    pub(crate) estimator_steps: usize,
    /// Images per update of an estimator.
    #[arg(long, alias = "gaze-batch", value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) estimator_batch: usize,
    /// Precision of the numbers that the estimators' layers multiply.
    #[arg(long, value_enum, value_name = "PRECISION", default_value = "f32")]
    pub(crate) estimator_precision: PrecisionChoice,
    /// The paper's network and batch, for a GPU: --network paper --estimator-steps 2000 --estimator-batch 512.
    #[arg(long, conflicts_with_all = ["network", "estimator_steps", "estimator_batch"])]
    pub(crate) paper: bool,
    /// Also train estimators on strongly augmented batches of synthetic, matched and refined images: shift, scale,
    /// tone, light from one side, blur, noise; for points also turns.
    #[arg(long)]
    pub(crate) augment: bool,
    /// Comma-separated rows to compute, such as synthetic,refined [default: all that the data allows].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) methods: Vec<MethodKind>,
}

/// Size of the estimators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    /// The paper's: for a gaze its layers, with "FC 9600" read as the flattened feature map, about 250 images/s
    /// on two cores; for points a stacked hourglass; for others a plain network.
    Paper,
    /// As paper; for a gaze with "FC 9600" read as one more fully connected layer.
    Wide,
    /// Half of the feature maps, and of a gaze network one hidden layer of 256; four times as fast.
    Half,
    /// A quarter of the feature maps, and of a gaze network one hidden layer of 128; four times as fast again,
    /// for comparisons.
    Quarter,
}

impl From<Network> for simgan_eval::evaluation::NetworkSize {
    fn from(network: Network) -> Self {
        match network {
            Network::Paper => Self::Paper,
            Network::Wide => Self::Wide,
            Network::Half => Self::Half,
            Network::Quarter => Self::Quarter,
        }
    }
}
