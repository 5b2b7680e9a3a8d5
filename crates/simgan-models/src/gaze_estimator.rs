use candle_core::{Module, Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use simgan_kernels::{Conv2d, MaxPool2d, Precision, Stage, sequential_in};

use crate::ModelError;
use crate::conv::Conv;
use crate::linear::{Linear, with_extra};

/// The paper's gaze network (§3.1), which measures whether refined images are better training data.
///
/// 3×3 convolutions without padding, and max pools of stride 2: 32, 32 and 64 features, pool 3×3, 80 and 192
/// features, pool 2×2; then fully connected layers. A ReLU follows each convolution and hidden layer.
///
/// # Shapes
///
/// `(N, C, height, width)` of the config, in [−1, 1] → `(N, outputs)`: three, the gaze in camera coordinates.
/// The vector is not normalised: the network is trained with the L2 loss on unit vectors, and only the
/// direction counts. A network with a second input, such as the head pose, takes `(N, extra)` numbers too and
/// appends them to the outputs of the last hidden layer, as Zhang et al. (CVPR 2015) do.
#[derive(Clone, Debug)]
pub struct GazeEstimator {
    input: [usize; 3],
    convs: [Conv; 5],
    hidden: Vec<Linear>,
    head: Linear,
    extra: usize,
    precision: Precision,
}

impl GazeEstimator {
    /// Creates the parameters `conv1.*` … `conv5.*`, `hidden1.*` … and `head.*`.
    ///
    /// # Errors
    ///
    /// If the images are too small, the config has a zero, or `vb` cannot provide a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `VarBuilder` is passed by value, as in all of candle"
    )]
    pub fn new(config: &GazeEstimatorConfig, vb: VarBuilder) -> Result<Self, ModelError> {
        let mut size = config.flattened()?;
        let GazeEstimatorConfig { channels, height, width, features, ref hidden, outputs, extra } = *config;
        let conv = |idx: usize| {
            let input = if idx == 0 { channels } else { features[idx - 1] };
            let options = Conv2d { relu: true, ..Conv2d::default() };
            Conv::new(input, features[idx], 3, options, &vb.pp(format!("conv{}", idx + 1)))
        };
        let convs = [conv(0)?, conv(1)?, conv(2)?, conv(3)?, conv(4)?];
        let mut layers = Vec::with_capacity(hidden.len());
        for (idx, width) in hidden.iter().enumerate() {
            layers.push(Linear::new(size, *width, &vb.pp(format!("hidden{}", idx + 1)))?);
            size = *width;
        }
        let head = Linear::new(size + extra, outputs, &vb.pp("head"))?;
        let input = [channels, height, width];
        Ok(Self { input, convs, hidden: layers, head, extra, precision: Precision::F32 })
    }
}

impl GazeEstimator {
    /// Returns the same network, whose layers multiply in `precision`.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Returns all parameters with their names; they share memory with the network.
    /// [`Parameters::load`](crate::Parameters::load) reads them back once
    /// [`write_tensors`](crate::write_tensors) has written them.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let convs = self.convs.iter().map(|conv| (conv.layer().weight, conv.layer().bias));
        let hidden = self.hidden.iter().map(|layer| (&layer.weight, &layer.bias));
        let named = |name: String, (weight, bias): (&Tensor, &Tensor)| {
            [(format!("{name}.weight"), weight.detach()), (format!("{name}.bias"), bias.detach())]
        };
        let convs = (1..).zip(convs).flat_map(|(number, layer)| named(format!("conv{number}"), layer));
        let hidden = (1..).zip(hidden).flat_map(|(number, layer)| named(format!("hidden{number}"), layer));
        let head = named("head".to_owned(), (&self.head.weight, &self.head.bias));
        convs.chain(hidden).chain(head).collect()
    }

    /// Returns the outputs of the last hidden layer, or the flattened feature map if there is none. The gaze
    /// is a linear function of them; as features they serve to compare sets of images.
    ///
    /// # Shapes
    ///
    /// `(N, C, height, width)` → `(N, width of the last hidden layer)`.
    ///
    /// # Errors
    ///
    /// If the images do not have the channels and size of the config.
    pub fn features(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        // Otherwise images of another size would fail only in the first fully connected layer, with a message
        // about matrices.
        if images.rank() != 4 || images.dims()[1..] != self.input {
            bail!("the gaze network takes images (N, C, H, W) of {:?}, not {:?}", self.input, images.dims());
        }
        let [conv1, conv2, conv3, conv4, conv5] =
            self.convs.each_ref().map(|conv| Stage::Conv(conv.layer(), conv.options()));
        let pool = |kernel| Stage::MaxPool(MaxPool2d { kernel, stride: 2, padding: 0 });
        let stages = [conv1, conv2, conv3, pool(3), conv4, conv5, pool(2)];
        let mut features = sequential_in(images, &stages, self.precision)?.flatten_from(1)?;
        for layer in &self.hidden {
            features = layer.forward(&features, true, self.precision)?;
        }
        Ok(features)
    }

    /// Returns the outputs for images and, if the network has a second input, its numbers `(N, extra)`.
    ///
    /// # Errors
    ///
    /// If the images or the numbers do not have the shapes of the config.
    pub fn forward_with(&self, images: &Tensor, extra: Option<&Tensor>) -> candle_core::Result<Tensor> {
        let features = with_extra(self.features(images)?, extra, self.extra)?;
        self.head.forward(&features, false, self.precision)
    }
}

