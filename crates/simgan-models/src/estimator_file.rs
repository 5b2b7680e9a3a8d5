use std::path::Path;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::file::{TensorFile, write_atomically};
use crate::run_folder::{FileMark, RecordedMark};
use crate::{Estimator, EstimatorConfig, Layout, ModelError, Parameters, regular};

/// Name of the file with the parameters in an estimator's folder.
pub const ESTIMATOR_FILE: &str = "estimator.safetensors";
/// Name of the file with the config in an estimator's folder.
pub const ESTIMATOR_CONFIG_FILE: &str = "estimator.toml";

const FORMAT_VERSION: u32 = 1;

/// The contents of `estimator.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EstimatorFile {
    format_version: u32,
    /// Length and checksum of the weights' file: the two belong together.
    #[serde(alias = "weights_crc32c")]
    weights: RecordedMark,
    network: EstimatorConfig,
    about: Table,
}

/// An estimator as read from its folder.
#[derive(Debug)]
pub struct StoredEstimator {
    /// The network.
    pub network: Estimator,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its architecture.
    pub config: EstimatorConfig,
    /// What its owner wrote about it: what it predicts, from which images.
    pub about: Table,
    /// Length and checksum of the file of its weights, by which another estimator is noticed.
    pub weights: FileMark,
}

impl StoredEstimator {
    /// Returns the network without gradients for its parameters, whose memory it shares.
    ///
    /// # Errors
    ///
    /// If a tensor cannot be made.
    pub fn frozen(&self) -> Result<Estimator, ModelError> {
        let tensors = self.parameters.tensors();
        let device = tensors.first().map_or(&Device::Cpu, |(_, tensor)| tensor.device()).clone();
        let vb = VarBuilder::from_tensors(tensors.into_iter().collect(), DType::F32, &device);
        Estimator::new(&self.config, vb)
    }
}

/// Writes an estimator into an existing folder: `estimator.safetensors`, then `estimator.toml`, which marks it as
/// complete, each atomically. `about` is kept for whoever reads it.
///
/// # Errors
///
/// If a file cannot be written.
pub fn save_estimator(
    folder: &Path,
    config: &EstimatorConfig,
    about: &Table,
    parameters: &Parameters,
) -> Result<(), ModelError> {
    let path = folder.join(ESTIMATOR_FILE);
    parameters.save(&path)?;
    let weights = FileMark::of(&path).map_err(ModelError::io(&path))?.into();
    let (path, format_version) = (folder.join(ESTIMATOR_CONFIG_FILE), FORMAT_VERSION);
    let (network, about) = (config.clone(), about.clone());
    let file = EstimatorFile { format_version, weights, network, about };
    let text = toml::to_string(&file).map_err(|e| ModelError::damaged(&path, &e))?;
    write_atomically(&path, text.as_bytes())
}

/// Reads an estimator written by [`save_estimator`]. The weights' names, shapes and checksum are compared with
/// the config before the network takes memory.
///
/// # Errors
///
/// If a file is missing, damaged, no plain file, of another format version, or the two do not belong together.
pub fn load_estimator(folder: &Path, device: &Device) -> Result<StoredEstimator, ModelError> {
    let path = folder.join(ESTIMATOR_CONFIG_FILE);
    let text = regular::read_text(&path).map_err(ModelError::io(&path))?;
    let damaged = |reason: &dyn std::fmt::Display| ModelError::damaged(&path, &reason.to_string());
    let version: Table = toml::from_str(&text).map_err(|error| damaged(&error.message()))?;
    match version.get("format_version").and_then(toml::Value::as_integer) {
        Some(version) if version == i64::from(FORMAT_VERSION) => {}
        Some(version) => {
            return Err(damaged(&format!("format version {version}, this program reads {FORMAT_VERSION}")));
        }
        None => return Err(damaged(&"it has no format version")),
    }
    let file: EstimatorFile = toml::from_str(&text).map_err(|error| damaged(&error.message()))?;
    // The values come from the file, so the error must name it.
    let layout = Layout::of(|vb| Estimator::new(&file.network, vb)).map_err(|error| damaged(&error))?;
    let path = folder.join(ESTIMATOR_FILE);
    let bytes = regular::read(&path, layout.max_bytes()).map_err(ModelError::io(&path))?;
    let mark = FileMark::of_bytes(&bytes);
    if !file.weights.matches(&mark) {
        let reason = format!("its checksum is not that of {ESTIMATOR_CONFIG_FILE}");
        return Err(ModelError::damaged(&path, &reason));
    }
    let weights = TensorFile::new(&path, bytes)?;
    weights.check(&layout)?;
    // Any seed will do: loading replaces every initial value.
    let parameters = Parameters::new(0, device);
    let network = Estimator::new(&file.network, parameters.var_builder())?;
    parameters.set(&weights)?;
    Ok(StoredEstimator { network, parameters, config: file.network, about: file.about, weights: mark })
}
