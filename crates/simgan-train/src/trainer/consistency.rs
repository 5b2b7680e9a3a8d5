use std::path::Path;

use candle_core::{Device, Tensor};
use serde::Deserialize;
use simgan_data::ImageSpec;
use simgan_losses::Consistency;
use simgan_models::run_folder::FileMark;
use simgan_models::{ESTIMATOR_CONFIG_FILE, Estimator, ModelError, load_estimator};

use crate::{TrainConfig, TrainError};

/// A frozen estimator, which should say of refined images what it says of the synthetic ones.
pub(super) struct TaskConsistency {
    estimator: Estimator,
    kind: Consistency,
    /// Tells the estimator from any other; checkpoints hold it.
    pub(super) mark: FileMark,
}

/// What must be known of an estimator beside its network. The rest of the table is for those who read its
/// answers.
#[derive(Deserialize)]
struct About {
    task: Task,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    range: Option<[f32; 2]>,
}

#[derive(Deserialize)]
struct Task {
    kind: Consistency,
}

impl TaskConsistency {
    /// Opens the estimator at `loss.consistency_model`; `None` without `loss.consistency`.
    ///
    /// # Errors
    /// There is no estimator, it is damaged, or it takes other images than the run's.
    pub(super) fn open(
        config: &TrainConfig,
        images: ImageSpec,
        device: &Device,
    ) -> Result<Option<Self>, TrainError> {
        if config.loss.consistency == 0.0 {
            return Ok(None);
        }
        let folder = Path::new(&config.loss.consistency_model);
        let stored = load_estimator(folder, device)?;
        let about: About = stored.about.clone().try_into().map_err(|error: toml::de::Error| {
            let path = folder.join(ESTIMATOR_CONFIG_FILE);
            ModelError::Damaged { path, reason: error.message().to_owned() }
        })?;
        let unfit = |reason: String| Err(TrainError::Estimator { path: folder.to_owned(), reason });
        let (found, expected) = (stored.config.input(), [images.channels, images.height, images.width]);
        if found != expected {
            let [found, expected] = [found, expected].map(|[channels, height, width]| {
                format!("{channels} channel(s) and {width}x{height} pixels")
            });
            return unfit(format!("it takes images of {found}, the run has {expected}"));
        }
        let range = config.data.range.ends();
        if about.range != range {
            let words = |range: Option<[f32; 2]>| match range {
                Some([min, max]) => format!("{min}..{max}"),
                None => "full".to_owned(),
            };
            let [found, expected] = [about.range, range].map(words);
            return unfit(format!("its data.range is {found}, the run's {expected}"));
        }
        if !about.inputs.is_empty() {
            return unfit(format!("it needs {} beside the image", about.inputs.join(" and ")));
        }
        let (estimator, kind) = (stored.frozen()?, about.task.kind);
        Ok(Some(Self { estimator, kind, mark: stored.weights }))
    }

    /// Returns how differently the estimator answers to refined and to synthetic images, a scalar.
    pub(super) fn loss(&self, refined: &Tensor, synthetic: &Tensor) -> Result<Tensor, TrainError> {
        let said = self.estimator.forward_t(synthetic, None, false)?;
        let says = self.estimator.forward_t(refined, None, false)?;
        Ok(self.kind.loss(&says, &said)?)
    }
}
