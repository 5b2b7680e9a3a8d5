use candle_core::{DType, Module, Tensor, bail};
use candle_nn::VarBuilder;

use crate::conv::{BORDERS, BorderName, Conv, check_channels, same_conv};
use crate::holes::{RefinerOutput, measured};
use crate::relief::{planes, with_relief};
use crate::{ModelError, Noise, NoiseSource};
use simgan_kernels::{Border, Precision, RefinerLayers};
use simgan_settings::{Range, check, settings};

/// The refiner R (§3.1, §3.2): convolution, ResNet blocks, 1×1 convolution, tanh.
///
/// Fully convolutional, without stride or pooling: every pixel stays in place, so the labels stay valid.
///
/// # Shapes
///
/// `(N, C, H, W)` in [−1, 1] → the same shape in [−1, 1], any height and width from 1.
///
/// With [`RefinerConfig::noise_channels`], it is R(x, z) of the paper's outlook (§4): the noise z, a few numbers
/// for each image, gives one synthetic image many refined ones; [`RefinerConfig::grain_channels`] are numbers of
/// each pixel. As a [`Module`] it takes the noise of [`NoiseSource::default`], so that an image is always
/// refined alike.
#[derive(Clone, Debug)]
pub struct Refiner {
    config: RefinerConfig,
    channels: usize,
    precision: Precision,
    has_missing: bool,
    stem: Conv,
    blocks: Vec<ResNetBlock>,
    head: Conv,
}

