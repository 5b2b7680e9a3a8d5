use candle_core::{Module, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::conv::{BorderName, Conv, same_conv};
use simgan_kernels::{Border, MaxPool2d};

/// The discriminator D (§2.2): for each local patch the logits of "real" and "refined".
///
/// Each convolution but the last is followed by a ReLU; the softmax over the two logits is part of the loss.
///
/// # Shapes
///
/// `(N, C, H, W)` in [−1, 1] → logits `(N, 2, h, w)`, channel 0 = real, 1 = refined. For 35×55 eye images the map
/// is 9×14. With `local = false` it is the global variant of the paper's ablation: the logits are averaged over the
/// map, so that one decision `(N, 2, 1, 1)` is taken for the whole image.
#[derive(Clone, Debug)]
pub struct Discriminator {
    stages: Vec<Stage>,
    local: bool,
}

impl Discriminator {
    /// Creates the parameters `conv1.*`, `conv2.*`, … in order.
    ///
    /// # Errors
    ///
    /// If the config has an even kernel or a zero, or `vb` cannot provide a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `VarBuilder` is passed by value, as in all of candle"
    )]
    pub fn new(config: &DiscriminatorConfig, vb: VarBuilder) -> Result<Self, ModelError> {
        config.validate()?;
        let (mut stages, mut input, mut n_convs) = (Vec::new(), config.channels, 0);
        let last = Layer::Conv { kernel: 1, stride: 1, features: 2 };
        for (layer_idx, layer) in config.layers.iter().chain([&last]).enumerate() {
            stages.push(match *layer {
                Layer::Conv { kernel, stride, features } => {
                    n_convs += 1;
                    let relu = layer_idx < config.layers.len(); // the logits are free to be negative
                    let options = same_conv(kernel, stride, config.border, relu);
                    let conv = Conv::new(input, features, kernel, options, &vb.pp(format!("conv{n_convs}")))?;
                    input = features;
                    Stage::Conv(conv)
                }
                Layer::MaxPool { kernel, stride } => {
                    Stage::MaxPool(MaxPool2d { kernel, stride, padding: kernel / 2 })
                }
            });
        }
        Ok(Self { stages, local: config.local })
    }

    /// The same discriminator, sharing its memory, without gradients for its parameters: for the refiner's step,
    /// which needs only the gradient of the image. It follows the parameters as they are updated.
    #[must_use]
    pub fn frozen(&self) -> Self {
        let freeze = |stage: &Stage| match stage {
            Stage::Conv(conv) => Stage::Conv(conv.frozen()),
            Stage::MaxPool(pool) => Stage::MaxPool(*pool),
        };
        Self { stages: self.stages.iter().map(freeze).collect(), local: self.local }
    }
}

impl Module for Discriminator {
    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let stages: Vec<_> = self.stages.iter().map(Stage::kernel).collect();
        let map = simgan_kernels::sequential(images, &stages)?;
        if self.local { Ok(map) } else { map.mean_keepdim((2, 3)) }
    }
}

#[derive(Clone, Debug)]
enum Stage {
    Conv(Conv),
    MaxPool(MaxPool2d),
}

impl Stage {
    fn kernel(&self) -> simgan_kernels::Stage<'_> {
        match self {
            Self::Conv(conv) => simgan_kernels::Stage::Conv(conv.layer(), conv.options()),
            Self::MaxPool(pool) => simgan_kernels::Stage::MaxPool(*pool),
        }
    }
}

/// One layer before the final 1×1 convolution to two logits. Sizes are padded by half the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Layer {
    /// Convolution and ReLU.
    Conv {
        /// Size of the filters, odd.
        kernel: usize,
        /// Distance of neighbouring outputs.
        stride: usize,
        /// Feature maps.
        features: usize,
    },
    /// The maximum over a window.
    MaxPool {
        /// Size of the window, odd.
        kernel: usize,
        /// Distance of neighbouring outputs.
        stride: usize,
    },
}

/// What a [`Discriminator`] looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscriminatorConfig {
    /// Channels of the images, as the refiner's.
    pub channels: usize,
    /// The layers before the final 1×1 convolution.
    pub layers: Vec<Layer>,
    /// `true`: a decision per patch (§2.2). `false`: one per image, for the ablation.
    pub local: bool,
    /// What lies outside the image. D sees real and refined images alike, so zeros, as usual, do no harm.
    #[serde(with = "BorderName")]
    pub border: Border,
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

    fn with_layers(layers: Vec<Layer>) -> Self {
        Self { channels: 1, layers, local: true, border: Border::Zeros }
    }

    fn validate(&self) -> Result<(), ModelError> {
        if self.channels == 0 {
            return Err(ModelError::Config("discriminator.channels is 0, but must be at least 1".into()));
        }
        for (layer_idx, layer) in self.layers.iter().enumerate() {
            let (kernel, stride, features) = match *layer {
                Layer::Conv { kernel, stride, features } => (kernel, stride, features),
                Layer::MaxPool { kernel, stride } => (kernel, stride, 1),
            };
            if kernel % 2 == 0 || stride == 0 || features == 0 {
                let must = "the kernel must be odd, stride and features at least 1";
                let text = format!("discriminator.layers[{layer_idx}] is impossible: {layer:?}; {must}");
                return Err(ModelError::Config(text));
            }
        }
        Ok(())
    }
}

impl Default for DiscriminatorConfig {
    fn default() -> Self {
        Self::eye_gaze()
    }
}
