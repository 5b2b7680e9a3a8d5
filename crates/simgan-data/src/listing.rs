use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::DataError;
use crate::folder::walk::{Found, walk};
use crate::pattern::Pattern;

/// The names of all files below a path, from which layouts are recognised.
///
/// Names are sorted, so nothing depends on the file system's listing order. The folder is walked once, when a
/// layout first asks for its files; the layout that opens the folder reuses the walk.
pub struct Listing {
    path: PathBuf,
    /// Which images are meant, if not all of a folder.
    pattern: Option<Pattern>,
    /// `None` if the walk failed; whoever needs the files walks again and reports the error.
    found: OnceLock<Option<Found>>,
}

impl Listing {
    /// A listing of `path`; nothing below it is read yet. An image file, or a path with `*`, `?`, `[…]` or `{…}`
    /// that does not exist as it stands, lists these images and the label files beside them.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let pattern = Pattern::of(path);
        let path = pattern.as_ref().map_or(path, Pattern::root).to_owned();
        Self { path, pattern, found: OnceLock::new() }
    }

    /// The listed path; of a pattern or an image file, the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether only some images of the folder are meant.
    pub(crate) fn is_choice(&self) -> bool {
        self.pattern.is_some()
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
            None => self.pattern.map_or_else(|| walk(&self.path), |pattern| Ok(pattern.found())),
        }
    }

    fn found(&self) -> Option<&Found> {
        let walked = || match &self.pattern {
            Some(pattern) => Some(pattern.found()),
            None => {
                if self.path.is_dir() {
                    walk(&self.path).ok()
                } else {
                    None
                }
            }
        };
        self.found.get_or_init(walked).as_ref()
    }

    /// A folder whose file system lists `files` in this order.
    #[cfg(test)]
    pub(crate) fn in_order(path: &Path, files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut found = Found::default();
        // Left unsorted: recognition must not depend on the order.
        files.into_iter().for_each(|file| found.add(file));
        Self { path: path.to_owned(), pattern: None, found: OnceLock::from(Some(found)) }
    }
}

/// Whether a name has one of these extensions, ignoring case.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let own = path.extension().and_then(|extension| extension.to_str());
    own.is_some_and(|own| extensions.iter().any(|extension| own.eq_ignore_ascii_case(extension)))
}
