use candle_core::{Tensor, bail};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use simgan_kernels::{Border, Conv2d, Precision};

use crate::ModelError;
use crate::conv::{Conv, check_channels, same_conv};
use crate::graph::Graph;

/// Stacked Hourglass (Newell et al., 2016), the estimator of the paper's hand experiment (§3.2), in the form
/// that its authors released.
///
/// A stem reduces images to a quarter of their size. Each stack is an hourglass of residual blocks, which
/// halves the maps `depth` times and doubles them again with skip connections, and a head that draws one heat
/// map for each point; features and heat maps are added to the input of the next stack.
///
/// # Shapes
///
/// `(N, C, height, width)` of the config, in [−1, 1] → heat maps `(N, stacks, points, h, w)`, a cell for each 4×4
/// pixels. An hourglass needs sides that are multiples of 4 · 2^depth: other images are extended to the right and
/// downwards by their last column and row, and so are their maps.
#[derive(Clone, Debug)]
pub struct Hourglass {
    graph: Graph,
    /// Numbers of the heat maps of each stack, and of the features before the last ones.
    maps: Vec<usize>,
    features: usize,
    input: [usize; 3],
    /// The sides of the extended images are multiples of this.
    step: usize,
}

impl Hourglass {
    /// Creates the parameters `stem.*`, then for each stack, counted from 1, `stack1.hourglass.*`,
    /// `stack1.head.*`, `stack1.maps.*` and, but for the last, `stack1.features_back.*` and
    /// `stack1.maps_back.*`.
    ///
    /// # Errors
    ///
    /// If a value of the config is out of its range, or `vb` cannot provide a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `VarBuilder` is passed by value, as in all of candle"
    )]
    pub fn new(config: &HourglassConfig, vb: VarBuilder) -> Result<Self, ModelError> {
        config.check()?;
        let mut builder = Builder { graph: Graph::default() };
        let HourglassConfig { channels, height, width, points, stacks, features, depth } = *config;
        let mut input = builder.stem(channels, features, &vb.pp("stem"))?;
        let (mut maps, mut last_features) = (Vec::with_capacity(stacks), 0);
        for stack in 1..=stacks {
            let vb = vb.pp(format!("stack{stack}"));
            let inner = builder.hourglass(input, features, depth, &vb.pp("hourglass"))?;
            let inner = builder.conv(inner, [features, features], 1, None, &vb.pp("head.conv"))?;
            last_features = builder.graph.norm_relu(inner, features, &vb.pp("head.norm"))?;
            let drawn = builder.conv(last_features, [features, points], 1, None, &vb.pp("maps"))?;
            maps.push(drawn);
            if stack < stacks {
                let back = vb.pp("features_back");
                input = builder.conv(last_features, [features, features], 1, Some(input), &back)?;
                let back = vb.pp("maps_back");
                input = builder.conv(drawn, [points, features], 1, Some(input), &back)?;
            }
        }
        let (input, step) = ([channels, height, width], 4 << depth);
        Ok(Self { graph: builder.graph, maps, features: last_features, input, step })
    }

    /// Returns the same network, whose convolutions multiply in `precision`.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.graph.precision = precision;
        self
    }

    /// Returns the heat maps of all stacks; the last stack's are the answer. In training, batch normalisation
    /// takes the statistics of the batch.
    ///
    /// # Errors
    ///
    /// If the images do not have the channels and size of the config, or a batch in training is too small.
    pub fn forward_t(&self, images: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        let images = self.extended(images)?;
        Tensor::stack(&self.graph.forward(&images, &self.maps, train)?, 1)
    }

    /// Returns the mean over the image of the features from which the last heat maps are drawn. They serve to
    /// compare sets of images.
    ///
    /// # Shapes
    ///
    /// `(N, C, height, width)` → `(N, features)`.
    ///
    /// # Errors
    ///
    /// If the images do not have the channels and size of the config.
    pub fn features(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let images = self.extended(images)?;
        self.graph.forward(&images, &[self.features], false)?.swap_remove(0).mean((2, 3))
    }

    /// Checks the images and extends them to the size that the hourglass takes.
    fn extended(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        if images.rank() != 4 || images.dims()[1..] != self.input {
            bail!("the hourglass takes images (N, C, H, W) of {:?}, not {:?}", self.input, images.dims());
        }
        let missing = |side: usize| side.next_multiple_of(self.step) - side;
        let [_, height, width] = self.input;
        images.pad_with_same(2, 0, missing(height))?.pad_with_same(3, 0, missing(width))
    }
}

struct Builder {
    graph: Graph,
}

impl Builder {
    /// 7×7 with stride 2, and residual blocks around a pool: a quarter of the size.
    fn stem(&mut self, channels: usize, features: usize, vb: &VarBuilder) -> candle_core::Result<usize> {
        let (quarter, half) = (features / 4, features / 2);
        let options = same_conv(7, 2, Border::Zeros, false);
        let conv = Conv::new(channels, quarter, 7, options, &vb.pp("conv"))?;
        let conv = self.graph.conv(0, conv, None);
        let maps = self.graph.norm_relu(conv, quarter, &vb.pp("norm"))?;
        let maps = self.residual(maps, [quarter, half], &vb.pp("block1"))?;
        let maps = self.graph.halve(maps);
        let maps = self.residual(maps, [half, half], &vb.pp("block2"))?;
        self.residual(maps, [half, features], &vb.pp("block3"))
    }

