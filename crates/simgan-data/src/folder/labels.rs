use std::collections::BTreeSet;
use std::ffi::OsStr;
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
    /// has `7.json`, `7.png.json` and `7.label.json`. Failing that, it belongs to the images of equal name in
    /// the folder that goes with its own ([`image_folders`]).
    ///
    /// One that belongs to an image that is not taken, among `left`, belongs to no other.
    pub(super) fn new(images: &[PathBuf], left: &[PathBuf], labels: Vec<PathBuf>) -> Self {
        let mut files = Self { beside: Vec::new(), index: Vec::new() };
        for label in labels {
            let owners = owners(&label, images, left).unwrap_or_default();
            if owners.is_empty() {
                files.index.push(label);
            } else {
                let beside = owners.iter().map(|owner| (*owner, label.clone(), *owner == owners[0]));
                files.beside.extend(beside);
            }
        }
        files.beside.sort_unstable();
        files.index.sort_unstable();
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

    /// Number of label files.
    pub(super) fn len(&self) -> usize {
        self.index.len() + self.beside.iter().filter(|(_, _, is_first)| *is_first).count()
    }

    fn entries(&self, image: usize) -> impl Iterator<Item = &(u32, PathBuf, bool)> {
        let start = self.beside.partition_point(|(owner, ..)| (*owner as usize) < image);
        self.beside[start..].iter().take_while(move |(owner, ..)| *owner as usize == image)
    }

    /// Label files beside any image.
    pub(super) fn beside(&self) -> BTreeSet<&Path> {
        self.beside.iter().map(|(_, path, _)| path.as_path()).collect()
    }

    /// Label files of no particular image.
    pub(super) fn index(&self) -> &[PathBuf] {
        &self.index
    }
}

/// The paths that a label file would have in the folders that hold the images where labels have folders of
/// their own: YOLO's `labels/train/7.txt` beside `images/train/7.png`, VOC's `Annotations` beside `JPEGImages`,
/// KITTI's `label_2` beside `image_2`.
fn image_folders(label: &Path) -> Vec<PathBuf> {
    let parts: Vec<&OsStr> = label.iter().collect();
    let folders = (0..parts.len().saturating_sub(1)).rev();
    folders
        .flat_map(|place| {
            let with = |name: String| {
                let mut path: PathBuf = parts[..place].iter().collect();
                path.push(name);
                path.extend(&parts[place + 1..]);
                path
            };
            image_names(&parts[place].to_string_lossy()).into_iter().map(with).collect::<Vec<_>>()
        })
        .collect()
}

/// The names of image folders that go with a folder of labels.
pub(crate) fn image_names(folder: &str) -> Vec<String> {
    let lower = folder.to_lowercase();
    match lower.strip_prefix("label_").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(number) => vec![format!("image_{number}")],
        None if ["labels", "label", "annotations", "annotation"].contains(&&lower[..]) => {
            ["images", "image", "JPEGImages", "imgs", "img", "rgb"].map(str::to_owned).to_vec()
        }
        None => Vec::new(),
    }
}

/// Finds the images of a label file: those whose name is its longest prefix, sorted, beside it or else in the
/// folder that goes with its own. Empty if these are among `left`, and `None` if there are none at all.
pub(crate) fn owners(label: &Path, images: &[PathBuf], left: &[PathBuf]) -> Option<Vec<u32>> {
    let elsewhere = || image_folders(label).into_iter().find_map(|label| namesakes(&label, images, left));
    namesakes(label, images, left).or_else(elsewhere)
}

fn namesakes(label: &Path, images: &[PathBuf], left: &[PathBuf]) -> Option<Vec<u32>> {
    // Try the name without `.json`, then drop one extension at a time: `7.png.json` names the file `7.png`,
    // and `7.label.json` the stem `7`.
    let mut name = label.with_extension("");
    loop {
        if let Ok(image) = images.binary_search(&name) {
            return Some(vec![image as u32]);
        }
        if left.binary_search(&name).is_ok() {
            return Some(Vec::new());
        }
        let owners = of_stem(&name, images);
        if !owners.is_empty() || !of_stem(&name, left).is_empty() {
            return Some(owners);
        }
        name.extension()?;
        name.set_extension("");
    }
}

/// The images whose path without extension is `stem`.
fn of_stem(stem: &Path, images: &[PathBuf]) -> Vec<u32> {
    let mut first = stem.as_os_str().to_owned();
    first.push(".");
    // What begins alike is sorted together.
    let start = images.partition_point(|image| image.as_path() < Path::new(&first));
    let begins = |image: &Path| image.as_os_str().as_encoded_bytes().starts_with(first.as_encoded_bytes());
    let alike = images[start..].iter().zip(start..).take_while(|(image, _)| begins(image));
    alike.filter(|(image, _)| image.with_extension("") == stem).map(|(_, index)| index as u32).collect()
}
