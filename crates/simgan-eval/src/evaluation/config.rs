use serde::{Deserialize, Serialize};
use simgan_metrics::RealismTraining;
use simgan_models::GazeEstimatorConfig;

use super::MethodKind;
use crate::{EvalError, GazeTraining};

/// Settings of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Maximum number of synthetic images that the methods train on, and of real images.
    pub images: usize,
    /// Factor of extra data for the rows `_Nx`; 1 leaves these rows out. The paper uses 4.
    pub fold: usize,
    /// Repetitions. In repetition s all methods start from the same weights and see the images in the same
    /// order.
    pub seeds: u64,
    /// The gaze network.
    pub network: GazeNetwork,
    /// Training of the gaze network; its seed is the first repetition's.
    pub training: GazeTraining,
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
            seeds: 3,
            network: GazeNetwork::Paper,
            training: GazeTraining::default(),
            augment: false,
            methods: Vec::new(),
            neighbours: 5,
            fourier_beta: 0.05,
            calibration: 9,
            realism: RealismTraining::default(),
        }
    }
}

/// Layers of the gaze network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GazeNetwork {
    /// The paper's layers, with "FC 9600" read as the flattened feature map.
    Paper,
    /// The paper's layers, with "FC 9600" read as one more layer on top of the flattened map: ten times the
    /// parameters.
    Wide,
    /// Half of the paper's feature maps and one hidden layer of 256, for CPUs.
    Half,
    /// A quarter of the paper's feature maps and one hidden layer of 128, for comparing many refiners on
    /// CPUs.
    Quarter,
}

impl GazeNetwork {
    /// Returns the configuration for images of `channels` × `height` × `width`.
    #[must_use]
    pub(crate) fn config(self, channels: usize, height: usize, width: usize) -> GazeEstimatorConfig {
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
        GazeEstimatorConfig { channels, height, width, ..layers }
    }
}

impl EvaluationConfig {
    /// # Errors
    ///
    /// If a count is 0.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        let counts = [
            ("images", self.images),
            ("fold", self.fold),
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

    /// Returns the training settings of one repetition.
    pub(super) fn repetition(&self, seed: u64) -> GazeTraining {
        GazeTraining { seed: self.training.seed.wrapping_add(seed), ..self.training }
    }
}
