use std::path::{Path, PathBuf};

/// Which label files belong to which image.
pub(super) struct LabelFiles {
    /// Index of an image, a label file of it, and whether it is the first image that has it; sorted.
    beside: Vec<(u32, PathBuf, bool)>,
    /// Label files that belong to no single image.
    index: Vec<PathBuf>,
}

impl LabelFiles {
    /// Sorts label files out. One belongs to the images of its folder that are called like it: `7.png` has `7.json`,
    /// `7.png.json` and `7.label.json`.
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

    /// How many of them belong to no image before this one.
    pub(super) fn n_first(&self, image: usize) -> usize {
        self.entries(image).filter(|(_, _, is_first)| *is_first).count()
    }

    fn entries(&self, image: usize) -> impl Iterator<Item = &(u32, PathBuf, bool)> {
        let start = self.beside.partition_point(|(owner, ..)| (*owner as usize) < image);
        self.beside[start..].iter().take_while(move |(owner, ..)| *owner as usize == image)
    }

    /// Label files that belong to no single image.
    pub(super) fn index(&self) -> &[PathBuf] {
        &self.index
    }
}

/// The images that a label file belongs to: those whose name is the longest beginning of its own, sorted.
fn owners(label: &Path, images: &[PathBuf], stems: &[(PathBuf, u32)]) -> Vec<u32> {
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
