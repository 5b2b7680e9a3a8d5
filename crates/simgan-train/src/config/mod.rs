//! The configuration of a run: what is in it, where it comes from, how it is checked.

mod error;
mod overlay;
mod recipe;
mod size;
#[cfg(test)]
mod tests;
mod validate;

use serde::{Deserialize, Serialize};
use simgan_data::{Crop, Fit, OnError};
use simgan_models::{DiscriminatorConfig, Layer, RefinerConfig};

pub use self::error::ConfigError;
pub use self::recipe::Recipe;
pub use self::size::DataSize;
pub use simgan_optim::{OptimizerConfig, OptimizerKind};

/// Version of the configuration's format, `version` in the file.
pub const CONFIG_VERSION: u32 = 1;

/// Everything that decides what a run computes. Complete: there are no values outside it.
///
/// Start from a [`Recipe`], lay a file and single values over it with [`TrainConfig::resolve`].
///
/// ```
/// use simgan_train::{Recipe, TrainConfig};
///
/// let file = "recipe = \"eye-gaze\"\n[loss]\nlambda = 4.0";
/// let config = TrainConfig::resolve(None, Some(file), &["schedule.k_g=1".to_owned()])?;
/// assert_eq!(config.data.batch, 512); // the recipe's
/// assert_eq!((config.loss.lambda, config.schedule.k_g), (4.0, 1));
///
/// let again = TrainConfig::resolve(None, Some(&config.resolved()), &[])?;
/// assert_eq!(again, config);
/// # Ok::<(), simgan_train::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Format version, [`CONFIG_VERSION`].
    pub version: u32,
    /// The recipe that the other values were taken from where nothing else was said.
    pub recipe: Recipe,
    /// Every random number of the run follows from it.
    pub seed: u64,
    /// The images.
    pub data: DataConfig,
    /// The refiner R.
    pub refiner: RefinerNet,
    /// The discriminator D.
    pub discriminator: DiscriminatorNet,
    /// What is minimised.
    pub loss: LossConfig,
    /// The history of refined images (§2.3).
    pub history: HistoryConfig,
    /// How many steps of what.
    pub schedule: ScheduleConfig,
    /// How the weights follow the gradients.
    pub optim: OptimConfig,
    /// The running average of R's weights.
    pub ema: EmaConfig,
    /// How the best checkpoint is chosen.
    pub selection: SelectionConfig,
    /// What is written, and when.
    pub output: OutputConfig,
}

/// `[data]`: the images and how they become batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Synthetic images: paths or simulators, several become one source.
    pub synthetic: Vec<String>,
    /// Real images, without labels.
    pub real: Vec<String>,
    /// `"WIDTHxHEIGHT"` in pixels, or `"source"`: as the images are, which must then all have one size.
    pub size: DataSize,
    /// What is cut out of UnityEyes' renders first: `"fixed"`, 140×84 of 640×480 pixels around the lids; `"eye-width"`,
    /// 1.5 times as wide as the eye; `"none"`; or `"auto"`, `"fixed"` where the eye is less than a third of the render.
    pub crop: Crop,
    /// How an image of another size is brought to `size`.
    pub fit: Fit,
    /// 1 (gray) or 3 (RGB); images are converted.
    pub channels: usize,
    /// Images in a mini-batch b, for each of the two sources. Even: half a batch comes from the history.
    pub batch: usize,
    /// Threads that decode images, for each of the two sources. Has no influence on the result.
    pub workers: usize,
    /// What to do with an image that cannot be read: `"fail"`, or `"skip"` and count it.
    pub on_error: OnError,
}

/// `[refiner]`: R is convolution, `blocks` residual blocks, convolution 1×1 (§3.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefinerNet {
    /// Feature maps of every layer but the last.
    pub features: usize,
    /// Residual blocks.
    pub blocks: usize,
    /// Side of the filters in the residual blocks, odd.
    pub kernel: usize,
    /// Side of the first convolution's filters, odd.
    pub stem_kernel: usize,
    /// What lies beyond the image's edge: `"replicate"` or `"zeros"`.
    pub border: Border,
}

/// `[discriminator]`: D is `layers`, then a convolution 1×1 to two logits for each patch (§3.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscriminatorNet {
    /// `{ conv = { kernel, stride, features } }` (with ReLU) and `{ max_pool = { kernel, stride } }`, kernels odd.
    pub layers: Vec<Layer>,
    /// `true`: a decision for each patch (§2.2). `false`: one for the image, the paper's ablation.
    pub local: bool,
    /// What lies beyond the image's edge: `"replicate"` or `"zeros"`.
    pub border: Border,
    /// Pixels by which each image, real or refined, is moved at random before D sees it, at most and along each axis; 0
    /// turns it off, as in the paper. Then D cannot tell by where things are in the image, and does not learn few real
    /// images by heart (differentiable augmentation: Zhao, Liu, Lin, Zhu and Han, NeurIPS 2020).
    #[serde(default)]
    pub translation: usize,
}

/// What convolutions see beyond the image's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The outermost pixels again.
    Replicate,
    /// Zeros, middle gray.
    Zeros,
}

