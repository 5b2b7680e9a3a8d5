//! Finds and loads the refiner: the named checkpoint, or a run's best checkpoint, else its newest intact one.

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::Deserialize;
use simgan_models::run_folder::{self, CHECKPOINTS_DIR};
use simgan_models::{ModelError, REFINER_CONFIG_FILE, REFINER_FILE, Refiner, load_refiner};

use super::RefineError;
use super::images::hex;

/// A trained refiner, read from a checkpoint.
pub struct RefineModel {
    pub(super) refiner: Refiner,
    pub(super) folder: PathBuf,
    pub(super) crc32c: String,
    pub(super) device: Device,
}

impl RefineModel {
    /// Loads the refiner of a checkpoint or a run. A run gives its best checkpoint if it has an intact one
    /// (`best.toml`), else its newest intact one.
    ///
    /// # Errors
    /// Fails if `path` holds no checkpoint or only damaged ones, or if the refiner has neither 1 nor 3
    /// channels.
    pub fn open(path: &Path, device: &Device) -> Result<Self, RefineError> {
        let folder = checkpoint_folder(path)?;
        let refiner = load_refiner(&folder, device)?;
        let channels = refiner.channels();
        if !matches!(channels, 1 | 3) {
            return Err(RefineError::Channels { path: folder, channels });
        }
        Ok(Self { refiner, crc32c: digest(&folder)?, folder, device: device.clone() })
    }

    /// The network. Its parameters track no gradients.
    #[must_use]
    pub fn refiner(&self) -> &Refiner {
        &self.refiner
    }

    /// The checkpoint's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Computes the crc32c of the refiner's configuration and weights: copies of a checkpoint count as the same
/// model.
fn digest(folder: &Path) -> Result<String, RefineError> {
    let mut crc = 0;
    // The configuration counts too: its border rule changes the output and shows in no weight.
    for name in [REFINER_CONFIG_FILE, REFINER_FILE] {
        let path = folder.join(name);
        crc = crc32c::crc32c_append(crc, &fs::read(&path).map_err(RefineError::io(&path))?);
    }
    Ok(hex(crc))
}

/// Resolves `path`, a checkpoint or a run, to a checkpoint folder.
fn checkpoint_folder(path: &Path) -> Result<PathBuf, RefineError> {
    if path.join(REFINER_CONFIG_FILE).is_file() {
        return Ok(path.to_owned());
    }
    let missing = |reason| RefineError::NoCheckpoint { path: path.to_owned(), reason };
    if !path.exists() {
        return Err(missing("no such folder"));
    }
    if !path.join(CHECKPOINTS_DIR).is_dir() {
        return Err(missing("neither a run nor a checkpoint"));
    }
    if let Some(best) = run_folder::read_best::<Best>(path)? {
        match whole(&path.join(best.checkpoint)) {
            Ok(folder) => {
                tracing::info!("taking the best checkpoint, of step {}", best.step);
                return Ok(folder);
            }
            Err(error) => tracing::warn!("taking the newest checkpoint, not the best: {error}"),
        }
    }
    let newest = run_folder::newest(path, whole)?;
    for error in &newest.damaged {
        tracing::warn!("taking an earlier checkpoint: {error}");
    }
    newest.checkpoint.ok_or_else(|| missing("the run has no checkpoint yet"))
}

/// The part of a run's `best.toml` that locates the refiner.
#[derive(Deserialize)]
struct Best {
    step: u64,
    checkpoint: PathBuf,
}

/// Returns the folder if every file of the checkpoint is intact.
fn whole(folder: &Path) -> Result<PathBuf, ModelError> {
    run_folder::read_checkpoint::<toml::Table>(folder).map(|_| folder.to_owned())
}
