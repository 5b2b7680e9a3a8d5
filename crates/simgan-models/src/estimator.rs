use candle_core::Tensor;
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use simgan_kernels::Precision;

use crate::{GazeEstimator, GazeEstimatorConfig, Hourglass, HourglassConfig, ModelError, Plain, PlainConfig};

/// A network that estimates labels from images: what refined images train, and what judges them.
#[derive(Clone, Debug)]
pub enum Estimator {
    /// The paper's gaze network.
    Gaze(GazeEstimator),
    /// The paper's hand network.
    Hourglass(Hourglass),
    /// A plain convolutional network.
    Plain(Plain),
}

/// The architecture of an [`Estimator`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "network", rename_all = "snake_case")]
pub enum EstimatorConfig {
    /// The paper's gaze network.
    Gaze(GazeEstimatorConfig),
    /// The paper's hand network.
    Hourglass(HourglassConfig),
    /// A plain convolutional network.
    Plain(PlainConfig),
}

impl EstimatorConfig {
    /// Returns `[channels, height, width]` of the images.
    #[must_use]
    pub fn input(&self) -> [usize; 3] {
        match *self {
            Self::Gaze(GazeEstimatorConfig { channels, height, width, .. })
            | Self::Hourglass(HourglassConfig { channels, height, width, .. })
            | Self::Plain(PlainConfig { channels, height, width, .. }) => [channels, height, width],
        }
    }

    /// Returns the number of values of the second input, 0 if there is none.
    #[must_use]
    pub fn extra(&self) -> usize {
        match *self {
            Self::Gaze(GazeEstimatorConfig { extra, .. }) | Self::Plain(PlainConfig { extra, .. }) => extra,
            Self::Hourglass(_) => 0,
        }
    }
}

impl EstimatorConfig {
    /// Returns the number of outputs: classes, numbers of a vector or points.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match *self {
            Self::Gaze(GazeEstimatorConfig { outputs, .. }) | Self::Plain(PlainConfig { outputs, .. }) => {
                outputs
            }
            Self::Hourglass(HourglassConfig { points, .. }) => points,
        }
    }
}

impl Estimator {
    /// Creates the parameters of the network that the config names.
    ///
    /// # Errors
    ///
    /// If a value of the config is out of its range, or `vb` cannot provide a parameter.
    pub fn new(config: &EstimatorConfig, vb: VarBuilder) -> Result<Self, ModelError> {
        Ok(match config {
            EstimatorConfig::Gaze(config) => Self::Gaze(GazeEstimator::new(config, vb)?),
            EstimatorConfig::Hourglass(config) => Self::Hourglass(Hourglass::new(config, vb)?),
            EstimatorConfig::Plain(config) => Self::Plain(Plain::new(config, vb)?),
        })
    }

    /// Returns the same network, whose layers multiply in `precision`.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        match self {
            Self::Gaze(network) => Self::Gaze(network.with_precision(precision)),
            Self::Hourglass(network) => Self::Hourglass(network.with_precision(precision)),
            Self::Plain(network) => Self::Plain(network.with_precision(precision)),
        }
    }

    /// Returns what the network says of the images. In training, batch normalisation takes the statistics of
    /// the batch and updates the running ones.
    ///
    /// # Shapes
    ///
    /// `images` `(N, C, H, W)` in [−1, 1] and, for a network with a second input, `extra` `(N, k)` →
    /// `(N, outputs)`, or the hourglass's heat maps `(N, stacks, points, h, w)`.
    ///
    /// # Errors
    ///
    /// If the images or the numbers in `extra` do not have the shapes of the config, or a batch in training
    /// is too small for its statistics.
    pub fn forward_t(
        &self,
        images: &Tensor,
        extra: Option<&Tensor>,
        train: bool,
    ) -> Result<Tensor, ModelError> {
        Ok(match self {
            Self::Gaze(network) => network.forward_with(images, extra)?,
            Self::Hourglass(network) => {
                without_extra(extra)?;
                network.forward_t(images, train)?
            }
            Self::Plain(network) => network.forward_t(images, extra, train)?,
        })
    }

    /// Returns features of the images, of which the output is a simple function; they serve to compare sets
    /// of images. `extra` is not part of them.
    ///
    /// # Shapes
    ///
    /// `images` `(N, C, H, W)` → `(N, d)`.
    ///
    /// # Errors
    ///
    /// If the images do not have the shape of the config.
    pub fn features(&self, images: &Tensor) -> Result<Tensor, ModelError> {
        Ok(match self {
            Self::Gaze(network) => network.features(images)?,
            Self::Hourglass(network) => network.features(images)?,
            Self::Plain(network) => network.features(images)?,
        })
    }
}

fn without_extra(extra: Option<&Tensor>) -> Result<(), ModelError> {
    match extra {
        None => Ok(()),
        Some(_) => Err(ModelError::Config("the hourglass takes images alone".to_owned())),
    }
}
