use std::fs;
use std::path::Path;

use candle_core::Device;
use serde::{Deserialize, Serialize};
use simgan_data::{Annotation, Annotations, ClassNames, Crop, Fit, ValueRange};
use simgan_models::{EstimatorConfig, ModelError, Precision, load_estimator, save_estimator};
use simgan_train::DataConfig;
use toml::Table;

use crate::task::classes;
use crate::{Calibration, EvalError, InputShape, Inputs, Task, TaskSpec, TestEye, TrainedEstimator, predict};

/// What an estimator's folder says beside its network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What it predicts.
    pub task: TaskSpec,
    /// Names of the annotations that it sees beside the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// The stored values that stand for −1 and 1, in ascending order; `None` is the whole scale of the images'
    /// bit depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f32; 2]>,
    /// How images of another shape are brought to its size.
    #[serde(default)]
    pub fit: Fit,
    /// How UnityEyes' renders are cropped before.
    #[serde(default)]
    pub crop: Crop,
    /// The correction of its answers for one person or camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// A trained estimator with all that its use needs.
pub struct KeptEstimator {
    about: About,
    config: EstimatorConfig,
    estimator: TrainedEstimator,
    task: Box<dyn Task>,
}

impl About {
    /// Describes an estimator for images that were read as `data` says.
    #[must_use]
    pub fn new(task: TaskSpec, inputs: Vec<String>, data: &DataConfig) -> Self {
        let range = data.range.ends();
        Self { task, inputs, range, fit: data.fit, crop: data.crop, calibration: None }
    }
}

impl KeptEstimator {
    /// Puts a trained network together with what it is for.
    #[must_use]
    pub fn new(about: About, config: EstimatorConfig, estimator: TrainedEstimator) -> Self {
        Self { task: about.task.task(), about, config, estimator }
    }

    /// Writes it into `folder`, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), EvalError> {
        fs::create_dir_all(folder).map_err(EvalError::io(folder))?;
        let about = Table::try_from(&self.about);
        let about = about.map_err(|error| EvalError::Mismatch(format!("{}: {error}", folder.display())))?;
        Ok(save_estimator(folder, &self.config, &about, &self.estimator.parameters)?)
    }

    /// Reads it from its folder.
    ///
    /// # Errors
    ///
    /// If a file is missing or damaged, or the network does not suit its task.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, EvalError> {
        if !folder.join(simgan_models::ESTIMATOR_CONFIG_FILE).is_file() {
            let reason = "holds no estimator, or one that is not trained to its end";
            return Err(EvalError::NoEstimator { path: folder.to_owned(), reason });
        }
        let stored = load_estimator(folder, device)?;
        let path = folder.join(simgan_models::ESTIMATOR_CONFIG_FILE);
        let damaged = |reason: String| EvalError::from(ModelError::Damaged { path: path.clone(), reason });
        let about: About =
            stored.about.try_into().map_err(|error: toml::de::Error| damaged(error.message().to_owned()))?;
        if about.range.is_some_and(|[min, max]| ValueRange::new(min, max).is_none()) {
            return Err(damaged("its range is not ascending and finite".to_owned()));
        }
        let estimator = TrainedEstimator { network: stored.network, parameters: stored.parameters };
        let kept = Self::new(about, stored.config, estimator);
        kept.task.check_estimator(&kept.config).map_err(damaged)?;
        let calibration = kept.about.calibration.as_ref();
        calibration.map_or(Ok(()), |calibration| calibration.check(&*kept.task)).map_err(damaged)?;
        Ok(kept)
    }

    /// Returns the same estimator, whose convolutions multiply in a precision.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.estimator.network = self.estimator.network.with_precision(precision);
        self
    }

    /// What it predicts, from what.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// Its task.
    #[must_use]
    pub fn task(&self) -> &dyn Task {
        &*self.task
    }

    /// The shape of its inputs.
    #[must_use]
    pub fn shape(&self) -> InputShape {
        InputShape::of(&self.config)
    }

    /// The stored values that stand for −1 and 1; `None` is the whole scale.
    #[must_use]
    pub fn range(&self) -> Option<ValueRange> {
        self.about.range.and_then(|[min, max]| ValueRange::new(min, max))
    }

    /// The label of an image for its task; `None` if it has none. `classes` are the names that its class
    /// numbers, if there are any: the estimator's number of that name is returned.
    ///
    /// # Errors
    ///
    /// If it has one that does not suit, such as a class that the estimator does not know.
    pub fn label(
        &self,
        name: &str,
        annotations: &Annotations,
        classes: Option<&ClassNames>,
    ) -> Result<Option<Annotation>, EvalError> {
        let task = &self.about.task;
        let Some(label) = annotations.get(task.name.as_str()) else { return Ok(None) };
        let known = &task.classes;
        let refused = |class| EvalError::OtherClass { name: name.to_owned(), class, known: known.clone() };
        let label = classes::numbered(label, &task.name, classes, known).map_err(refused)?;
        let own = Annotations::from([(task.name.clone().into(), label)]);
        task.label(name, &own).map(Some)
    }

    /// Replaces the correction of its answers; `None` removes it.
    #[must_use]
    pub fn calibrated(self, calibration: Option<Calibration>) -> Self {
        Self { about: About { calibration, ..self.about }, ..self }
    }

    /// Predicts the label of each image, corrected if it is calibrated; `eyes` says which images are mirrored.
    ///
    /// # Errors
    ///
    /// If the images do not fit the network, or an output is no label.
    pub fn predict(&self, inputs: &Inputs, eyes: &[TestEye]) -> Result<Vec<Annotation>, EvalError> {
        let answers = predict(&*self.task, &self.estimator, inputs)?;
        match &self.about.calibration {
            None => Ok(answers),
            Some(calibration) => {
                let pairs = answers.iter().zip(eyes);
                pairs.map(|(answer, eye)| calibration.apply(&*self.task, answer, *eye)).collect()
            }
        }
    }
}