/// `[loss]`: mean cross-entropy per patch + `lambda` × mean |ψ(R(x)) − ψ(x)| per pixel (eq. 4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// λ, on the *mean* scale: both terms are means, over patches and over pixels of the [−1, 1] range, so that λ
    /// means the same for every batch and image size. The paper sums both. With 126 patches and 1,925 pixels
    /// (55 × 35) this λ is 1925 / 126 = 15.28 × the λ of the paper's summed scale.
    pub lambda: f64,
    /// ψ of the self-regularization: `"identity"`, `"derivatives"`, `"mean-color"` or `"network"` (§2.1).
    pub psi: Psi,
    /// The folder of a checkpoint of an earlier run, for `psi = "network"`; otherwise empty. ψ is then what that
    /// run's refiner computes before its last convolution, frozen.
    pub psi_model: String,
    /// Weight of R's adversarial term, 1 in eq. 4. With 0 the refiner only copies: an ablation.
    pub adversarial: f64,
}

/// ψ, the feature transform in which R(x) stays near x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Psi {
    /// The pixels themselves, the paper's choice unless stated.
    Identity,
    /// Horizontal and vertical derivatives.
    Derivatives,
    /// The mean of the colour channels.
    MeanColor,
    /// The feature maps of a refiner that was trained before, `loss.psi_model`.
    Network,
}

/// `[history]`: refined images of earlier refiners, half of D's refined batch (§2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryConfig {
    /// B in images; 0 turns the history off.
    pub capacity: usize,
}

/// `[schedule]`: the steps of Algorithm 1 and of the two pretrainings before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Steps of R alone on the self-regularization, before everything else.
    pub pretrain_refiner: u64,
    /// Steps of D alone, after R's pretraining.
    pub pretrain_discriminator: u64,
    /// T, iterations of Algorithm 1, counted from the run's beginning.
    pub steps: u64,
    /// Refiner updates in one iteration.
    pub k_g: usize,
    /// Discriminator updates in one iteration.
    pub k_d: usize,
}

/// `[optim]`: one optimizer for each network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimConfig {
    /// For R.
    pub refiner: OptimizerConfig,
    /// For D.
    pub discriminator: OptimizerConfig,
}

/// `[ema]`: a running average of R's weights, which v2 of the paper calls complementary to the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaConfig {
    /// How much of the average stays at each step, in [0, 1); 0 turns it off. When on, the average is what the
    /// checkpoint's `refiner.safetensors` holds and what the sample grids show.
    pub decay: f64,
}

/// `[selection]`: the best checkpoint is the one whose refined images a fresh classifier tells least from real ones,
/// among those that preserve labels within the limits. Labels of real images are never looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionConfig {
    /// Steps between two judgements in the adversarial phase, each of a checkpoint of its own; the end is judged too. 0
    /// turns the selection off.
    pub every: u64,
    /// Synthetic and real images that are looked at, of each at most so many: the same at each judgement.
    pub images: usize,
    /// Largest mean distance by which pupils may move, in pixels of a 55-pixel-wide eye.
    pub max_shift_px: f64,
    /// Largest mean of its signed change along an axis.
    pub max_drift_px: f64,
    /// Largest mean |R(x) − x|, of the range [−1, 1]. Counts only where synthetic images have no landmarks of an iris.
    pub max_change: f64,
}

impl Default for SelectionConfig {
    /// Off. A pupil's centre moved by 1.1 px in the paper (§3.1), and beyond a change of 0.2 lids and whites of the eye
    /// turned into something else.
    fn default() -> Self {
        Self { every: 0, images: 512, max_shift_px: 1.1, max_drift_px: 0.5, max_change: 0.2 }
    }
}

/// `[output]`: intervals in steps, counted over all phases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    /// Steps between two lines of `metrics.jsonl`.
    pub log_every: u64,
    /// Steps between two sample grids; 0 writes only the last.
    pub sample_every: u64,
    /// Steps between two checkpoints; 0 writes only the last.
    pub checkpoint_every: u64,
    /// The newest checkpoints that are kept.
    pub keep_last: usize,
    /// Checkpoints at multiples of this are kept for ever; 0 keeps none.
    pub keep_every: u64,
}

impl TrainConfig {
    /// R as its own crate describes it.
    #[must_use]
    pub fn refiner_config(&self) -> RefinerConfig {
        let RefinerNet { features, blocks, kernel, stem_kernel, border } = self.refiner;
        let border = border.into();
        RefinerConfig { channels: self.data.channels, features, blocks, kernel, stem_kernel, border }
    }

    /// D as its own crate describes it.
    #[must_use]
    pub fn discriminator_config(&self) -> DiscriminatorConfig {
        let DiscriminatorNet { layers, local, border, .. } = self.discriminator.clone();
        DiscriminatorConfig { channels: self.data.channels, layers, local, border: border.into() }
    }
}

impl From<Border> for simgan_models::Border {
    fn from(border: Border) -> Self {
        match border {
            Border::Replicate => Self::Replicate,
            Border::Zeros => Self::Zeros,
        }
    }
}
