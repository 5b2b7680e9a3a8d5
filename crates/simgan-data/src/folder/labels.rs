use std::path::{Path, PathBuf};

/// Which label files belong to which image.
pub(super) struct LabelFiles {
    /// An image's index, one of its label files, and whether it is the file's first image; sorted.
    beside: Vec<(u32, PathBuf, bool)>,
    /// Label files of no particular image.
    index: Vec<PathBuf>,
}

impl LabelFiles {
    /// Assigns label files to images. A label file belongs to the images of equal name in its folder: `7.png`
    /// has `7.json`, `7.png.json` and `7.label.json`.
    pub(super) fn new(images: &[PathBuf], labels: Vec<PathBuf>) -> Self {
        let mut stems: Vec<(PathBuf, u32)> = Vec::with_capacity(images.len());
        stems.extend(images.iter().zip(0..).map(|(image, i)| (image.with_extension(""), i)));
        stems.sort_unstable();
        let mut files = Self { beside: Vec::new(), index: Vec::new() };
        for label in labels {
            let owners = owners(&label, images, &stems);
            if owners.is_empty() {
                files.index.push(label);
            } else {
                let beside = owners.iter().map(|owner| (*owner, label.clone(), *owner == owners[0]));
                files.beside.extend(beside);
            }
        }
        files.beside.sort_unstable();
        files
    }

    /// The label files of one image.
    pub(super) fn of(&self, image: usize) -> impl Iterator<Item = &Path> {
        self.entries(image).map(|(_, path, _)| path.as_path())
    }

    /// Number of an image's label files that belong to no earlier image.
    pub(super) fn n_first(&self, image: usize) -> usize {
        self.entries(image).filter(|(_, _, is_first)| *is_first).count()
    }

    fn entries(&self, image: usize) -> impl Iterator<Item = &(u32, PathBuf, bool)> {
        let start = self.beside.partition_point(|(owner, ..)| (*owner as usize) < image);
        self.beside[start..].iter().take_while(move |(owner, ..)| *owner as usize == image)
    }

    /// Label files of no particular image.
    pub(super) fn index(&self) -> &[PathBuf] {
        &self.index
    }
}

/// Finds the images of a label file: those whose name is its longest prefix, sorted.
fn owners(label: &Path, images: &[PathBuf], stems: &[(PathBuf, u32)]) -> Vec<u32> {
    // Try the name without `.json`, then drop one extension at a time: `7.png.json` names the file `7.png`,
    // and `7.label.json` the stem `7`.
    let mut name = label.with_extension("");
    loop {
        if let Ok(image) = images.binary_search(&name) {
            return vec![image as u32];
        }
        let start = stems.partition_point(|(stem, _)| *stem < name);
        let same = stems[start..].iter().take_while(|(stem, _)| *stem == name);
        let owners: Vec<u32> = same.map(|(_, image)| *image).collect();
        if !owners.is_empty() || name.extension().is_none() {
            return owners;
        }
        name.set_extension("");
    }
}
