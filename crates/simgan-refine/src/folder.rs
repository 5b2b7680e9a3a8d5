//! The images of a folder, kept in place or brought to a size.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;
use simgan_data::labels::{Followed, LabelFile, follow};
use simgan_data::{Census, DataError, Fit, Folder, ImageFile, Kept, KeptImage, Size, Source, Transform};

use super::images::{Current, CurrentLabel, Images, InputImage, hex, slashed};
use super::{MANIFEST_FILE, RefineError};

/// How the images of a folder are brought to one size.
#[derive(Clone, Copy, Debug)]
pub struct Resize {
    /// The size.
    pub size: Size,
    /// How images are fitted to it.
    pub fit: Fit,
    /// What becomes of label files.
    pub labels: LabelPolicy,
}

/// What becomes of the label files of images whose pixels move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelPolicy {
    /// They follow the pixels; a file that cannot is refused.
    #[default]
    Follow,
    /// They are copied as they are.
    Copy,
}

/// A folder and what happens to its pixels besides refining.
pub(super) struct FolderImages {
    pub(super) folder: Folder,
    pub(super) resize: Option<Resize>,
    /// The images' upright sizes, read on first use; `None` for an unreadable header.
    pub(super) sizes: OnceLock<Vec<Option<Size>>>,
}

impl Images for FolderImages {
    fn path(&self, index: usize) -> PathBuf {
        self.folder.images()[index].clone()
    }

    fn name(&self, index: usize) -> String {
        slashed(&self.folder.images()[index])
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, DataError> {
        self.folder.bytes(index)
    }

    fn decode(&self, index: usize, bytes: &[u8]) -> Result<InputImage, DataError> {
        let file = ImageFile::decode(bytes, &self.full_path(index))?;
        let is_doubtful = self.folder.is_doubtful(bytes, file.image());
        let file = match self.resize {
            Some(Resize { size, fit, .. }) if !is_doubtful => file.with_resized(size, fit),
            _ => file,
        };
        Ok(InputImage { file, crc32c: Some(hex(crc32c::crc32c(bytes))), record: None, is_doubtful })
    }

    fn current(&self, index: usize) -> Result<Current, DataError> {
        let crc32c = Some(hex(crc32c::crc32c(&self.folder.bytes(index)?)));
        Ok(Current { crc32c, label: CurrentLabel::Files })
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        self.folder.frames(index)
    }

    fn root(&self) -> Option<&Path> {
        Some(self.folder.root())
    }

    fn labels_of(&self, index: usize) -> Vec<PathBuf> {
        self.folder.labels_of(index).map(Path::to_owned).collect()
    }

    fn n_first_labels(&self, index: usize) -> u64 {
        self.folder.n_first_labels(index) as u64
    }

    fn index_files(&self) -> &[PathBuf] {
        self.folder.index_files()
    }

    fn kept(&self) -> &[KeptImage] {
        self.folder.kept()
    }

    fn others(&self) -> &[PathBuf] {
        self.folder.others()
    }

    fn links(&self) -> &[PathBuf] {
        self.folder.links()
    }

    fn census(&self) -> Option<Census> {
        Some(self.folder.census())
    }

    fn moves_pixels(&self) -> bool {
        self.resize.is_some()
    }

    fn n_cropped(&self, count: usize) -> usize {
        let Some(Resize { size, fit, .. }) = self.resize else { return 0 };
        let crops = |own: &&Size| Transform::resize(**own, size, fit).crops();
        self.sizes().iter().take(count).flatten().filter(crops).count()
    }

    /// Tries one label file of each kind and every index file.
    fn check_labels(&self) -> Result<(), RefineError> {
        if self.resize.is_some() {
            // Here and not first in a thread of the pool, which would wait there for its own work.
            self.sizes();
        }
        let Some(Resize { labels: LabelPolicy::Follow, .. }) = self.resize else { return Ok(()) };
        let mut extensions = std::collections::BTreeSet::new();
        let labels = (0..self.folder.len()).flat_map(|index| self.folder.labels_of(index));
        let one_each = labels.filter(|label| extensions.insert(label.extension().map(ToOwned::to_owned)));
        let index = self.folder.index_files().iter().map(PathBuf::as_path);
        for label in one_each.chain(index).filter(|label| *label != Path::new(MANIFEST_FILE)) {
            let path = self.folder.root().join(label);
            match self.carried(label, &std::fs::read(&path).map_err(RefineError::io(&path))?) {
                // An image that cannot be read reports itself.
                Ok(_) | Err(RefineError::Data(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn carried(&self, label: &Path, bytes: &[u8]) -> Result<Option<Carried>, RefineError> {
        let Some(Resize { size, fit, labels: LabelPolicy::Follow }) = self.resize else { return Ok(None) };
        if self.folder.is_of_left_image(label) {
            return Ok(None);
        }
        let (owners, apart) = (self.folder.owners_of(label), self.folder.apart());
        let moved = |index: usize| {
            // Read an unreadable header again for its error.
            let own = self.sizes()[index].map_or_else(|| self.probe(index), Ok)?;
            Ok(Transform::resize(own, size, fit))
        };
        let images = self.folder.images();
        let file = LabelFile { path: label, images, apart, owners: &owners, moved: &moved };
        match follow(bytes, &file)? {
            Followed::Unchanged => Ok(None),
            Followed::Moved { bytes, notes } => Ok(Some(Carried { bytes, notes })),
            Followed::NotUnderstood { reason } => {
                Err(RefineError::LabelStays { path: self.folder.root().join(label), reason })
            }
        }
    }

    fn resized_mask(&self, image: &Path, why: Kept) -> Result<Option<ImageFile>, RefineError> {
        let is_mask = why != Kept::NotChosen || self.folder.is_mask_by_name(image);
        let Some(Resize { size, fit, .. }) = self.resize.filter(|_| is_mask) else { return Ok(None) };
        let path = self.folder.root().join(image);
        let file = ImageFile::open(&path)?;
        // The transform depends on the size alone, so it suffices that some image has it.
        if !self.sizes().contains(&Some(file.image().spec().size())) {
            let reason = "no image has its size, so it cannot follow one".to_owned();
            return Err(RefineError::LabelStays { path, reason });
        }
        Ok(Some(file.with_nearest(size, fit)))
    }
}

/// A label file that followed the pixels.
pub(super) struct Carried {
    pub(super) bytes: Vec<u8>,
    /// What was lost.
    pub(super) notes: Vec<String>,
}

impl FolderImages {
    fn sizes(&self) -> &[Option<Size>] {
        let probe = |index| self.probe(index).ok();
        self.sizes.get_or_init(|| (0..self.folder.len()).into_par_iter().map(probe).collect())
    }

    fn probe(&self, index: usize) -> Result<Size, DataError> {
        Ok(ImageFile::probe(&self.full_path(index))?.size())
    }

    fn full_path(&self, index: usize) -> PathBuf {
        self.folder.root().join(&self.folder.images()[index])
    }
}
