//! Which image a label file's entry is about.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Images by file name, and by file name without its extension; `None` if several share it.
type ByName<'a> = BTreeMap<&'a OsStr, Option<usize>>;

/// Finds images by the names that label files give them.
pub(super) struct Names<'a> {
    images: &'a [PathBuf],
    /// The folder of the label file.
    folder: PathBuf,
    by_name: OnceCell<ByName<'a>>,
}

impl<'a> Names<'a> {
    /// Prepares to find names that the label file `label` gives; `images` are sorted.
    pub(super) fn new(images: &'a [PathBuf], label: &Path) -> Self {
        let folder = label.parent().unwrap_or(Path::new("")).to_owned();
        Self { images, folder, by_name: OnceCell::new() }
    }

    /// Made only once a path is not enough: in a folder of many frames, each with its label file, it would
    /// cost more than the images.
    fn by_name(&self) -> ByName<'a> {
        let mut by_name = BTreeMap::new();
        for (index, image) in self.images.iter().enumerate() {
            let mut names = vec![image.file_name(), image.file_stem()];
            names.dedup();
            for name in names.into_iter().flatten() {
                by_name.entry(name).and_modify(|known| *known = None).or_insert(Some(index));
            }
        }
        by_name
    }

    /// Finds an image by its path, relative to the label file or to the root; or by its file name, with or
    /// without extension, if no other image has it.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim().replace('\\', "/");
        let parts = Path::new(&name).components().filter(|part| *part != Component::CurDir);
        let path: PathBuf = parts.collect();
        let found = |path: &PathBuf| self.images.binary_search(path).ok();
        found(&self.folder.join(&path))
            .or_else(|| found(&path))
            .or_else(|| *self.by_name.get_or_init(|| self.by_name()).get(path.file_name()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_or_a_unique_file_name() {
        let images = ["a/0.png", "a/1.png", "b/0.png", "b/2.jpg"].map(PathBuf::from);
        let names = Names::new(&images, Path::new("b/labels.csv"));
        for (name, index) in
            [("0.png", 2), ("./a/0.png", 0), ("1.png", 1), ("2", 3), ("a\\1.png", 1), ("/x/1.png", 1)]
        {
            assert_eq!(names.find(name), Some(index), "{name}");
        }
        let names = Names::new(&images, Path::new("labels.csv"));
        for name in ["0.png", "0", "3.png", "", "..", "/"] {
            assert_eq!(names.find(name), None, "{name}");
        }
    }
}