impl Refiner {
    /// Creates the parameters `stem.*`, `blocks.{i}.conv1.*`, `blocks.{i}.conv2.*` and `head.*`.
    ///
    /// `channels` is the number of channels of the images: 1 for gray or depth, 3 for RGB.
    ///
    /// # Errors
    ///
    /// If a value of the config is out of its range, `channels` is not from 1 to 64, or `vb`
    /// cannot provide a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a `VarBuilder` is passed by value, as in all of candle"
    )]
    pub fn new(config: &RefinerConfig, channels: usize, vb: VarBuilder) -> Result<Self, ModelError> {
        check("refiner", RefinerConfig::SETTINGS, config)?;
        check_channels(channels)?;
        let RefinerConfig {
            features,
            blocks,
            kernel,
            stem_kernel,
            border,
            noise_channels,
            grain_channels,
            holes,
            relief,
            ..
        } = *config;
        if holes && grain_channels == 0 {
            return Err(ModelError::Config("refiner.holes needs refiner.grain_channels".to_owned()));
        }
        let stem = Conv::new(
            channels * planes(relief) + noise_channels + grain_channels,
            features,
            stem_kernel,
            same_conv(stem_kernel, 1, border, true),
            &vb.pp("stem"),
        )?;
        let vb_blocks = vb.pp("blocks");
        let blocks = (0..blocks)
            .map(|block_idx| ResNetBlock::new(features, kernel, border, &vb_blocks.pp(block_idx)))
            .collect::<Result<_, _>>()?;
        let outputs = channels + usize::from(holes);
        let head = Conv::new(features, outputs, 1, same_conv(1, 1, border, false), &vb.pp("head"))?;
        let precision = Precision::F32;
        Ok(Self { config: *config, channels, precision, has_missing: false, stem, blocks, head })
    }

    /// Returns the same refiner without gradients for its parameters, to refine images that only the
    /// discriminator learns from. It shares the parameters' memory and follows their updates.
    #[must_use]
    pub fn frozen(&self) -> Self {
        let blocks = self.blocks.iter().map(ResNetBlock::frozen).collect();
        let (stem, head) = (self.stem.frozen(), self.head.frozen());
        let Self { config, channels, precision, has_missing, .. } = *self;
        Self { config, channels, precision, has_missing, stem, blocks, head }
    }

    /// Returns the same refiner, which multiplies in `precision`. Its features stay those of `f32`.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Returns the same refiner for images whose values −1 and 1 stand for this range of stored ones. If it lies
    /// above 0, −1 means that a pixel was not measured ([`RefinerImages::range`](crate::RefinerImages)), and such
    /// a pixel stays −1.
    #[must_use]
    pub fn with_range(self, range: Option<[f32; 2]>) -> Self {
        Self { has_missing: range.is_some_and(|[min, _]| min > 0.0), ..self }
    }

    /// The precision in which it multiplies.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Returns the feature maps before the last convolution: a learned feature transform ψ (§2.1).
    ///
    /// # Shapes
    ///
    /// `(N, C, H, W)` → `(N, features, H, W)`, not negative.
    ///
    /// # Errors
    ///
    /// If the images have another number of channels.
    ///
    /// Noise is 0: features should not depend on it.
    pub fn features(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        // Layer by layer: the fused operation does not return its feature maps.
        let (n_images, _, height, width) = images.dims4()?;
        let RefinerConfig { noise_channels, grain_channels, .. } = self.config;
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, images.device());
        let z = (noise_channels > 0).then(|| zeros(&[n_images, noise_channels]));
        let grain = (grain_channels > 0).then(|| zeros(&[n_images, grain_channels, height, width]));
        let input = self.with_planes(images, &Noise { z: z.transpose()?, grain: grain.transpose()? })?;
        let mut features = self.stem.forward(&input)?;
        for block in &self.blocks {
            features = block.conv2.forward_residual(&block.conv1.forward(&features)?, &features)?;
        }
        Ok(features)
    }

    /// The architecture.
    #[must_use]
    pub fn config(&self) -> &RefinerConfig {
        &self.config
    }

    /// Number of channels of its input and output images.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Whether an image has several refined ones, by noise.
    #[must_use]
    pub fn takes_noise(&self) -> bool {
        self.config.takes_noise()
    }

    /// Draws the noise of each of `(N, C, H, W)`.
    ///
    /// # Errors
    ///
    /// If the images are not `f32` of rank 4.
    pub fn noise(&self, images: &Tensor, source: NoiseSource) -> candle_core::Result<Noise> {
        if self.takes_noise() { source.of_images(images, &self.config) } else { Ok(Noise::default()) }
    }

    /// Refines images with the given noise: R(x, z).
    ///
    /// # Shapes
    ///
    /// `(N, C, H, W)` and the noise of as many images of that size → `(N, C, H, W)`.
    ///
    /// # Errors
    ///
    /// If the images have another number of channels, or the noise is of another refiner.
    pub fn forward_with(&self, synthetic: &Tensor, noise: &Noise) -> candle_core::Result<Tensor> {
        Ok(self.output(synthetic, noise)?.images)
    }

    /// Refines images as [`Self::forward_with`] does, and tells what it made of them.
    ///
    /// # Errors
    ///
    /// As [`Self::forward_with`].
    pub fn output(&self, synthetic: &Tensor, noise: &Noise) -> candle_core::Result<RefinerOutput> {
        let outputs = self.refined(&self.with_planes(synthetic, noise)?)?;
        let Some(grain) = noise.grain.as_ref().filter(|_| self.config.holes) else {
            let images = self.values(outputs, synthetic)?;
            return Ok(RefinerOutput { values: images.clone(), images, measured: None });
        };
        let values = self.values(outputs.narrow(1, 0, self.channels)?, synthetic)?;
        let measured = measured(&outputs.narrow(1, self.channels, 1)?, grain)?;
        let images = ((&values + 1.0)?.broadcast_mul(&measured)? - 1.0)?;
        Ok(RefinerOutput { images, values, measured: Some(measured) })
    }

    /// The values of the images, from the network's outputs for them. Pixels that were not measured stay as they are.
    fn values(&self, outputs: Tensor, synthetic: &Tensor) -> candle_core::Result<Tensor> {
        let refined = match self.config.skip {
            false => outputs,
            true => (synthetic + outputs)?.clamp(-1.0, 1.0)?,
        };
        if !self.has_missing {
            return Ok(refined);
        }
        let is_measured = synthetic.detach().gt(-1.0)?.to_dtype(refined.dtype())?;
        ((refined + 1.0)? * is_measured)? - 1.0
    }

    /// Appends the relief, a plane for each number of z and then those of the grain. A number of z has one value in all pixels:
    /// what varies between photographs of one scene – exposure, contrast, sharpness – varies between images, and a
    /// film's frames can share it whatever moves.
    fn with_planes(&self, images: &Tensor, noise: &Noise) -> candle_core::Result<Tensor> {
        let (n_images, _, height, width) = images.dims4()?;
        let RefinerConfig { noise_channels, grain_channels, .. } = self.config;
        let shapes = [&noise.z, &noise.grain].map(|noise| noise.as_ref().map(Tensor::dims));
        let expected = [&[n_images, noise_channels][..], &[n_images, grain_channels, height, width]];
        let is_expected = |(found, expected): (&Option<&[usize]>, &[usize])| match found {
            None => expected[1] == 0,
            Some(found) => *found == expected,
        };
        if !shapes.iter().zip(expected).all(is_expected) {
            bail!(
                "refiner: noise {shapes:?} for {n_images} images of {height}×{width} pixels, {noise_channels} noise channels and \
                 {grain_channels} grain channels"
            );
        }
        let mut parts = vec![with_relief(images, self.config.relief)?];
        if let Some(z) = &noise.z {
            let planes = z.reshape((n_images, noise_channels, 1, 1))?;
            parts.push(planes.broadcast_as((n_images, noise_channels, height, width))?.contiguous()?);
        }
        parts.extend(noise.grain.clone());
        Tensor::cat(&parts, 1)
    }

    /// Refines images followed by their planes of noise.
    fn refined(&self, input: &Tensor) -> candle_core::Result<Tensor> {
        let layers = RefinerLayers {
            stem: self.stem.layer(),
            blocks: self.blocks.iter().map(|block| [block.conv1.layer(), block.conv2.layer()]).collect(),
            head: self.head.layer(),
        };
        simgan_kernels::refiner_in(input, &layers, self.config.border, self.precision)
    }
}

