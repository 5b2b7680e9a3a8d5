//! The refiner to use: a run's best checkpoint, else its last one, or the checkpoint that was named.

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::Deserialize;
use simgan_models::run_folder::{self, CHECKPOINTS_DIR};
use simgan_models::{ModelError, REFINER_CONFIG_FILE, REFINER_FILE, Refiner, load_refiner};

use super::RefineError;
use super::input::hex;

/// A trained refiner, read from a checkpoint.
pub struct RefineModel {
    pub(super) refiner: Refiner,
    pub(super) folder: PathBuf,
    pub(super) crc32c: String,
    pub(super) device: Device,
}

impl RefineModel {
    /// Reads the refiner of a run or of one checkpoint. Of a run that selected (`best.toml`) it is that of the best
    /// checkpoint, else that of the newest one.
    ///
    /// # Errors
    /// `path` holds no checkpoint, or a damaged one.
    pub fn open(path: &Path, device: &Device) -> Result<Self, RefineError> {
        let folder = checkpoint_folder(path)?;
        let refiner = load_refiner(&folder, device)?;
        let channels = refiner.channels();
        if !matches!(channels, 1 | 3) {
            return Err(RefineError::Channels { path: folder, channels });
        }
        Ok(Self { refiner, crc32c: digest(&folder)?, folder, device: device.clone() })
    }

    /// The refiner, without gradients for its parameters.
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

fn digest(folder: &Path) -> Result<String, RefineError> {
    let mut crc = 0;
    for name in [REFINER_CONFIG_FILE, REFINER_FILE] {
        let path = folder.join(name);
        crc = crc32c::crc32c_append(crc, &fs::read(&path).map_err(RefineError::io(&path))?);
    }
    Ok(hex(crc))
}

/// The checkpoint that `path` is, or the best or else newest whole one of the run that it is.
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

/// The part of a run's `best.toml` that finds the refiner.
#[derive(Deserialize)]
struct Best {
    step: u64,
    checkpoint: PathBuf,
}

/// The checkpoint's folder, if every file in it is as it was written.
fn whole(folder: &Path) -> Result<PathBuf, ModelError> {
    run_folder::read_checkpoint::<toml::Table>(folder).map(|_| folder.to_owned())
}
