use serde::{Deserialize, Serialize};
use simgan_metrics::RealismTraining;
use simgan_models::GazeEstimatorConfig;

use super::MethodKind;
use crate::{EvalError, GazeTraining};

/// What an evaluation computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Synthetic images that the methods learn from, at most; fewer if the source has fewer.
    pub images: usize,
    /// How many times that data the rows `_Nx` learn from; 1 leaves them out. The paper's is 4.
    pub fold: usize,
    /// Repetitions: repetition s of each method starts from the same weights and sees the images in the same order.
    pub seeds: u64,
    /// The gaze network.
    pub network: GazeNetwork,
    /// How it is trained; the seed is the first repetition's.
    pub training: GazeTraining,
    /// Whether to add, to rows that have one, the same with augmentation.
    pub augment: bool,
    /// Rows to compute; without any, all that the data allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<MethodKind>,
    /// Neighbours of [`MethodKind::Knn`].
    pub neighbours: usize,
    /// Of the image's shorter side, the reach in periods of [`MethodKind::SyntheticFourier`], in [0, 0.5).
    pub fourier_beta: f64,
    /// Test images of each person on which a constant offset is measured for the calibrated figures.
    pub calibration: usize,
    /// The classifier that tells real images from others.
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

/// Which layers the gaze network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GazeNetwork {
    /// The paper's, with "FC 9600" read as the flattened feature map.
    Paper,
    /// The paper's, with a layer of 9600 values on top of the flattened map: ten times the parameters.
    Wide,
    /// Half of the paper's feature maps and one hidden layer of 256: for CPUs.
    Half,
    /// A quarter of the paper's feature maps and one hidden layer of 128: for comparisons of many refiners on CPUs.
    Quarter,
}

impl GazeNetwork {
    /// The layers for images of this kind.
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
    /// If something is 0 that must not be.
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

    /// The training of one repetition.
    pub(super) fn repetition(&self, seed: u64) -> GazeTraining {
        GazeTraining { seed: self.training.seed.wrapping_add(seed), ..self.training }
    }
}
