//! The place of a data set, and how it gets there: assembled in a work folder, then renamed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use simgan_data::DataError;

use super::manifest::Dataset;
use super::sums::{self, SUMS, Sum};
use crate::failure::hinted;

/// The place of one data set under `data/raw`.
pub(super) struct Place {
    /// The data set's folder.
    pub(super) target: PathBuf,
    /// The work folder, on the same file system so that a rename publishes the data set atomically.
    work: PathBuf,
}

/// A place locked by this process.
pub(super) struct Locked<'a> {
    place: &'a Place,
    _lock: File,
}

/// The state of a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No data set yet, but `n_bytes` of an interrupted download.
    Absent { n_bytes: u64 },
    /// A fetched data set.
    Fetched,
    /// A link to the user's folder.
    Linked(PathBuf),
    /// A folder that was put there by hand.
    Foreign,
}

impl Place {
    pub(super) fn new(raw: &Path, name: &str) -> Self {
        Self { target: raw.join(name), work: raw.join(".fetch").join(name) }
    }

    pub(super) fn state(&self) -> State {
        if let Ok(folder) = fs::read_link(&self.target) {
            State::Linked(folder)
        } else if self.target.join(SUMS).is_file() {
            State::Fetched
        } else if self.target.exists() {
            State::Foreign
        } else {
            State::Absent { n_bytes: n_bytes(&self.work) }
        }
    }

    /// Locks the place against other processes.
    pub(super) fn lock(&self) -> anyhow::Result<Locked<'_>> {
        fs::create_dir_all(&self.work).with_context(|| self.work.display().to_string())?;
        // Beside the work folder, which `clear` removes while the lock is held.
        let path = self.work.with_added_extension("lock");
        match simgan_data::lock(&path, &self.target) {
            Ok(lock) => Ok(Locked { place: self, _lock: lock }),
            Err(error @ DataError::InUse { .. }) => Err(hinted(error.to_string(), "wait until it is done")),
            Err(error) => Err(error.into()),
        }
    }
}

impl Locked<'_> {
    /// Returns the path of a file in transfer.
    pub(super) fn part(&self, path: &str) -> PathBuf {
        self.place.work.join("parts").join(path)
    }

    /// Returns the folder that will become the data set's.
    pub(super) fn files(&self) -> PathBuf {
        self.place.work.join("files")
    }

    /// Removes the remains of an interrupted unpacking.
    pub(super) fn clear_files(&self) -> anyhow::Result<()> {
        let folder = self.files();
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| folder.display().to_string())
            }
            _ => Ok(()),
        }
    }

    /// Moves a fetched data set back to the work folder, to repair it.
    pub(super) fn recall(&self) -> anyhow::Result<()> {
        self.clear_files()?;
        let target = &self.place.target;
        fs::rename(target, self.files()).with_context(|| target.display().to_string())
    }

    /// Checks the folder, writes its checksums and moves it to its place.
    pub(super) fn publish(&self, dataset: &Dataset, sums: &[Sum]) -> anyhow::Result<()> {
        check_holds(&self.files(), dataset)?;
        sums::write(&self.files(), sums)?;
        let target = &self.place.target;
        fs::rename(self.files(), target).with_context(|| target.display().to_string())?;
        self.clear()
    }

    /// Links the place to the user's folder.
    pub(super) fn link(&self, folder: &Path) -> anyhow::Result<()> {
        let target = &self.place.target;
        std::os::unix::fs::symlink(folder, target).with_context(|| target.display().to_string())?;
        self.clear()
    }

    /// Removes the work folder.
    fn clear(&self) -> anyhow::Result<()> {
        let work = &self.place.work;
        fs::remove_dir_all(work).with_context(|| work.display().to_string())
    }
}

/// Checks that a folder holds what the manifest lists.
///
/// # Errors
/// The first entry that is missing.
pub(super) fn check_holds(folder: &Path, dataset: &Dataset) -> anyhow::Result<()> {
    for wanted in &dataset.holds {
        let is_there = match wanted.strip_prefix("*.") {
            Some(extension) => {
                let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
                entries
                    .flatten()
                    .any(|entry| entry.path().extension().is_some_and(|found| found == extension))
            }
            None => folder.join(wanted).exists(),
        };
        if !is_there {
            bail!("{}: no {}, for it holds no {wanted}", folder.display(), dataset.name);
        }
    }
    Ok(())
}

fn n_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let length = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => n_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(length).sum()
}
