use candle_core::{Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use simgan_kernels::{Border, Precision};

use crate::ModelError;
use crate::conv::{Conv, check_channels, same_conv};
use crate::graph::Graph;
use crate::linear::{Linear, with_extra};

/// A plain convolutional network for classes and vectors: 3×3 convolutions, each with batch normalisation,
/// ReLU and a 2×2 max pool, then a hidden fully connected layer with ReLU and a linear one.
///
/// # Shapes
///
/// `(N, C, height, width)` of the config, in [−1, 1], and `(N, extra)` numbers → `(N, outputs)`: logits of
/// classes, or the numbers of a vector.
#[derive(Clone, Debug)]
pub struct Plain {
    input: [usize; 3],
    graph: Graph,
    maps: usize,
    hidden: Linear,
    head: Linear,
    extra: usize,
}

impl Plain {
    /// Creates the parameters `conv1.*`, `norm1.*`, `conv2.*`, …, `hidden.*` and `head.*`.
    ///
    /// # Errors
    ///
    /// If a value of the config is out of its range, or `vb` cannot provide a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `VarBuilder` is passed by value, as in all of candle"
    )]
    pub fn new(config: &PlainConfig, vb: VarBuilder) -> Result<Self, ModelError> {
        let flattened = config.flattened()?;
        let PlainConfig { channels, height, width, ref features, hidden, outputs, extra } = *config;
        let (mut graph, mut maps, mut input) = (Graph::default(), 0, channels);
        for (number, &output) in (1..).zip(features) {
            let options = same_conv(3, 1, Border::Zeros, false);
            let conv = Conv::new(input, output, 3, options, &vb.pp(format!("conv{number}")))?;
            maps = graph.conv(maps, conv, None);
            maps = graph.norm_relu(maps, output, &vb.pp(format!("norm{number}")))?;
            maps = graph.halve(maps);
            input = output;
        }
        let head_vb = vb.pp("head");
        let hidden_layer = Linear::new(flattened, hidden, &vb.pp("hidden"))?;
        let head = Linear::new(hidden + extra, outputs, &head_vb)?;
        Ok(Self { input: [channels, height, width], graph, maps, hidden: hidden_layer, head, extra })
    }

    /// Returns the same network, whose layers multiply in `precision`.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.graph.precision = precision;
        self
    }

    /// Returns the outputs. In training, batch normalisation takes the statistics of the batch.
    ///
    /// # Errors
    ///
    /// If the images or the numbers in `extra` do not have the shapes of the config, or a batch in training
    /// is too small.
    pub fn forward_t(
        &self,
        images: &Tensor,
        extra: Option<&Tensor>,
        train: bool,
    ) -> candle_core::Result<Tensor> {
        let features = with_extra(self.hidden(images, train)?, extra, self.extra)?;
        self.head.forward(&features, false, self.graph.precision)
    }

    /// Returns the outputs of the hidden layer, which serve to compare sets of images.
    ///
    /// # Shapes
    ///
    /// `(N, C, height, width)` → `(N, hidden)`.
    ///
    /// # Errors
    ///
    /// If the images do not have the channels and size of the config.
    pub fn features(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        self.hidden(images, false)
    }

    fn hidden(&self, images: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        if images.rank() != 4 || images.dims()[1..] != self.input {
            bail!("the network takes images (N, C, H, W) of {:?}, not {:?}", self.input, images.dims());
        }
        let maps = self.graph.forward(images, &[self.maps], train)?.swap_remove(0);
        self.hidden.forward(&maps.flatten_from(1)?, true, self.graph.precision)
    }
}

/// The architecture of a [`Plain`] network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlainConfig {
    /// Channels of the images, 1 to 64.
    pub channels: usize,
    /// Height of the images in pixels, at least 2 for each halving, at most 4096.
    pub height: usize,
    /// Width of the images in pixels, at least 2 for each halving, at most 4096.
    pub width: usize,
    /// Feature maps of the convolutions; a pool after each halves the maps. 1 to 8 of them, each 1 to 4096.
    pub features: Vec<usize>,
    /// Width of the hidden layer, 1 to 65,536.
    pub hidden: usize,
    /// Classes, or numbers of the vector; 1 to 65,536.
    pub outputs: usize,
    /// Numbers of a second input, appended to the outputs of the hidden layer; at most 65,536.
    pub extra: usize,
}

impl PlainConfig {
    /// The network for digits of 28×28 in ten classes: 422,000 parameters, the size of PyTorch's example.
    #[must_use]
    pub fn digits() -> Self {
        let features = vec![32, 64];
        Self { channels: 1, height: 28, width: 28, features, hidden: 128, outputs: 10, extra: 0 }
    }

    /// Returns the number of values in the last feature map.
    ///
    /// # Errors
    ///
    /// If a value is out of its range.
    pub fn flattened(&self) -> Result<usize, ModelError> {
        check_channels(self.channels)?;
        let Self { height, width, features, hidden, outputs, extra, .. } = self;
        let many = 1..=1 << 16;
        let in_range = (1..=8).contains(&features.len())
            && features.iter().all(|maps| (1..=4096).contains(maps))
            && many.contains(hidden)
            && many.contains(outputs)
            && extra <= many.end()
            && [height, width].iter().all(|&&side| side <= 4096);
        let [rows, columns] = [height, width].map(|side| side >> features.len().min(8));
        if !in_range || rows * columns == 0 {
            return Err(ModelError::Config(format!(
                "a plain network has 1 to 8 convolutions of 1 to 4096 features, each of which halves an image of at \
                 most 4096 pixels a side, and 1 to 65536 hidden and output values: {} convolutions of {} features, \
                 {hidden} hidden values and {outputs} outputs for images of {width}x{height} pixels are impossible",
                features.len(),
                features.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            )));
        }
        Ok(rows * columns * features[features.len() - 1])
    }
}

impl Default for PlainConfig {
    fn default() -> Self {
        Self::digits()
    }
}
