use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::{DataError, ImageFormat};

/// What lies in a folder and its subfolders: paths relative to it, sorted, `/` sorting before other characters.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) images: Vec<PathBuf>,
    /// `.json`, `.txt` and `.csv` files.
    pub(crate) labels: Vec<PathBuf>,
    /// How many other files there are.
    pub(crate) n_other: usize,
}

/// Lists a folder. Hidden files are left out; links are followed, but no folder is entered twice, so that loops end.
pub(crate) fn walk(root: &Path) -> Result<Found, DataError> {
    let mut found = Found::default();
    let mut entered = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        let real = full.canonicalize().map_err(|error| DataError::io(&full, error))?;
        if entered.insert(real) {
            let mut inner = list(&full, &folder, &mut found)?;
            // The stack is last in, first out: in this order the first name is entered first.
            inner.sort_unstable_by(|a, b| b.cmp(a));
            folders.append(&mut inner);
        }
    }
    found.images.sort_unstable();
    found.labels.sort_unstable();
    Ok(found)
}

/// Adds the files of one folder to `found` and gives back its folders.
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
            // A link to nothing counts as a file: reading it gives an error that names it.
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
    fn add(&mut self, path: PathBuf) {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        if ImageFormat::from_path(&path).is_some() {
            self.images.push(path);
        } else if matches!(extension.as_deref(), Some("json" | "txt" | "csv")) {
            self.labels.push(path);
        } else {
            self.n_other += 1;
        }
    }
}
