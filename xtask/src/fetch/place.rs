//! Where a data set lies, and how it gets there: made beside its place, then renamed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use simgan_data::DataError;

use super::manifest::Dataset;
use super::sums::{self, SUMS, Sum};
use crate::failure::hinted;

/// The place of one data set, under `data/raw`.
pub(super) struct Place {
    /// Its folder.
    pub(super) target: PathBuf,
    /// Where it is made.
    work: PathBuf,
}

/// A place that only this process works at.
pub(super) struct Locked<'a> {
    place: &'a Place,
    _lock: File,
}

/// What is at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing yet; so many bytes of an interrupted download.
    Absent { n_bytes: u64 },
    /// What was fetched.
    Fetched,
    /// A link to a folder of the user's.
    Linked(PathBuf),
    /// A folder that somebody else put there.
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

    /// Keeps other processes away.
    pub(super) fn lock(&self) -> anyhow::Result<Locked<'_>> {
        fs::create_dir_all(&self.work).with_context(|| self.work.display().to_string())?;
        let path = self.work.with_added_extension("lock");
        match simgan_data::lock(&path, &self.target) {
            Ok(lock) => Ok(Locked { place: self, _lock: lock }),
            Err(error @ DataError::InUse { .. }) => Err(hinted(error.to_string(), "wait until it is done")),
            Err(error) => Err(error.into()),
        }
    }
}

impl Locked<'_> {
    /// The part of a file that is being transferred.
    pub(super) fn part(&self, path: &str) -> PathBuf {
        self.place.work.join("parts").join(path)
    }

    /// The folder that will be the data set's.
    pub(super) fn files(&self) -> PathBuf {
        self.place.work.join("files")
    }

    /// Removes what an interrupted unpacking left.
    pub(super) fn clear_files(&self) -> anyhow::Result<()> {
        let folder = self.files();
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| folder.display().to_string())
            }
            _ => Ok(()),
        }
    }

    /// Takes a fetched data set back, to mend it.
    pub(super) fn recall(&self) -> anyhow::Result<()> {
        self.clear_files()?;
        let target = &self.place.target;
        fs::rename(target, self.files()).with_context(|| target.display().to_string())
    }

    /// Puts the folder in its place.
    pub(super) fn publish(&self, dataset: &Dataset, sums: &[Sum]) -> anyhow::Result<()> {
        check_holds(&self.files(), dataset)?;
        sums::write(&self.files(), sums)?;
        let target = &self.place.target;
        fs::rename(self.files(), target).with_context(|| target.display().to_string())?;
        self.clear()
    }

    /// Puts a link to a folder of the user's in the place.
    pub(super) fn link(&self, folder: &Path) -> anyhow::Result<()> {
        let target = &self.place.target;
        std::os::unix::fs::symlink(folder, target).with_context(|| target.display().to_string())?;
        self.clear()
    }

    /// Removes everything but the data set.
    fn clear(&self) -> anyhow::Result<()> {
        let work = &self.place.work;
        fs::remove_dir_all(work).with_context(|| work.display().to_string())
    }
}

/// Whether a folder holds what the manifest says.
///
/// # Errors
/// What it does not hold.
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
