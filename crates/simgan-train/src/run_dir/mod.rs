//! The folder of a run: its layout, its lock and its newest intact checkpoint.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use simgan_data::is_junk;
use simgan_models::run_folder;
pub use simgan_models::run_folder::{BEST_FILE, CHECKPOINTS_DIR};

use crate::checkpoint::{self, Checkpoint};
use crate::{Event, Summary, TrainConfig, TrainError, read_metrics};

/// The complete configuration.
pub const CONFIG_FILE: &str = "config.toml";
/// The events, one per line.
pub const METRICS_FILE: &str = "metrics.jsonl";
/// TensorBoard's event files.
pub const TENSORBOARD_DIR: &str = "tensorboard";
/// Sample grids.
pub const SAMPLES_DIR: &str = "samples";
/// Locked by the process that writes to the run.
const LOCK_FILE: &str = "run.lock";

/// A run's folder, locked while this value lives, so that no second process can write to it.
///
/// ```text
/// config.toml                  complete, re-runnable
/// metrics.jsonl                one event per line
/// tensorboard/                 scalars and sample grids
/// samples/step-00001000.png    the same inputs each time
/// checkpoints/step-00001000/   refiner, discriminator, optimizers, history, state
/// best.toml                    the best checkpoint, if the run selects
/// run.lock                     held while a process trains
/// ```
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File, // the system releases it when the process ends, however it ends
}

impl RunDir {
    /// Creates a run in `path`, which must be empty or not exist, and writes `config.toml`.
    ///
    /// # Errors
    /// `path` holds a run or other files, another process has locked it, it cannot be written, or `config` is
    /// invalid.
    pub fn create(path: &Path, config: &TrainConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let is_new = !path.exists();
        let config_path = path.join(CONFIG_FILE);
        if !is_new && !config_path.exists() {
            check_empty(path)?; // before locking, which leaves a file in a foreign folder
        }
        fs::create_dir_all(path).map_err(TrainError::io(path))?;
        let run = Self::lock(path)?;
        if config_path.exists() {
            return Err(TrainError::RunExists { path: path.to_owned() });
        }
        run.start(config).inspect_err(|_| discard(path, is_new))?;
        Ok(run)
    }

    fn start(&self, config: &TrainConfig) -> Result<(), TrainError> {
        for dir in [TENSORBOARD_DIR, SAMPLES_DIR, CHECKPOINTS_DIR] {
            let dir = self.path.join(dir);
            fs::create_dir_all(&dir).map_err(TrainError::io(&dir))?;
        }
        self.write_config(config) // last, since this file makes the folder a run
    }

    /// Opens an existing run to continue it.
    ///
    /// # Errors
    /// `path` holds no run, another process has locked it, or it cannot be written.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        if !path.join(CONFIG_FILE).exists() {
            let reason = format!("there is no run here, {CONFIG_FILE} is missing");
            return Err(TrainError::NotARun { path: path.to_owned(), reason });
        }
        let run = Self::lock(path)?;
        checkpoint::remove_leftovers(&run.checkpoints())?;
        Ok(run)
    }

    fn lock(path: &Path) -> Result<Self, TrainError> {
        let lock_path = path.join(LOCK_FILE);
        Ok(Self { path: path.to_owned(), _lock: simgan_data::lock(&lock_path, path)? })
    }

    /// The run's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the configuration in `config.toml`.
    ///
    /// # Errors
    /// The file cannot be read, or its content is not a valid configuration.
    pub fn config(&self) -> Result<TrainConfig, TrainError> {
        config_of_run(&self.path)
    }

    /// Replaces `config.toml` atomically.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_config(&self, config: &TrainConfig) -> Result<(), TrainError> {
        let text = config.commented();
        Ok(simgan_data::write_atomic(&self.path.join(CONFIG_FILE), text.as_bytes())?)
    }

    /// Returns the summary with which the run ended, if all its steps are done and everything is written.
    ///
    /// # Errors
    /// `metrics.jsonl` cannot be read.
    pub fn finished(&self) -> Result<Option<Summary>, TrainError> {
        let metrics = self.path.join(METRICS_FILE);
        if !metrics.exists() {
            return Ok(None);
        }
        Ok(match read_metrics(&metrics)?.pop() {
            Some(Event::Finish(summary)) if summary.is_complete() => {
                Some(Summary { run: self.path.clone(), ..summary })
            }
            _ => None,
        })
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS_DIR)
    }
}

/// The result of [`newest_checkpoint`].
pub type Newest = run_folder::Newest<Checkpoint, TrainError>;

/// Reads the configuration of the run at `path` without locking the run.
///
/// # Errors
/// The file cannot be read, or its content is not a valid configuration.
pub fn config_of_run(path: &Path) -> Result<TrainConfig, TrainError> {
    let path = path.join(CONFIG_FILE);
    let text = simgan_data::read_text(&path)?;
    Ok(TrainConfig::resolve(None, Some(&text), &[])?)
}

/// Whether a process is training the run at `path`. It keeps no process from training.
///
/// # Errors
/// The lock's file cannot be opened, or is no plain file.
pub fn is_training(path: &Path) -> Result<bool, TrainError> {
    Ok(simgan_data::is_locked(&path.join(LOCK_FILE))?)
}

/// Finds the newest intact checkpoint of the run at `path` without locking the run.
///
/// # Errors
/// There are checkpoints but all are damaged, or the folder cannot be read.
pub fn newest_checkpoint(path: &Path) -> Result<Newest, TrainError> {
    run_folder::newest(path, Checkpoint::open)
}

fn check_empty(path: &Path) -> Result<(), TrainError> {
    let entries = fs::read_dir(path).map_err(TrainError::io(path))?;
    // A process that died before it wrote `config.toml` leaves only these; such a folder counts as empty.
    let ours = [LOCK_FILE, TENSORBOARD_DIR, SAMPLES_DIR, CHECKPOINTS_DIR];
    for entry in entries {
        let name = entry.map_err(TrainError::io(path))?.file_name();
        if !ours.iter().any(|ours| name == *ours) && !is_junk(&name) {
            let reason = format!("this folder is not empty, it has {}", name.display());
            return Err(TrainError::NotARun { path: path.to_owned(), reason });
        }
    }
    Ok(())
}

/// Removes the folder of a failed start. A failure here is only logged, so that the user sees the original
/// error.
fn discard(path: &Path, is_new: bool) {
    let removed = if is_new { fs::remove_dir_all(path) } else { Ok(()) };
    if let Err(error) = removed {
        tracing::debug!("{}: {error}", path.display());
    }
}
