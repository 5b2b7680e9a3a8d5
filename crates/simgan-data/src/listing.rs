use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::DataError;
use crate::folder::walk::{Found, walk};

/// What lies at a path, by which a layout is recognised: the names of all files below it.
///
/// Names come sorted, so nothing depends on the order in which the file system lists them. A folder is walked once, when
/// a layout first asks for its files; the layout that opens it reuses the walk.
pub struct Listing {
    path: PathBuf,
    /// `None` if the walk failed: whoever needs the files then meets the error.
    found: OnceLock<Option<Found>>,
}

impl Listing {
    /// A listing of what lies at `path`; nothing is read yet.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), found: OnceLock::new() }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a file whose name ends with one of these extensions, in upper or lower case.
    #[must_use]
    pub fn is_file_with(&self, extensions: &[&str]) -> bool {
        self.path.is_file() && has_extension(&self.path, extensions)
    }

    /// Paths of all files relative to a folder, subfolders included, hidden files left out: sorted images first, then
    /// sorted label files (`.json`, `.txt`, `.csv`), then the sorted rest. None for a file, or if the walk fails.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let all = self.found().map(|found| [&found.images, &found.labels, &found.others]);
        all.into_iter().flatten().flatten().map(PathBuf::as_path)
    }

    /// Sorted paths of the image files relative to the folder.
    pub(crate) fn images(&self) -> &[PathBuf] {
        self.found().map_or(&[], |found| &found.images)
    }

    /// Sorted paths of the label files relative to the folder.
    pub(crate) fn labels(&self) -> &[PathBuf] {
        self.found().map_or(&[], |found| &found.labels)
    }

    /// The walk of the folder.
    ///
    /// # Errors
    /// A folder that is missing or cannot be read.
    pub(crate) fn into_found(self) -> Result<Found, DataError> {
        match self.found.into_inner().flatten() {
            Some(found) => Ok(found),
            None => walk(&self.path),
        }
    }

    fn found(&self) -> Option<&Found> {
        let walked = || if self.path.is_dir() { walk(&self.path).ok() } else { None };
        self.found.get_or_init(walked).as_ref()
    }

    /// A folder as a file system would list it that gives `files` in this order.
    #[cfg(test)]
    pub(crate) fn in_order(path: &Path, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut found = Found::default();
        files.into_iter().for_each(|file| found.add(file));
        found.sort();
        Self { path: path.to_owned(), found: OnceLock::from(Some(found)) }
    }
}

/// Whether a name ends with one of these extensions, in upper or lower case.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let own = path.extension().and_then(|extension| extension.to_str());
    own.is_some_and(|own| extensions.iter().any(|extension| own.eq_ignore_ascii_case(extension)))
}
