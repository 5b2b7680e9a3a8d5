//! The layout of a run's folder, as far as it takes to find and verify the run's refiners.
//!
//! ```text
//! checkpoints/step-00001000/   one folder for each checkpoint, its refiner among other files
//! checkpoints/…/state.toml     format version, length and checksum of the other files, and the trainer's state
//! best.toml                    which checkpoint is the best, if the run selects
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::{ModelError, REFINER_CONFIG_FILE, regular};

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
    /// Computes the mark of the file at `path` as it is now, without holding it in memory.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no plain file.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let (mut file, length) = regular::open(path)?;
        let (mut chunk, mut mark) = (vec![0; 1 << 16], Self { bytes: 0, crc32c: 0 });
        // A file that grows meanwhile is not read for ever.
        while mark.bytes <= length {
            match file.read(&mut chunk)? {
                0 => break,
                n => {
                    mark.bytes += n as u64;
                    mark.crc32c = crc32c::crc32c_append(mark.crc32c, &chunk[..n]);
                }
            }
        }
        Ok(mark)
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, crc32c: crc32c::crc32c(bytes) }
    }
}

/// What a file records about another: its mark or, in older files, its checksum (hexadecimal) alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordedMark {
    /// Length and checksum.
    Mark(FileMark),
    /// The checksum alone, in hexadecimal.
    Checksum(String),
}

impl RecordedMark {
    /// Returns whether `found` is the mark of the recorded file.
    #[must_use]
    pub fn matches(&self, found: &FileMark) -> bool {
        match self {
            Self::Mark(mark) => mark == found,
            Self::Checksum(checksum) => *checksum == format!("{:08x}", found.crc32c),
        }
    }
}

impl From<FileMark> for RecordedMark {
    fn from(mark: FileMark) -> Self {
        Self::Mark(mark)
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
/// If a file is missing, damaged or no plain file, or the format version is unknown.
pub fn read_checkpoint<T: DeserializeOwned>(folder: &Path) -> Result<T, ModelError> {
    let unusable = |reason: String| ModelError::Checkpoint { path: folder.to_owned(), reason };
    let text = regular::read_text(&folder.join(STATE_FILE));
    let text = text.map_err(|error| unusable(format!("{STATE_FILE}: {error}")))?;
    // The seal first: the state of another version, or of a damaged checkpoint, may not fit `T`.
    let seal = Seal::parse(folder, &text)?;
    for name in seal.files.keys() {
        let found = FileMark::of(&folder.join(name)).map_err(|error| unusable(format!("{name}: {error}")))?;
        seal.check(folder, name, found)?;
    }
    toml::from_str(&text).map_err(|error| unusable(format!("{STATE_FILE}: {}", error.message())))
}

/// The part of a checkpoint's state that every reader checks.
#[derive(Deserialize)]
pub(crate) struct Seal {
    format_version: u32,
    files: BTreeMap<String, FileMark>,
}

impl Seal {
    /// Reads the seal of the checkpoint in `folder`; `None` for a refiner saved without a run's state.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, ModelError> {
        let path = folder.join(STATE_FILE);
        match regular::read_text(&path) {
            Ok(text) => Self::parse(folder, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ModelError::Io { path, source }),
        }
    }

    fn parse(folder: &Path, text: &str) -> Result<Self, ModelError> {
        let unusable = |reason: String| ModelError::Checkpoint { path: folder.to_owned(), reason };
        let damaged = |error: toml::de::Error| unusable(format!("{STATE_FILE}: {}", error.message()));
        let seal: Self = toml::from_str(text).map_err(damaged)?;
        check_version(seal.format_version, CHECKPOINT_VERSION).map_err(unusable)?;
        match seal.files.keys().find(|name| !is_plain_name(name)) {
            Some(name) => Err(unusable(format!("{STATE_FILE}: `{}` is no file of it", name.escape_debug()))),
            None => Ok(seal),
        }
    }

    /// Compares the file `name` as it was found with what was written.
    pub(crate) fn check(&self, folder: &Path, name: &str, found: FileMark) -> Result<(), ModelError> {
        let reason = match self.files.get(name) {
            Some(expected) if *expected == found => return Ok(()),
            Some(_) => format!("{name} is damaged: its checksum is not that of {STATE_FILE}"),
            None => format!("{STATE_FILE} does not know {name}"),
        };
        Err(ModelError::Checkpoint { path: folder.to_owned(), reason })
    }
}

/// Whether this is the name of a file right in a folder.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

/// Finds the folder with the refiner that `path` names: a checkpoint, or a run, which gives its best
/// checkpoint if it has an intact one ([`BEST_FILE`]), else its newest intact one.
///
/// Only a run's checkpoints are verified here; [`load_refiner`](crate::load_refiner) verifies what it reads.
///
/// # Errors
///
/// If `path` holds no checkpoint or only damaged ones.
pub fn find_refiner(path: &Path) -> Result<PathBuf, ModelError> {
    if path.join(REFINER_CONFIG_FILE).exists() {
        return Ok(path.to_owned());
    }
    let missing = |reason| ModelError::NoCheckpoint { path: path.to_owned(), reason };
    if !path.exists() {
        return Err(missing("no such folder"));
    }
    if !path.join(CHECKPOINTS_DIR).is_dir() {
        return Err(missing("neither a run nor a checkpoint"));
    }
    if let Some(best) = read_best::<Best>(path)? {
        match whole(&path.join(CHECKPOINTS_DIR).join(checkpoint_name(best.step))) {
            Ok(folder) => {
                tracing::info!("taking the best checkpoint, of step {}", best.step);
                return Ok(folder);
            }
            Err(error) => tracing::warn!("taking the newest checkpoint, not the best: {error}"),
        }
    }
    let newest = newest(path, whole)?;
    for error in &newest.damaged {
        tracing::warn!("taking an earlier checkpoint: {error}");
    }
    newest.checkpoint.ok_or_else(|| missing("the run has no checkpoint yet"))
}

/// The part of a run's [`BEST_FILE`] that tells the checkpoint. Its folder follows from the step, so that no
/// path in the file leads elsewhere.
#[derive(Deserialize)]
struct Best {
    step: u64,
}

/// Returns the folder if every file of the checkpoint is intact.
fn whole(folder: &Path) -> Result<PathBuf, ModelError> {
    read_checkpoint::<Table>(folder).map(|_| folder.to_owned())
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
    let text = regular::read_text(&path).map_err(ModelError::io(&path))?;
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
