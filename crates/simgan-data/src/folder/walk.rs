use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::listing::has_extension;
use crate::{DataError, ImageFormat};

/// The files in a folder and its subfolders, as sorted relative paths; `/` sorts before other characters.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) images: Vec<PathBuf>,
    /// `.json`, `.txt` and `.csv` files.
    pub(crate) labels: Vec<PathBuf>,
    /// Files of other kinds.
    pub(crate) others: Vec<PathBuf>,
}

/// Walks a folder. Hidden files are skipped. Links are followed, but no folder is entered twice, so that
/// cycles end.
pub(crate) fn walk(root: &Path) -> Result<Found, DataError> {
    let mut found = Found::default();
    let mut entered = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        let real = full.canonicalize().map_err(|error| DataError::io(&full, error))?;
        if entered.insert(real) {
            let mut inner = list(&full, &folder, &mut found)?;
            // The stack is last in, first out: push in descending order to enter the first name first.
            inner.sort_unstable_by(|a, b| b.cmp(a));
            folders.append(&mut inner);
        }
    }
    found.sort();
    Ok(found)
}

/// Adds the files of one folder to `found` and returns its subfolders.
fn list(full: &Path, folder: &Path, found: &mut Found) -> Result<Vec<PathBuf>, DataError> {
    let io = |error| DataError::io(full, error);
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(full).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(&name);
        let mut kind = entry.file_type().map_err(io)?;
        if kind.is_symlink() {
            // A dangling link counts as a file, so that reading it fails with an error that names it.
            match std::fs::metadata(entry.path()) {
                Ok(metadata) => kind = metadata.file_type(),
                Err(_) => {
                    found.add(path);
                    continue;
                }
            }
        }
        if kind.is_dir() {
            folders.push(path);
        } else if kind.is_file() {
            found.add(path);
        }
    }
    Ok(folders)
}

impl Found {
    pub(crate) fn sort(&mut self) {
        for files in [&mut self.images, &mut self.labels, &mut self.others] {
            files.sort_unstable();
        }
    }

    pub(crate) fn add(&mut self, path: PathBuf) {
        if ImageFormat::from_path(&path).is_some() {
            self.images.push(path);
        } else if has_extension(&path, &["json", "txt", "csv"]) {
            self.labels.push(path);
        } else {
            self.others.push(path);
        }
    }
}
