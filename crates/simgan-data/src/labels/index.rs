//! What the label files of a folder say of each of its images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::said::{Said, json_record, warn_of_names};
use super::{Apart, MAX_BYTES, failed, read_page};
use crate::{Annotation, Annotations, ClassNames, DataError, Sample, Size};

/// The annotations in a folder's label files. Files beside an image are read with it; files about several
/// images are read once, when a label is first asked for.
#[derive(Default)]
pub(crate) struct FolderIndex {
    index: OnceLock<Result<Entries, Fault>>,
    /// The names of classes in the files beside images, from which their numbers follow.
    classes: OnceLock<BTreeSet<String>>,
}

/// What index files say: for each image, the file, as a place in the list of them, and what it says.
type Entries = BTreeMap<usize, Vec<(usize, Said)>>;

/// A label file that cannot be read.
struct Fault {
    path: PathBuf,
    reason: String,
}

/// Names of files that are surely labels: damage in them is an error, in others it is a warning.
const LABEL_NAMES: [&str; 8] =
    ["labels", "label", "metadata", "annotations", "_annotations.coco", "coco_annotations", "gaze", "index"];

/// A folder's images and its label files about several of them; paths are relative to `root`.
pub(crate) struct Files<'a> {
    pub(crate) root: &'a Path,
    pub(crate) images: &'a [PathBuf],
    pub(crate) apart: Apart<'a>,
    pub(crate) index: &'a [PathBuf],
    /// Lists the label files beside images.
    pub(crate) beside: &'a dyn Fn() -> BTreeSet<&'a Path>,
}

impl FolderIndex {
    /// Adds the annotations of image `image` in its own label files, `beside` it, and in the index files.
    ///
    /// # Errors
    /// A label file is damaged, or two of them contradict each other.
    pub(crate) fn label<'a>(
        &self,
        files: &Files<'_>,
        image: usize,
        beside: impl Iterator<Item = &'a Path>,
        sample: Sample,
    ) -> Result<Sample, DataError> {
        let size = sample.image.spec().size();
        let mut all = Gathered { all: BTreeMap::new(), classes: sample.classes, record: sample.record };
        for relative in beside {
            let path = files.root.join(relative);
            if !["json", "txt", "xml", "csv", "tsv"].contains(&&*extension(&path)) {
                continue;
            }
            let bytes = bytes(&path)?;
            if extension(&path) == "json" {
                let (annotations, record) =
                    json_record(&bytes, size.height).map_err(|reason| failed(&path, reason))?;
                all.add(&path, annotations)?;
                all.record.get_or_insert(record);
            } else {
                let said = read_page(&bytes, relative, (files.images, files.apart), &[image]);
                let said = said.map_err(|reason| failed(&path, reason))?;
                for (_, said) in said.into_iter().flatten() {
                    let said = match said {
                        Said::Named(..) => {
                            let classes = self.classes.get_or_init(|| {
                                let classes = read_classes(files);
                                warn_of_names(files.root, classes.iter().map(String::as_str));
                                classes
                            });
                            said.numbered(classes).map_err(|reason| failed(&path, reason))?
                        }
                        said => said,
                    };
                    all.add_said(&path, [said], size)?;
                }
            }
        }
        let index = self.index.get_or_init(|| read_index(files)).as_ref();
        let index = index.map_err(|fault| failed(&fault.path, fault.reason.clone()))?;
        for (file, said) in index.get(&image).into_iter().flatten() {
            let path = files.root.join(&files.index[*file]);
            if let Some(record) = said.record() {
                all.record.get_or_insert_with(|| record.clone());
            }
            all.add_said(&path, [said.clone()], size)?;
        }
        let annotations = all.all.into_iter().map(|(name, (own, _))| (name, own)).collect();
        Ok(Sample { annotations, classes: all.classes, record: all.record, ..sample })
    }
}

/// Annotations, each with the file that says it.
struct Gathered {
    all: BTreeMap<crate::Name, (Annotation, PathBuf)>,
    classes: Option<ClassNames>,
    record: Option<serde_json::Value>,
}

impl Gathered {
    fn add_said(
        &mut self,
        path: &Path,
        said: impl IntoIterator<Item = Said>,
        size: Size,
    ) -> Result<(), DataError> {
        said.into_iter().try_for_each(|said| {
            if let Some(names) = said.classes() {
                self.classes.get_or_insert_with(|| names.clone());
            }
            self.add(path, said.annotations(size).map_err(|reason| failed(path, reason))?)
        })
    }

    fn add(&mut self, path: &Path, annotations: Annotations) -> Result<(), DataError> {
        for (name, own) in annotations {
            match self.all.get(&name) {
                Some((other, from)) if *other != own => {
                    let reason = format!("another \"{name}\" than in {}", from.display());
                    return Err(failed(path, reason));
                }
                Some(_) => {}
                None => drop(self.all.insert(name, (own, path.to_owned()))),
            }
        }
        Ok(())
    }
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Reads the names of classes in all files beside images. One that cannot be read is an error where its own
/// image is asked for.
fn read_classes(files: &Files<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for relative in (files.beside)().into_iter().filter(|path| extension(path) == "xml") {
        let said = bytes(&files.root.join(relative))
            .ok()
            .and_then(|bytes| read_page(&bytes, relative, (files.images, files.apart), &[0]).ok().flatten());
        said.into_iter().flatten().for_each(|(_, said)| names.extend(said.class_names()));
    }
    names
}

/// Reads all index files.
fn read_index(files: &Files<'_>) -> Result<Entries, Fault> {
    let mut entries = Entries::new();
    for (file, relative) in files.index.iter().enumerate() {
        if !is_index(relative) {
            continue;
        }
        let path = files.root.join(relative);
        let read = bytes(&path).map_err(|error| match error {
            DataError::Label { reason, .. } => reason,
            DataError::Io { source, .. } => source.to_string(),
            other => other.to_string(),
        });
        match read.and_then(|bytes| read_page(&bytes, relative, (files.images, files.apart), &[])) {
            Ok(said) => {
                let said = said.into_iter().flatten();
                said.for_each(|(image, said)| entries.entry(image).or_default().push((file, said)));
            }
            Err(reason) if is_label(relative) => return Err(Fault { path, reason }),
            Err(reason) => tracing::warn!("{}: not read for labels: {reason}", path.display()),
        }
    }
    Ok(entries)
}

/// Whether a label file about several images, at `root/relative`, says something of one of `images`.
pub(crate) fn names_any(root: &Path, relative: &Path, images: &[PathBuf], apart: Apart<'_>) -> bool {
    let said = |bytes: Vec<u8>| read_page(&bytes, relative, (images, apart), &[]).ok().flatten();
    let bytes = is_index(relative).then(|| bytes(&root.join(relative)).ok()).flatten();
    bytes.and_then(said).is_some_and(|said| !said.is_empty())
}

/// Whether a file of this name can be about several images and is read.
fn is_index(path: &Path) -> bool {
    ["json", "jsonl", "ndjson", "csv", "tsv"].contains(&&*extension(path))
}

fn is_label(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    LABEL_NAMES.contains(&&*stem) || stem.starts_with("instances_") || stem.starts_with("person_keypoints_")
}

/// Reads a label file of bounded size.
fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let io = |error| DataError::io(path, error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(failed(path, "it is no plain file".to_owned()));
    }
    if metadata.len() > MAX_BYTES {
        return Err(failed(path, format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    std::fs::read(path).map_err(io)
}
