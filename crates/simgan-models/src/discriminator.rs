use candle_core::{Module, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::conv::{BORDERS, BorderName, Conv, check_channels, same_conv};
use crate::relief::{planes, with_relief};
use crate::spectral_norm::SpectralNorm;
use simgan_kernels::{Border, Conv2d, MaxPool2d, Precision, max_pool2d};
use simgan_settings::{OutOfRange, Range, check, settings};

/// The discriminator D (§2.2): the logits of "real" and "refined" for each local patch.
///
/// A ReLU follows every convolution but the last; the softmax over the two logits is part of the loss.
///
/// # Shapes
///
/// `(N, C, H, W)` in [−1, 1] → logits `(N, 2, h, w)`, channel 0 = real, 1 = refined. For 35×55 eye images the
/// map is 9×14. With `local = false`, the global variant of the paper's ablation, the logits are averaged
/// over the map: one decision `(N, 2, 1, 1)` for the whole image.
#[derive(Clone, Debug)]
pub struct Discriminator {
    stages: Vec<Stage>,
    local: bool,
    relief: usize,
    precision: Precision,
}

impl Discriminator {
    /// Creates the parameters `conv1.*`, `conv2.*`, … in order. With `spectral_norm`, each convolution also
    /// gets the buffers `u` and `v`; before the first use, they need some iterations of
    /// [`Self::iterate_norms`], or to be loaded.
    ///
    /// `channels` is the number of channels of the images, the same as the refiner's.
    ///
    /// # Errors
    ///
    /// If a value of the config is out of its range, `channels` is not from 1 to 64, or `vb`
    /// cannot provide a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `VarBuilder` is passed by value, as in all of candle"
    )]
    pub fn new(config: &DiscriminatorConfig, channels: usize, vb: VarBuilder) -> Result<Self, ModelError> {
        config.check()?;
        check_channels(channels)?;
        let (mut stages, mut input, mut n_convs) = (Vec::new(), channels * planes(config.relief), 0);
        let last = Layer::Conv { kernel: 1, stride: 1, features: 2 };
        for (layer_idx, layer) in config.layers.iter().chain([&last]).enumerate() {
            stages.push(match *layer {
                Layer::Conv { kernel, stride, features } => {
                    n_convs += 1;
                    let relu = layer_idx < config.layers.len(); // logits may be negative
                    let options = same_conv(kernel, stride, config.border, relu);
                    let vb = vb.pp(format!("conv{n_convs}"));
                    let conv = Conv::new(input, features, kernel, options, &vb)?;
                    let norm = || SpectralNorm::new(conv.weight(), &vb);
                    let norm = config.spectral_norm.then(norm).transpose()?;
                    input = features;
                    Stage::Conv(conv, norm)
                }
                Layer::MaxPool { kernel, stride } => {
                    Stage::MaxPool(MaxPool2d { kernel, stride, padding: kernel / 2 })
                }
            });
        }
        Ok(Self { stages, local: config.local, relief: config.relief, precision: Precision::F32 })
    }

    /// Returns the same discriminator without gradients for its parameters, for the refiner's step, which
    /// needs only the gradient of the image. It shares the parameters' memory and follows their updates.
    #[must_use]
    pub fn frozen(&self) -> Self {
        let freeze = |stage: &Stage| match stage {
            Stage::Conv(conv, norm) => Stage::Conv(conv.frozen(), norm.clone()),
            Stage::MaxPool(pool) => Stage::MaxPool(*pool),
        };
        let stages = self.stages.iter().map(freeze).collect();
        let Self { local, relief, precision, .. } = *self;
        Self { stages, local, relief, precision }
    }

    /// Returns the same discriminator, which multiplies in `precision`.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Returns which patches depend on a marked pixel, `(N, 1, h, w)`: 1 if one does, otherwise 0. A global
    /// discriminator returns the share of them, `(N, 1, 1, 1)`.
    ///
    /// # Shapes
    ///
    /// `marks` of pixels `(N, 1, H, W)`, each 0 or 1.
    ///
    /// # Errors
    ///
    /// If an operation on tensors fails.
    pub fn patches_with(&self, marks: &Tensor) -> candle_core::Result<Tensor> {
        let marked = |marks: Tensor, stage: &Stage| max_pool2d(&marks, stage.window());
        let map = self.stages.iter().try_fold(marks.detach(), marked)?;
        if self.local { Ok(map) } else { map.mean_keepdim((2, 3)) }
    }

    /// Brings the spectral norms up to date with the weights by `n` power iterations. Nothing happens without
    /// `spectral_norm`.
    ///
    /// # Errors
    ///
    /// If an operation on tensors fails.
    pub fn iterate_norms(&self, n: usize) -> candle_core::Result<()> {
        self.stages.iter().try_for_each(|stage| match stage {
            Stage::Conv(conv, Some(norm)) => norm.iterate(conv.weight(), n),
            Stage::Conv(_, None) | Stage::MaxPool(_) => Ok(()),
        })
    }
}