impl Module for GazeEstimator {
    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_with(images, None)
    }
}

/// The architecture of a [`GazeEstimator`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GazeEstimatorConfig {
    /// Channels of the images, 1 in the paper.
    pub channels: usize,
    /// Height of the images in pixels, at least 19.
    pub height: usize,
    /// Width of the images in pixels, at least 19.
    pub width: usize,
    /// Feature maps of the five convolutions.
    pub features: [usize; 5],
    /// Widths of the hidden fully connected layers.
    pub hidden: Vec<usize>,
    /// Numbers to estimate, 3 in the paper; at most 65,536.
    pub outputs: usize,
    /// Numbers of a second input, such as the head pose: 0 in the paper, at most 65,536.
    pub extra: usize,
}

impl GazeEstimatorConfig {
    /// The paper's network for gray 35×55 images (height × width), with 9.8 M parameters. Its "FC 9600" is
    /// read as the flattened map, which has exactly 192·5·10 = 9,600 values; FC 1000 and FC 3 follow.
    #[must_use]
    pub fn eye_gaze() -> Self {
        let (features, hidden) = ([32, 32, 64, 80, 192], vec![1000]);
        Self { channels: 1, height: 35, width: 55, features, hidden, outputs: 3, extra: 0 }
    }

    /// The other reading of "FC 9600": a layer of that width on top of the flattened map; 102 M parameters.
    #[must_use]
    pub fn eye_gaze_wide() -> Self {
        Self { hidden: vec![9600, 1000], ..Self::eye_gaze() }
    }

    /// Returns the number of values in the last feature map: the input width of the first fully connected
    /// layer.
    ///
    /// # Errors
    ///
    /// If the images are too small or a number of the config is 0.
    pub fn flattened(&self) -> Result<usize, ModelError> {
        if self.channels == 0 || self.features.contains(&0) || self.hidden.contains(&0) {
            let list =
                |numbers: &[usize]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(ModelError::Config(format!(
                "a gaze network of {} channels, {} features and {} hidden values is impossible: every number must be \
                 at least 1",
                self.channels,
                list(&self.features),
                list(&self.hidden)
            )));
        }
        if !(1..=1 << 16).contains(&self.outputs) || self.extra > 1 << 16 {
            return Err(ModelError::Config(format!(
                "a gaze network estimates 1 to 65536 numbers from an image and at most 65536 others, \
                 not {} from {}",
                self.outputs, self.extra
            )));
        }
        match (map_size(self.height), map_size(self.width)) {
            (Some(height), Some(width)) => Ok(self.features[4] * height * width),
            _ => {
                let size = format!("{}×{}", self.height, self.width);
                let text = format!("images of {size} are too small for the gaze network, which needs 19×19");
                Err(ModelError::Config(text))
            }
        }
    }
}

impl Default for GazeEstimatorConfig {
    fn default() -> Self {
        Self::eye_gaze()
    }
}

/// The last map's size along an axis: three convolutions, a pool, two convolutions, a pool.
fn map_size(image: usize) -> Option<usize> {
    let pooled = image.checked_sub(6)?.checked_sub(3)? / 2 + 1;
    Some(pooled.checked_sub(4)?.checked_sub(2)? / 2 + 1)
}
