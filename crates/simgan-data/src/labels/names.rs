//! Which image a label file's entry is about.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Images of a folder that a label file may name although it does not go with them; paths are relative.
#[derive(Clone, Copy, Debug, Default)]
pub struct Apart<'a> {
    /// All of them, sorted: a path that leads to one names no other image.
    pub images: &'a [PathBuf],
    /// Those whose file name alone may mean them: masks and the like are not among them, as their names are
    /// often those of the images that they belong to.
    pub namesakes: &'a [PathBuf],
}

/// Images by file name, and by file name without its extension; `None` if several share it.
type ByName<'a> = BTreeMap<&'a OsStr, Option<usize>>;

/// Finds images by the names that label files give them.
pub(super) struct Names<'a> {
    images: &'a [PathBuf],
    apart: Apart<'a>,
    /// The folder of the label file.
    folder: PathBuf,
    by_name: OnceCell<ByName<'a>>,
}

impl<'a> Names<'a> {
    /// Prepares to find names that the label file `label` gives; `images` are sorted.
    pub(super) fn new(images: &'a [PathBuf], apart: Apart<'a>, label: &Path) -> Self {
        let folder = label.parent().unwrap_or(Path::new("")).to_owned();
        Self { images, apart, folder, by_name: OnceCell::new() }
    }

    /// Made only once a path is not enough: in a folder of many frames, each with its label file, it would
    /// cost more than the images.
    fn by_name(&self) -> ByName<'a> {
        let mut by_name = BTreeMap::new();
        let own = self.images.iter().zip(0..).map(|(image, index)| (image, Some(index)));
        for (image, index) in own.chain(self.apart.namesakes.iter().map(|image| (image, None))) {
            let mut names = vec![image.file_name(), image.file_stem()];
            names.dedup();
            for name in names.into_iter().flatten() {
                by_name.entry(name).and_modify(|known| *known = None).or_insert(index);
            }
        }
        by_name
    }

    /// Finds an image by its path, relative to the label file or to the root; or by its file name, with or
    /// without extension, if no other image has it. The path of an image that is [apart](Apart) finds none.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim().replace('\\', "/");
        let parts = Path::new(&name).components().filter(|part| *part != Component::CurDir);
        let path: PathBuf = parts.collect();
        for path in [&self.folder.join(&path), &path] {
            if let Ok(index) = self.images.binary_search(path) {
                return Some(index);
            }
            if self.apart.images.binary_search(path).is_ok() {
                return None;
            }
        }
        *self.by_name.get_or_init(|| self.by_name()).get(path.file_name()?)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_or_a_unique_file_name() {
        let images = ["a/0.png", "a/1.png", "b/0.png", "b/2.jpg"].map(PathBuf::from);
        let names = Names::new(&images, Apart::default(), Path::new("b/labels.csv"));
        for (name, index) in
            [("0.png", 2), ("./a/0.png", 0), ("1.png", 1), ("2", 3), ("a\\1.png", 1), ("/x/1.png", 1)]
        {
            assert_eq!(names.find(name), Some(index), "{name}");
        }
        let names = Names::new(&images, Apart::default(), Path::new("labels.csv"));
        for name in ["0.png", "0", "3.png", "", "..", "/"] {
            assert_eq!(names.find(name), None, "{name}");
        }
    }

    #[test]
    fn an_image_that_is_apart_is_no_namesake() {
        let images = ["a/0.png", "a/1.png", "a/2.png"].map(PathBuf::from);
        let (masks, left) = (["m/1.png"].map(PathBuf::from), ["b/0.png"].map(PathBuf::from));
        let all = [left.clone(), masks].concat();
        let apart = Apart { images: &all, namesakes: &left };
        let names = Names::new(&images, apart, Path::new("labels.csv"));
        for (name, index) in [
            ("b/0.png", None),
            ("x/b/0.png", None),
            ("0.png", None),
            ("a/0.png", Some(0)),
            ("m/1.png", None),
            ("1.png", Some(1)),
            ("x/2.png", Some(2)),
        ] {
            assert_eq!(names.find(name), index, "{name}");
        }
        let names = Names::new(&images, apart, Path::new("b/labels.csv"));
        assert_eq!(names.find("0.png"), None);
    }
}