impl Module for Discriminator {
    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let stages = self.stages.iter().map(Stage::normalized).collect::<candle_core::Result<Vec<_>>>()?;
        let stages: Vec<_> = stages.iter().map(Stage::kernel).collect();
        let images = with_relief(images, self.relief)?;
        let map = simgan_kernels::sequential_in(&images, &stages, self.precision)?;
        if self.local { Ok(map) } else { map.mean_keepdim((2, 3)) }
    }
}

#[derive(Clone, Debug)]
enum Stage {
    Conv(Conv, Option<SpectralNorm>),
    MaxPool(MaxPool2d),
}

impl Stage {
    /// The stage with the weights that it applies. The fused operation takes them as they are, and their
    /// gradient flows on through the norm.
    fn normalized(&self) -> candle_core::Result<Self> {
        Ok(match self {
            Self::Conv(conv, Some(norm)) => {
                Self::Conv(conv.with_weight(norm.normalized(conv.weight())?), None)
            }
            plain => plain.clone(),
        })
    }

    /// What one output of the stage depends on.
    fn window(&self) -> MaxPool2d {
        match self {
            Self::Conv(conv, _) => {
                let Conv2d { stride, padding, .. } = conv.options();
                MaxPool2d { kernel: 2 * padding + 1, stride, padding }
            }
            Self::MaxPool(pool) => *pool,
        }
    }

    fn kernel(&self) -> simgan_kernels::Stage<'_> {
        match self {
            Self::Conv(conv, _) => simgan_kernels::Stage::Conv(conv.layer(), conv.options()),
            Self::MaxPool(pool) => simgan_kernels::Stage::MaxPool(*pool),
        }
    }
}

impl Layer {
    /// Checks the ranges of the values; `key` names the layer in the error.
    fn check(&self, key: &str) -> Result<(), OutOfRange> {
        let allowed = LAYERS.to_owned();
        let (kernel, stride, features) = match *self {
            Self::Conv { kernel, stride, features } => (kernel, stride, features),
            Self::MaxPool { kernel, stride } => (kernel, stride, 1),
        };
        let fits = kernel % 2 == 1
            && (1..=31).contains(&kernel)
            && (1..=32).contains(&stride)
            && (1..=4096).contains(&features);
        if fits {
            return Ok(());
        }
        let value =
            toml::Value::try_from(self).map_or_else(|_| format!("{self:?}"), |layer| layer.to_string());
        Err(OutOfRange { key: key.to_owned(), value, allowed })
    }
}

/// The allowed layers, in words; [`Layer::check`] checks what a [`Range`] cannot express.
const LAYERS: &str =
    "at most 64 layers, with odd kernels from 1 to 31, strides from 1 to 32 and features from 1 to 4096";

/// A layer before the final 1×1 convolution to two logits, padded by half its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// Convolution and ReLU.
    Conv {
        /// Side of the filters in pixels, odd.
        kernel: usize,
        /// Step between neighbouring outputs, in pixels of the input.
        stride: usize,
        /// Feature maps.
        features: usize,
    },
    /// Max pooling.
    MaxPool {
        /// Side of the window in pixels, odd.
        kernel: usize,
        /// Step between neighbouring outputs, in pixels of the input.
        stride: usize,
    },
}

