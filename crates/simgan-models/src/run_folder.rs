//! The layout of a run's folder, as far as it takes to find and verify the run's refiners.
//!
//! ```text
//! checkpoints/step-00001000/   one folder for each checkpoint, its refiner among other files
//! checkpoints/…/state.toml     format version, length and checksum of the other files, and the trainer's state
//! best.toml                    which checkpoint is the best, if the run selects
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::ModelError;

/// Name of the file that says which checkpoint is the best.
pub const BEST_FILE: &str = "best.toml";
/// Version of the format of [`BEST_FILE`].
pub const BEST_VERSION: u32 = 1;
/// Name of the folder with the checkpoints.
pub const CHECKPOINTS_DIR: &str = "checkpoints";
/// Version of a checkpoint's layout and of [`STATE_FILE`].
pub const CHECKPOINT_VERSION: u32 = 1;
/// Name of the file in a checkpoint that vouches for all others by length and checksum.
pub const STATE_FILE: &str = "state.toml";

/// Length and checksum (CRC-32C) of a file, which reveal damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMark {
    bytes: u64,
    crc32c: u32,
}

impl FileMark {
    /// Computes the mark of the file at `path` as it is now.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let bytes = fs::read(path)?;
        Ok(Self { bytes: bytes.len() as u64, crc32c: crc32c::crc32c(&bytes) })
    }
}

/// Returns the folder name of the checkpoint after `step` steps.
#[must_use]
pub fn checkpoint_name(step: u64) -> String {
    format!("step-{step:08}")
}

/// Lists the checkpoints in the folder `checkpoints` with their steps, oldest first; empty if there is no
/// such folder.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn list_checkpoints(checkpoints: &Path) -> Result<Vec<(u64, PathBuf)>, ModelError> {
    if !checkpoints.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(checkpoints).map_err(ModelError::io(checkpoints))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let step = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok();
    let paths = paths.map_err(ModelError::io(checkpoints))?;
    // Checkpoints that are being written or deleted have other names and are skipped.
    let mut found: Vec<(u64, PathBuf)> =
        paths.into_iter().filter_map(|path| Some((step(&path)?, path))).collect();
    found.sort();
    Ok(found)
}

/// The result of [`newest`].
#[derive(Debug)]
pub struct Newest<T, E> {
    /// The newest checkpoint that could be opened; `None` when the run has no checkpoint yet.
    pub checkpoint: Option<T>,
    /// Why newer ones could not be opened, newest first.
    pub damaged: Vec<E>,
}

/// Opens the newest checkpoint of the run at `run` that `open` accepts.
///
/// # Errors
///
/// If the folder cannot be read. If `open` rejects every checkpoint: its error for the newest.
pub fn newest<T, E: From<ModelError>>(
    run: &Path,
    open: impl Fn(&Path) -> Result<T, E>,
) -> Result<Newest<T, E>, E> {
    let mut damaged = Vec::new();
    for (_, path) in list_checkpoints(&run.join(CHECKPOINTS_DIR))?.into_iter().rev() {
        match open(&path) {
            Ok(checkpoint) => return Ok(Newest { checkpoint: Some(checkpoint), damaged }),
            Err(error) => damaged.push(error),
        }
    }
    match damaged.is_empty() {
        true => Ok(Newest { checkpoint: None, damaged }),
        false => Err(damaged.remove(0)),
    }
}

/// Reads the state of the checkpoint in `folder`, after verifying the length and checksum of every file. `T`
/// is the part of the state that the caller needs; [`toml::Table`] takes all of it.
///
/// # Errors
///
/// If a file is missing or damaged, or the format version is unknown.
pub fn read_checkpoint<T: DeserializeOwned>(folder: &Path) -> Result<T, ModelError> {
    let unusable = |reason: String| ModelError::Checkpoint { path: folder.to_owned(), reason };
    let text = fs::read_to_string(folder.join(STATE_FILE));
    let text = text.map_err(|error| unusable(format!("{STATE_FILE}: {error}")))?;
    let damaged = |error: toml::de::Error| unusable(format!("{STATE_FILE}: {}", error.message()));
    // The seal first: the state of another version, or of a damaged checkpoint, may not fit `T`.
    let seal: Seal = toml::from_str(&text).map_err(damaged)?;
    check_version(seal.format_version, CHECKPOINT_VERSION).map_err(unusable)?;
    for (name, expected) in &seal.files {
        let found = FileMark::of(&folder.join(name)).map_err(|error| unusable(format!("{name}: {error}")))?;
        if found != *expected {
            let reason = format!("{name} is damaged: its checksum is not that of {STATE_FILE}");
            return Err(unusable(reason));
        }
    }
    toml::from_str(&text).map_err(damaged)
}

/// The part of the state that every reader checks.
#[derive(Deserialize)]
struct Seal {
    format_version: u32,
    files: BTreeMap<String, FileMark>,
}

/// Reads the best checkpoint recorded by the run at `run`; `None` if the run has not selected one. `T` is the
/// part of the record that the caller needs.
///
/// # Errors
///
/// If the file cannot be read or is of another version.
pub fn read_best<T: DeserializeOwned>(run: &Path) -> Result<Option<T>, ModelError> {
    let path = run.join(BEST_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(ModelError::io(&path))?;
    let bad = |reason: String| ModelError::Best { path: path.clone(), reason };
    // As a table first: a file of another version may not fit `T`.
    let table: Table = toml::from_str(&text).map_err(|error| bad(error.message().to_owned()))?;
    let version = table.get("version").and_then(toml::Value::as_integer);
    let version = version.ok_or_else(|| bad("it has no version".to_owned()))?;
    check_version(version, BEST_VERSION).map_err(bad)?;
    table.try_into().map(Some).map_err(|error: toml::de::Error| bad(error.message().to_owned()))
}

fn check_version(found: impl Into<i64>, known: u32) -> Result<(), String> {
    match found.into() {
        found if found == i64::from(known) => Ok(()),
        found => Err(format!("format version {found}, this program reads {known}")),
    }
}