impl Module for Refiner {
    fn forward(&self, synthetic: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_with(synthetic, &self.noise(synthetic, NoiseSource::default())?)
    }
}

/// `relu(input + conv2(relu(conv1(input))))`.
#[derive(Clone, Debug)]
struct ResNetBlock {
    conv1: Conv,
    conv2: Conv,
}

impl ResNetBlock {
    fn new(features: usize, kernel: usize, border: Border, vb: &VarBuilder) -> candle_core::Result<Self> {
        let options = same_conv(kernel, 1, border, true);
        let conv1 = Conv::new(features, features, kernel, options, &vb.pp("conv1"))?;
        let conv2 = Conv::new(features, features, kernel, options, &vb.pp("conv2"))?;
        Ok(Self { conv1, conv2 })
    }

    fn frozen(&self) -> Self {
        Self { conv1: self.conv1.frozen(), conv2: self.conv2.frozen() }
    }
}

settings! {
    /// The refiner R: a convolution, residual blocks, and a 1×1 convolution (§3.1).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RefinerConfig {
        /// Feature maps of every layer but the last.
        features: usize = Range::Whole(1, 4096),
        /// Residual blocks, of two convolutions each.
        blocks: usize = Range::Whole(0, 256),
        /// Side of the filters in the residual blocks. Odd, so that an image keeps its size.
        kernel: usize = Range::Odd(1, 31),
        /// Side of the first convolution's filters. Odd, so that an image keeps its size.
        stem_kernel: usize = Range::Odd(1, 31),
        /// What convolutions read outside the image: the nearest pixel, or zeros (middle gray).
        #[serde(with = "BorderName")]
        border: Border = BORDERS,
        /// Numbers of the noise z in R(x, z), the paper's outlook (§4): each synthetic image then has as many
        /// refined ones as z has values (`refine --variants`). z is drawn from N(0, 1) and fills one plane of R's
        /// input per number, the same in all pixels. 0 turns it off.
        #[serde(default)]
        noise_channels: usize = Range::Whole(0, 64),
        /// Planes of noise in R's input, with a number from N(0, 1) in each pixel: what varies from pixel to pixel in
        /// a photograph or a depth image and not in a render – a sensor's grain, ragged edges and missing pixels. 0
        /// turns it off.
        #[serde(default)]
        grain_channels: usize = Range::Whole(0, 64),
        /// Whether R also decides, by chance, which pixels a sensor fails to measure: its last convolution then has
        /// one more map, the probability that a pixel is measured. A depth is measured or it is not; what lies
        /// between, R's way to a hole without this, D never takes for real. It needs `grain_channels` and a
        /// `data.range` above 0, where a missing pixel is known as such. Refined images have 0 there.
        #[serde(default)]
        holes: bool = Range::Flag,
        /// Whether R adds to an image what its last layer says, instead of painting it anew as in the paper: R(x) = x +
        /// tanh(…), cut to [−1, 1]. It then starts close to x, and a depth that D does not mind stays exact.
        #[serde(default)]
        skip: bool = Range::Flag,
        /// Beside an image R sees its relief: differences of neighbouring pixels across and down, so many times as
        /// great, less 0.25 for noise, and cut to [−1, 1]; pixels of −1 (not measured) are passed over. For depth, whose
        /// steps within an object are small beside those to the background. 0 turns it off.
        #[serde(default)]
        relief: usize = Range::Whole(0, 1000),
    }
}

impl RefinerConfig {
    /// The paper's refiner of eye images (§3.1): 3×3, 64 features, 4 blocks; 296,129 parameters.
    #[must_use]
    pub const fn eye_gaze() -> Self {
        // The paper does not say what lies outside the image; zeros would paint a frame on every refined
        // image.
        Self {
            features: 64,
            blocks: 4,
            kernel: 3,
            stem_kernel: 3,
            border: Border::Replicate,
            noise_channels: 0,
            grain_channels: 0,
            holes: false,
            skip: false,
            relief: 0,
        }
    }

    /// The paper's refiner of depth images of hands (§3.2): 10 blocks and "filter size 7×7", read as the size
    /// of the first convolution; with 7×7 in the blocks too, R would have 4 M parameters and 16 times the
    /// cost.
    #[must_use]
    pub const fn hand_pose() -> Self {
        Self { blocks: 10, stem_kernel: 7, ..Self::eye_gaze() }
    }
}

impl Default for RefinerConfig {
    fn default() -> Self {
        Self::eye_gaze()
    }
}
