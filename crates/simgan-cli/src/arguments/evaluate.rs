use std::path::PathBuf;

use clap::{Args, ValueEnum};
use simgan_data::Size;
use simgan_eval::evaluation::MethodKind;

use super::{Compute, positive};

/// Measure a refiner: does a gaze network learn more from refined images, do labels stay true, do they look real?
///
/// Gaze networks with the same layers, steps and seeds are trained on synthetic and on refined images with the simulator's
/// labels, and tested on real labelled images, beside the baselines: the mean label, nearest neighbours, what one would do
/// instead of refining, and, if the real images have labels, a network that learned from these. Printed are the paper's two
/// tables for this data, the shift of the pupil in pixels of a 55-pixel-wide eye, and how often a fresh classifier tells
/// refined from real images (50 % is ideal). Test labels are used for testing alone.
#[derive(Args, Debug)]
#[command(mut_arg("gaze_steps", |arg| arg.alias("steps")), mut_arg("gaze_batch", |arg| arg.alias("batch")))]
pub(crate) struct EvaluateArguments {
    /// A run (its best checkpoint, or else its last) or one checkpoint's folder.
    #[arg(long, value_name = "RUN|CHECKPOINT")]
    pub(crate) model: PathBuf,
    /// Labelled synthetic images; may be given more than once [default: the run's].
    #[arg(long, value_name = "SOURCE")]
    pub(crate) synthetic: Vec<String>,
    /// Labelled real images to test on, none of which the methods see; may be given more than once.
    #[arg(long, value_name = "SOURCE", required = true)]
    pub(crate) test: Vec<String>,
    /// Real images; may be given more than once [default: the run's].
    ///
    /// They serve realism, histogram and Fourier matching without their labels; a network learns from their labels, if all
    /// have some, as the floor.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) real: Vec<String>,
    /// Width and height in pixels to bring images to [default: the run's data.size].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Seed of simulators and of the first repetition [default: the run's].
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) measure: Measure,
    /// Write all figures, with those of each repetition, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write a page with the tables, the cumulative error, true against predicted gaze, the worst cases and a grid of
    /// images, and its pictures as PNG files. A new or empty folder, or an earlier report, which is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) compute: Compute,
}

/// How refiners are measured.
#[derive(Args, Debug)]
pub(crate) struct Measure {
    /// Synthetic images to learn from, and real ones, at most; as many again, up to 1000, are kept for label preservation and
    /// realism, a tenth if the source has no more.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = positive)]
    pub(crate) images: usize,
    /// Test images, at most [default: all; of a simulator 2000].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) test_images: Option<usize>,
    /// Also learn from N times as many images, synthetic and refined: the paper's "4x".
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub(crate) fold: usize,
    /// Repetitions of each training, the same weights and order for each method: what is printed is mean ± standard
    /// deviation over them.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = positive)]
    pub(crate) seeds: usize,
    /// Layers of the gaze network.
    #[arg(long, value_name = "NAME", default_value = "paper")]
    pub(crate) network: Network,
    /// Updates of each gaze network; the learning rate falls from 0.001 to 0 along half a cosine.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = positive)]
    pub(crate) gaze_steps: usize,
    /// Images of one update of a gaze network.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = positive)]
    pub(crate) gaze_batch: usize,
    /// Add, to synthetic and refined, networks whose batches are lightly augmented: shifts, scales, tones, blur, noise.
    #[arg(long)]
    pub(crate) augment: bool,
    /// Only these rows, separated by commas, such as synthetic,refined [default: all that the data allows].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) methods: Vec<MethodKind>,
}

/// Layers of the gaze network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    /// The paper's, its "FC 9600" being the flattened feature map: about 250 images a second on two cores.
    Paper,
    /// The paper's with one more layer of 9600 values, the other reading.
    Wide,
    /// Half of the feature maps, one hidden layer of 256: four times as fast.
    Half,
    /// A quarter of the feature maps, one hidden layer of 128: four times as fast again, for comparisons.
    Quarter,
}

impl From<Network> for simgan_eval::evaluation::GazeNetwork {
    fn from(network: Network) -> Self {
        match network {
            Network::Paper => Self::Paper,
            Network::Wide => Self::Wide,
            Network::Half => Self::Half,
            Network::Quarter => Self::Quarter,
        }
    }
}
