use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::DataError;
use crate::folder::walk::{Found, walk};

/// The names of all files below a path, from which layouts are recognised.
///
/// Names are sorted, so nothing depends on the file system's listing order. The folder is walked once, when a
/// layout first asks for its files; the layout that opens the folder reuses the walk.
pub struct Listing {
    path: PathBuf,
    /// `None` if the walk failed; whoever needs the files walks again and reports the error.
    found: OnceLock<Option<Found>>,
}

impl Listing {
    /// A listing of `path`; nothing is read yet.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), found: OnceLock::new() }
    }

    /// The listed path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path is a file with one of these extensions, ignoring case.
    #[must_use]
    pub fn is_file_with(&self, extensions: &[&str]) -> bool {
        self.path.is_file() && has_extension(&self.path, extensions)
    }

    /// All files below the folder, as relative paths; hidden files are omitted. Sorted images come first,
    /// then sorted label files (`.json`, `.txt`, `.csv`), then all others, sorted. Empty for a file, or if
    /// the walk fails.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let all = self.found().map(|found| [&found.images, &found.labels, &found.others]);
        all.into_iter().flatten().flatten().map(PathBuf::as_path)
    }

    /// The image files, as sorted paths relative to the folder.
    pub(crate) fn images(&self) -> &[PathBuf] {
        self.found().map_or(&[], |found| &found.images)
    }

    /// The label files, as sorted paths relative to the folder.
    pub(crate) fn labels(&self) -> &[PathBuf] {
        self.found().map_or(&[], |found| &found.labels)
    }

    /// Returns the walk, walking now if it has not happened yet.
    ///
    /// # Errors
    /// The folder is missing or cannot be read.
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

    /// A folder whose file system lists `files` in this order.
    #[cfg(test)]
    pub(crate) fn in_order(path: &Path, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut found = Found::default();
        // Left unsorted: recognition must not depend on the order.
        files.into_iter().for_each(|file| found.add(file));
        Self { path: path.to_owned(), found: OnceLock::from(Some(found)) }
    }
}

/// Whether a name has one of these extensions, ignoring case.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let own = path.extension().and_then(|extension| extension.to_str());
    own.is_some_and(|own| extensions.iter().any(|extension| own.eq_ignore_ascii_case(extension)))
}
