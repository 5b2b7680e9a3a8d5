use serde::{Deserialize, Serialize};
use simgan_metrics::RealismTraining;
use simgan_models::{EstimatorConfig, GazeEstimatorConfig, HourglassConfig, PlainConfig, RefinerConfig};

use super::MethodKind;
use crate::{EstimatorTraining, EvalError, InputShape};

/// Settings of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Maximum number of synthetic images that the methods train on, and of real images.
    pub images: usize,
    /// Factor of extra data for the rows `_Nx`; 1 leaves these rows out. The paper uses 4.
    pub fold: usize,
    /// Refined images of each synthetic image that the rows `refined` learn from, each with other noise; more than
    /// 1 need a refiner that takes noise.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub variants: u64,
    /// Repetitions. In repetition s all methods start from the same weights and see the images in the same
    /// order.
    pub seeds: u64,
    /// Name of the annotation that the estimators predict; `None` for the only one there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Names of the annotations that the estimators see beside the image, such as the head's pose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// The size of the estimators.
    pub network: NetworkSize,
    /// Training of an estimator; its seed is the first repetition's.
    pub training: EstimatorTraining,
    /// Whether to add the augmented variants of the rows `synthetic` and `refined`.
    pub augment: bool,
    /// Rows to compute; if empty, all that the data allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<MethodKind>,
    /// Number of neighbours of [`MethodKind::Knn`].
    pub neighbours: usize,
    /// Highest frequency that [`MethodKind::SyntheticFourier`] exchanges, in periods across the image: this
    /// fraction, in [0, 0.5), of the image's shorter side in pixels.
    pub fourier_beta: f64,
    /// Test images per person that measure the constant offset for the calibrated figures.
    pub calibration: usize,
    /// Training of the classifier that tells real images from others.
    pub realism: RealismTraining,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            images: 5000,
            fold: 1,
            variants: 1,
            seeds: 3,
            task: None,
            inputs: Vec::new(),
            network: NetworkSize::Paper,
            training: EstimatorTraining::default(),
            augment: false,
            methods: Vec::new(),
            neighbours: 5,
            fourier_beta: 0.05,
            calibration: 9,
            realism: RealismTraining::default(),
        }
    }
}

/// The size of an estimator; its layers follow from the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkSize {
    /// The paper's layers. Of the gaze network "FC 9600" is read as the flattened feature map; classes and
    /// numbers, which the paper does not have, get a plain network of 32 and 64 feature maps.
    Paper,
    /// As `Paper`, but the gaze network has "FC 9600" as one more layer on top of the flattened map: ten times
    /// the parameters.
    Wide,
    /// Half of the feature maps, and of the gaze network one hidden layer of 256, for CPUs.
    Half,
    /// A quarter of the feature maps, and of the gaze network one hidden layer of 128, for comparing many
    /// refiners on CPUs.
    Quarter,
}

impl NetworkSize {
    /// By what the feature maps are divided.
    const fn divisor(self) -> usize {
        match self {
            Self::Paper | Self::Wide => 1,
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }

    /// The gaze network for images of a shape.
    #[must_use]
    pub(crate) fn gaze(self, shape: InputShape) -> GazeEstimatorConfig {
        let InputShape { channels, height, width, extra } = shape;
        let layers = match self {
            Self::Paper => GazeEstimatorConfig::eye_gaze(),
            Self::Wide => GazeEstimatorConfig::eye_gaze_wide(),
            Self::Half => GazeEstimatorConfig {
                features: [16, 16, 32, 40, 96],
                hidden: vec![256],
                ..GazeEstimatorConfig::eye_gaze()
            },
            Self::Quarter => GazeEstimatorConfig {
                features: [8, 8, 16, 20, 48],
                hidden: vec![128],
                ..GazeEstimatorConfig::eye_gaze()
            },
        };
        GazeEstimatorConfig { channels, height, width, extra, ..layers }
    }

    /// The stacked hourglass for images of a shape.
    ///
    /// # Errors
    ///
    /// If it has no second input, but one is asked for.
    pub(crate) fn hourglass(self, shape: InputShape, points: usize) -> Result<EstimatorConfig, EvalError> {
        let InputShape { channels, height, width, extra } = shape;
        if extra > 0 {
            let reason = "the stacked hourglass sees images alone, and no numbers beside them".to_owned();
            return Err(EvalError::Impossible { reason, hint: "leave out the second input" });
        }
        let paper = HourglassConfig::paper();
        // Small images shrink to a few pixels after three halvings.
        let depth = if self == Self::Quarter { 3 } else { paper.depth };
        let features = paper.features / self.divisor();
        Ok(EstimatorConfig::Hourglass(HourglassConfig {
            channels,
            height,
            width,
            points,
            features,
            depth,
            ..paper
        }))
    }

    /// The plain network for images of a shape.
    ///
    /// # Errors
    ///
    /// If the images are too small for it.
    pub(crate) fn plain(self, shape: InputShape, outputs: usize) -> Result<EstimatorConfig, EvalError> {
        let InputShape { channels, height, width, extra } = shape;
        let PlainConfig { features, hidden, .. } = PlainConfig::digits();
        let mut features: Vec<_> = features.into_iter().map(|maps| maps / self.divisor()).collect();
        // Large images are halved more often, so that the hidden layer does not grow with them.
        let last = features.last().copied().unwrap_or(1);
        features
            .extend(std::iter::repeat_n(last, halvings(height.min(width)).saturating_sub(features.len())));
        let hidden = hidden / self.divisor();
        let config = PlainConfig { channels, height, width, features, hidden, outputs, extra };
        config.flattened()?;
        Ok(EstimatorConfig::Plain(config))
    }

    /// The plain network's name for people.
    pub(crate) const fn plain_name(self) -> &'static str {
        match self {
            Self::Paper | Self::Wide => "a plain convolutional network",
            Self::Half => "a plain convolutional network of half as many features",
            Self::Quarter => "a plain convolutional network of a quarter of the features",
        }
    }
}

const fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_one(count: &u64) -> bool {
    *count == 1
}

/// How often a side is halved until at most 8 pixels are left.
fn halvings(side: usize) -> usize {
    (0..8).find(|count| side >> count <= 8).unwrap_or(8)
}

impl EvaluationConfig {
    /// # Errors
    ///
    /// If a count is 0.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        let counts = [
            ("images", self.images),
            ("fold", self.fold),
            ("variants", self.variants as usize),
            ("seeds", self.seeds as usize),
            ("steps", self.training.steps),
            ("batch", self.training.batch),
            ("neighbours", self.neighbours),
            ("calibration", self.calibration),
            ("realism.steps", self.realism.steps),
            ("realism.batch", self.realism.batch),
        ];
        match counts.iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => Err(EvalError::Mismatch(format!("{name} is 0, but must be at least 1"))),
            None => Ok(()),
        }
    }

    /// # Errors
    ///
    /// If an image is to have several refined ones, but the refiner takes no noise to tell them apart.
    pub(crate) fn check_variants(&self, refiner: &RefinerConfig) -> Result<(), EvalError> {
        if self.variants > 1 && !refiner.takes_noise() {
            let reason =
                format!("{} variants of an image are asked of a refiner that takes no noise", self.variants);
            let hint = "train one with refiner.noise_channels or refiner.grain_channels";
            return Err(EvalError::Impossible { reason, hint });
        }
        Ok(())
    }

    /// Returns the training settings of one repetition.
    pub(super) fn repetition(&self, seed: u64) -> EstimatorTraining {
        EstimatorTraining { seed: self.training.seed.wrapping_add(seed), ..self.training }
    }
}