settings! {
    /// The discriminator D: layers, then a 1×1 convolution to two logits for each patch (§3.1).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DiscriminatorConfig {
        /// The layers, in order: `{ conv = { kernel, stride, features } }`, a convolution with ReLU, or
        /// `{ max_pool = { kernel, stride } }`. Each layer is padded by half its kernel.
        layers: Vec<Layer> = Range::Form(LAYERS, |layers| layers.as_array().is_some_and(|all| all.len() <= 64)),
        /// Whether D decides for each patch (§2.2) or once for the whole image, the paper's ablation.
        local: bool = Range::Flag,
        /// What convolutions read outside the image: the nearest pixel, or zeros (middle gray). D sees the
        /// same frame on real and on refined images, so it learns nothing from it.
        #[serde(with = "BorderName")]
        border: Border = BORDERS,
        /// Whether the weights of each convolution are divided by their largest singular value, so that D's
        /// logits change at most as fast as its input (spectral normalisation: Miyato et al., ICLR 2018). One
        /// power iteration with each update of D keeps the value up to date.
        #[serde(default)]
        spectral_norm: bool = Range::Flag,
        /// Beside an image D sees its relief, as R does with `refiner.relief`. It does not depend on whether a pixel
        /// itself was measured, so that D learns how often pixels are missing at a step in depth. 0 turns it off.
        #[serde(default)]
        relief: usize = Range::Whole(0, 1000),
    }
}

impl DiscriminatorConfig {
    /// The paper's discriminator of eye images (§3.1); 75,906 parameters.
    #[must_use]
    pub fn eye_gaze() -> Self {
        Self::with_layers(vec![
            Layer::Conv { kernel: 3, stride: 2, features: 96 },
            Layer::Conv { kernel: 3, stride: 2, features: 64 },
            Layer::MaxPool { kernel: 3, stride: 1 },
            Layer::Conv { kernel: 3, stride: 1, features: 32 },
            Layer::Conv { kernel: 1, stride: 1, features: 32 },
        ])
    }

    /// The paper's discriminator of depth images of hands (§3.2).
    #[must_use]
    pub fn hand_pose() -> Self {
        Self::with_layers(vec![
            Layer::Conv { kernel: 7, stride: 4, features: 96 },
            Layer::Conv { kernel: 5, stride: 2, features: 64 },
            Layer::MaxPool { kernel: 3, stride: 2 },
            Layer::Conv { kernel: 3, stride: 2, features: 32 },
            Layer::Conv { kernel: 1, stride: 1, features: 32 },
        ])
    }

    /// Layers that see texture but no shapes: 9 pixels. A pupil or an iris does not fit, so that R gains
    /// nothing by moving one.
    #[must_use]
    pub fn texture() -> Self {
        Self::with_layers(vec![
            Layer::Conv { kernel: 3, stride: 1, features: 48 },
            Layer::Conv { kernel: 3, stride: 2, features: 64 },
            Layer::Conv { kernel: 3, stride: 1, features: 32 },
        ])
    }

    /// The paper's discriminator of eye images without its pooling: 15 pixels, between texture and shapes.
    #[must_use]
    pub fn middle() -> Self {
        let mut config = Self::eye_gaze();
        config.layers.retain(|layer| matches!(layer, Layer::Conv { .. }));
        config
    }

    /// Side in pixels of the part of an image that one decision depends on, inside the image; a global
    /// discriminator decides on the mean of such decisions.
    #[must_use]
    pub fn field_px(&self) -> usize {
        let (mut field, mut step) = (1_usize, 1_usize);
        for layer in &self.layers {
            let (Layer::Conv { kernel, stride, .. } | Layer::MaxPool { kernel, stride }) = *layer;
            // Strides multiply, and there may be many layers.
            field = field.saturating_add(step.saturating_mul(kernel.saturating_sub(1)));
            step = step.saturating_mul(stride);
        }
        field
    }

    fn with_layers(layers: Vec<Layer>) -> Self {
        Self { layers, local: true, border: Border::Zeros, spectral_norm: false, relief: 0 }
    }

    /// Checks the ranges of all values and layers.
    ///
    /// # Errors
    ///
    /// Returns the first value that is out of its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        check("discriminator", Self::SETTINGS, self)?;
        for (layer_idx, layer) in self.layers.iter().enumerate() {
            layer.check(&format!("discriminator.layers[{layer_idx}]"))?;
        }
        Ok(())
    }
}

impl Default for DiscriminatorConfig {
    fn default() -> Self {
        Self::eye_gaze()
    }
}
