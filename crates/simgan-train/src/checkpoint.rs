//! Checkpoints: folders with a run's complete state. Each is written under a hidden name, synced and renamed
//! into place; reading verifies every file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use simgan_data::SamplerState;
use simgan_models::ModelError;
use simgan_models::run_folder::{FileMark, STATE_FILE, checkpoint_name, list_checkpoints, read_checkpoint};

use crate::content::Content;
use crate::watch::Watch;
use crate::{Phase, TrainError};

/// The discriminator's weights.
pub(crate) const DISCRIMINATOR_FILE: &str = "discriminator.safetensors";
/// Both optimizers' state: moments and step counts.
pub(crate) const OPTIMIZERS_FILE: &str = "optimizers.safetensors";
/// The history of refined images.
pub(crate) const HISTORY_FILE: &str = "history.safetensors";
/// R's raw weights, written only when `refiner.safetensors` holds their running average.
pub(crate) const RAW_REFINER_FILE: &str = "refiner-raw.safetensors";

/// Name prefixes of folders being written and of folders being removed; no reader takes them for checkpoints.
const HIDDEN: [&str; 2] = [".new-", ".old-"];

/// An intact checkpoint: every file has the length and checksum recorded in `state.toml`.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    state: State,
}

/// The content of `state.toml`: all state other than tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) format_version: u32,
    /// Steps done in all phases.
    pub(crate) step: u64,
    /// The phase of the next step.
    pub(crate) phase: Phase,
    /// Checksum of the settings that a resume may not change.
    pub(crate) config_crc32c: u32,
    /// Position of the history's random stream in 32-bit words. A string, since its 68 bits exceed a TOML
    /// integer.
    pub(crate) history_stream_words: String,
    pub(crate) n_skipped: u64,
    pub(crate) synthetic: SamplerState,
    pub(crate) real: SamplerState,
    pub(crate) watch: Watch,
    /// The images; `None` in a checkpoint that an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Content>,
    /// The weights of the estimator at `loss.consistency_model`, if the run has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) estimator: Option<FileMark>,
    /// Length and checksum of every other file; filled in on writing.
    pub(crate) files: BTreeMap<String, FileMark>,
}

impl Checkpoint {
    /// Opens the checkpoint in the folder `path`, reading and verifying all its files.
    ///
    /// # Errors
    /// A file is missing or damaged, or the format has another version.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        Ok(Self { path: path.to_owned(), state: read_checkpoint(path)? })
    }

    /// The checkpoint's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Steps done in all phases.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The phase of the next step.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.state.phase
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }
}

/// Writes a checkpoint into `dir`; `fill` receives a folder and writes the tensor files into it.
///
/// A crash at any moment leaves either no folder of that name or an intact one, and never touches other
/// checkpoints.
pub(crate) fn write(
    dir: &Path,
    mut state: State,
    fill: impl FnOnce(&Path) -> Result<(), TrainError>,
) -> Result<Checkpoint, TrainError> {
    let name = checkpoint_name(state.step);
    let (path, new) = (dir.join(&name), dir.join(format!("{}{name}", HIDDEN[0])));
    let written = write_new(&new, &mut state, fill).and_then(|()| put_in_place(dir, &new, &path));
    if let Err(error) = written {
        remove_quietly(&new);
        return Err(error);
    }
    Ok(Checkpoint { path, state })
}

fn write_new(
    new: &Path,
    state: &mut State,
    fill: impl FnOnce(&Path) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    if new.exists() {
        fs::remove_dir_all(new).map_err(TrainError::io(new))?;
    }
    fs::create_dir(new).map_err(TrainError::io(new))?;
    fill(new)?;
    for path in entries(new)? {
        sync(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        state.files.insert(name, FileMark::of(&path).map_err(TrainError::io(&path))?);
    }
    // `state.toml` comes last because it records the other files' checksums.
    let text = toml::to_string(state).map_err(|error| unusable(new, error.to_string()))?;
    let path = new.join(STATE_FILE);
    fs::write(&path, text).map_err(TrainError::io(&path))?;
    sync(&path)?;
    sync(new)
}

fn put_in_place(dir: &Path, new: &Path, path: &Path) -> Result<(), TrainError> {
    let old = dir.join(format!("{}{}", HIDDEN[1], path.file_name().unwrap_or_default().display()));
    // `path` exists if a resume skipped a damaged checkpoint or this step was written before.
    simgan_data::replace_folder(path, new, &old)?;
    sync(dir)
}

/// Removes all checkpoints except the newest `keep_last`, those at multiples of `keep_every`, and the one at
/// step `best`.
pub(crate) fn retain(
    dir: &Path,
    keep_last: usize,
    keep_every: Option<u64>,
    best: Option<u64>,
) -> Result<(), TrainError> {
    let mut checkpoints = list_checkpoints(dir)?;
    checkpoints.truncate(checkpoints.len().saturating_sub(keep_last));
    for (step, path) in checkpoints {
        let is_kept = keep_every.is_some_and(|every| step.is_multiple_of(every));
        if best != Some(step) && !is_kept {
            // Renaming first keeps a crash from leaving a partial checkpoint under a checkpoint's name.
            let old = dir.join(format!("{}{}", HIDDEN[1], checkpoint_name(step)));
            fs::rename(&path, &old).map_err(TrainError::io(&path))?;
            fs::remove_dir_all(&old).map_err(TrainError::io(&old))?;
        }
    }
    Ok(())
}

/// Removes the folders that a crash left half-written or half-removed.
pub(crate) fn remove_leftovers(dir: &Path) -> Result<(), TrainError> {
    if !dir.exists() {
        return Ok(());
    }
    for path in entries(dir)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if HIDDEN.iter().any(|prefix| name.starts_with(prefix)) {
            fs::remove_dir_all(&path).map_err(TrainError::io(&path))?;
        }
    }
    Ok(())
}

/// Returns an error about the checkpoint at `path`.
pub(crate) fn unusable(path: &Path, reason: String) -> TrainError {
    ModelError::Checkpoint { path: path.to_owned(), reason }.into()
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let entries = fs::read_dir(dir).map_err(TrainError::io(dir))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(TrainError::io(dir))?;
    paths.sort();
    Ok(paths)
}

/// Flushes a file or folder to the disk.
fn sync(path: &Path) -> Result<(), TrainError> {
    // Outside Unix, `File::open` fails on a folder.
    if cfg!(unix) || path.is_file() {
        File::open(path).and_then(|file| file.sync_all()).map_err(TrainError::io(path))?;
    }
    Ok(())
}

/// Removes a folder during cleanup. A failure is only logged, so that it does not mask the original error.
fn remove_quietly(path: &Path) {
    if path.exists()
        && let Err(error) = fs::remove_dir_all(path)
    {
        tracing::warn!("{}: {error}", path.display());
    }
}