    /// Halves the maps, works on them at the smaller size and adds them, doubled, to what was seen at this
    /// size.
    fn hourglass(
        &mut self,
        input: usize,
        features: usize,
        depth: usize,
        vb: &VarBuilder,
    ) -> candle_core::Result<usize> {
        let same = [features, features];
        let skip = self.residual(input, same, &vb.pp("skip"))?;
        let low = self.graph.halve(input);
        let low = self.residual(low, same, &vb.pp("low1"))?;
        let low = match depth {
            1 => self.residual(low, same, &vb.pp("low2"))?,
            _ => self.hourglass(low, features, depth - 1, &vb.pp("inner"))?,
        };
        let low = self.residual(low, same, &vb.pp("low3"))?;
        Ok(self.graph.double(low, skip))
    }

    /// Three convolutions, each after a normalisation and a ReLU, and a skip connection; a 1×1 convolution
    /// leads it where the numbers of channels differ.
    fn residual(
        &mut self,
        input: usize,
        [from, to]: [usize; 2],
        vb: &VarBuilder,
    ) -> candle_core::Result<usize> {
        let half = to / 2;
        let skip = match from == to {
            true => input,
            false => self.conv(input, [from, to], 1, None, &vb.pp("skip"))?,
        };
        let maps = self.graph.norm_relu(input, from, &vb.pp("norm1"))?;
        let maps = self.conv(maps, [from, half], 1, None, &vb.pp("conv1"))?;
        let maps = self.graph.norm_relu(maps, half, &vb.pp("norm2"))?;
        let maps = self.conv(maps, [half, half], 3, None, &vb.pp("conv2"))?;
        let maps = self.graph.norm_relu(maps, half, &vb.pp("norm3"))?;
        self.conv(maps, [half, to], 1, Some(skip), &vb.pp("conv3"))
    }

    fn conv(
        &mut self,
        input: usize,
        [from, to]: [usize; 2],
        kernel: usize,
        add: Option<usize>,
        vb: &VarBuilder,
    ) -> candle_core::Result<usize> {
        let options = Conv2d { padding: kernel / 2, ..Conv2d::default() };
        let conv = Conv::new(from, to, kernel, options, vb)?;
        Ok(self.graph.conv(input, conv, add))
    }
}

/// The architecture of an [`Hourglass`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HourglassConfig {
    /// Channels of the images, 1 to 64.
    pub channels: usize,
    /// Height of the images in pixels, at most 4096.
    pub height: usize,
    /// Width of the images in pixels, at most 4096.
    pub width: usize,
    /// Points, each with its heat map; 1 to 1024.
    pub points: usize,
    /// Hourglasses, one after the other; 1 to 8.
    pub stacks: usize,
    /// Feature maps of the hourglasses; a multiple of 4, at most 1024.
    pub features: usize,
    /// How often an hourglass halves the maps; 1 to 6.
    pub depth: usize,
}

impl HourglassConfig {
    /// The paper's network: two stacks, 64×64 heat maps of 14 joints, 6.1 M parameters. Its images are
    /// 256×256, since 64×64 maps are a quarter of that: images of 224×224 are resized before.
    #[must_use]
    pub fn paper() -> Self {
        Self { channels: 1, height: 256, width: 256, points: 14, stacks: 2, features: 256, depth: 4 }
    }

    /// A form that two cores train in minutes: images of 96×96, 24×24 heat maps.
    #[must_use]
    pub fn small() -> Self {
        Self { height: 96, width: 96, features: 64, depth: 3, ..Self::paper() }
    }

    /// Checks the ranges of all values.
    fn check(&self) -> Result<(), ModelError> {
        let Self { channels, height, width, points, stacks, features, depth } = *self;
        check_channels(channels)?;
        let in_range = (1..=1024).contains(&points)
            && (1..=8).contains(&stacks)
            && (4..=1024).contains(&features)
            && features % 4 == 0
            && (1..=6).contains(&depth);
        if !in_range {
            return Err(ModelError::Config(format!(
                "an hourglass has 1 to 1024 points, 1 to 8 stacks, 4 to 1024 features (a multiple of 4) and \
                 a depth of 1 to 6, not {points} points, {stacks} stacks, {features} features and a depth of {depth}"
            )));
        }
        if [height, width].iter().any(|side| !(1..=4096).contains(side)) {
            let text = format!("an hourglass takes images of 1 to 4096 pixels a side, not {height}×{width}");
            return Err(ModelError::Config(text));
        }
        Ok(())
    }
}

impl Default for HourglassConfig {
    fn default() -> Self {
        Self::paper()
    }
}
