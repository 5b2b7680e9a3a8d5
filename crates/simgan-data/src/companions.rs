//! What goes with some images of a folder: their label files, and those about several images that name one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::ImageFormat;
use crate::folder::walk::Found;
use crate::folder::{Apart, image_names, is_junk, is_label_name, owners};
use crate::labels::names_any;

/// Finds what goes with images that are chosen below `root`: files named like one of them, as the walk through
/// a whole folder assigns them, and label files that name one of them. Other label files are
/// [passed over](crate::PassedOver::labels).
pub(crate) fn found(root: &Path, mut chosen: Vec<PathBuf>) -> Found {
    chosen.sort_unstable();
    chosen.dedup();
    let is_image = |file: &PathBuf| ImageFormat::from_path(file).is_some();
    let Beside { files, elsewhere } = Beside::of(root, &chosen);
    let (images, files): (Vec<_>, Vec<_>) = files.into_iter().partition(is_image);
    let images: BTreeSet<_> = images.into_iter().chain(elsewhere.into_iter().filter(is_image)).collect();
    let not_chosen: Vec<_> =
        images.into_iter().filter(|image| chosen.binary_search(image).is_err()).collect();
    let apart = Apart::new(&chosen, &[], not_chosen.clone());
    let mut found = Found::default();
    for file in files.into_iter().filter(|file| root.join(file).is_file()) {
        match owners(&file, &chosen, apart.left()) {
            Some(owners) if owners.is_empty() => {}
            Some(_) => found.add(file),
            None if names_any(root, &file, &chosen, apart.named()) => found.add(file),
            None if is_label_name(&file) => found.passed.labels.push(file),
            None => {}
        }
    }
    chosen.into_iter().for_each(|image| found.add(image));
    found.sort();
    Found { not_chosen, ..found }
}

/// Files near some images, as sorted paths.
struct Beside {
    /// In the images' folders, in the folders above these and in the folders of labels that go with them.
    files: BTreeSet<PathBuf>,
    /// In folders that correspond to the images' in other ways, as `right/day1` does to `left/day1`.
    elsewhere: BTreeSet<PathBuf>,
}

impl Beside {
    fn of(root: &Path, images: &[PathBuf]) -> Self {
        let own: BTreeSet<&Path> = images.iter().filter_map(|image| image.parent()).collect();
        let mut folders: BTreeSet<PathBuf> =
            own.iter().flat_map(|folder| folder.ancestors().map(Path::to_owned)).collect();
        let counterparts = own.iter().flat_map(|folder| counterparts(root, folder));
        let (labels, others): (Vec<_>, Vec<_>) = counterparts.partition(|(_, is_for_labels)| *is_for_labels);
        folders.extend(labels.into_iter().map(|(folder, _)| folder));
        let files = |folder: PathBuf| entries(&root.join(&folder)).map(move |name| folder.join(name));
        let others = others.into_iter().map(|(folder, _)| folder).filter(|other| !folders.contains(other));
        let others: BTreeSet<PathBuf> = others.collect();
        Self {
            files: folders.into_iter().flat_map(files).collect(),
            elsewhere: others.into_iter().flat_map(files).collect(),
        }
    }
}

/// The folders whose path differs from that of a folder of images in one name, each with whether it holds the
/// labels: `labels/train` does for `images/train`.
fn counterparts(root: &Path, folder: &Path) -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    for part in folder.ancestors().filter(|part| part.file_name().is_some()) {
        let (above, name) = (part.parent().unwrap_or(Path::new("")), part.file_name().unwrap_or_default());
        let rest = folder.strip_prefix(part).unwrap_or(Path::new(""));
        for other in entries(&root.join(above)).filter(|other| other != name) {
            let is_for_labels = image_names(&other.to_string_lossy()).iter().any(|image| **image == *name);
            let path: PathBuf = above.join(other).join(rest).iter().collect();
            if root.join(&path).is_dir() {
                found.push((path, is_for_labels));
            }
        }
    }
    found
}

/// The names in a folder, without hidden ones and junk; none if it cannot be read.
pub(crate) fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    entries.filter(|name| !name.to_string_lossy().starts_with('.') && !is_junk(name)).map(PathBuf::from)
}
