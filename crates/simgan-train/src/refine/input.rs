//! What is refined: the images of a folder, or samples of a simulator.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use simgan_data::{DataError, Folder, FolderOptions, ImageFile, ImageFormat, Sizes, Source};

use super::RefineError;

/// The images to refine.
pub struct RefineInput {
    kind: Kind,
    name: String,
    count: usize,
}

enum Kind {
    Folder(Folder),
    Simulator(Arc<dyn Source>),
}

/// One image as it was read.
pub(super) struct InputImage {
    pub(super) file: ImageFile,
    /// crc32c of the file, in hexadecimal.
    pub(super) crc32c: Option<String>,
    /// A simulator's label.
    pub(super) record: Option<Value>,
}

impl RefineInput {
    /// The images of a folder and of its subfolders, of any sizes, with their label files.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn folder(path: &Path) -> Result<Self, RefineError> {
        let folder = Folder::open(path, &FolderOptions { sizes: Sizes::Mixed, ..Default::default() })?;
        let name = path.canonicalize().map_err(RefineError::io(path))?.display().to_string();
        let count = folder.len();
        Ok(Self { kind: Kind::Folder(folder), name, count })
    }

    /// Samples of a simulator, which are written as `N.png` with their label as `N.json`. `name` is what it is called in
    /// the manifest; it should tell the seed.
    #[must_use]
    pub fn simulator(name: &str, source: Arc<dyn Source>) -> Self {
        let count = source.len();
        Self { kind: Kind::Simulator(source), name: name.to_owned(), count }
    }

    /// Only the first `count` images.
    #[must_use]
    pub fn first(self, count: usize) -> Self {
        Self { count: count.min(self.count), ..self }
    }

    /// How many images there are.
    #[must_use]
    pub fn n_images(&self) -> usize {
        self.count
    }

    /// A folder's absolute path or a simulator's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn root(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Folder(folder) => Some(folder.root()),
            Kind::Simulator(_) => None,
        }
    }

    /// The image's path relative to the output folder.
    pub(super) fn path(&self, index: usize) -> PathBuf {
        match &self.kind {
            Kind::Folder(folder) => folder.images()[index].clone(),
            Kind::Simulator(_) => PathBuf::from(self.image_name(index)),
        }
    }

    /// The same as text, `/` between its parts.
    pub(super) fn image_name(&self, index: usize) -> String {
        match &self.kind {
            Kind::Folder(folder) => folder.name(index),
            Kind::Simulator(_) => format!("{index}.png"),
        }
    }

    pub(super) fn read(&self, index: usize) -> Result<InputImage, DataError> {
        match &self.kind {
            Kind::Folder(folder) => {
                let path = folder.root().join(&folder.images()[index]);
                let bytes =
                    std::fs::read(&path).map_err(|source| DataError::Io { path: path.clone(), source })?;
                let file = ImageFile::decode(&bytes, &path)?;
                Ok(InputImage { file, crc32c: Some(hex(crc32c::crc32c(&bytes))), record: None })
            }
            Kind::Simulator(simulator) => {
                let sample = simulator.sample(index)?;
                let file = ImageFile::new(sample.image, ImageFormat::Png);
                Ok(InputImage { file, crc32c: None, record: sample.label.record })
            }
        }
    }

    /// Label files beside one image, relative to the folder.
    pub(super) fn labels_of(&self, index: usize) -> Vec<PathBuf> {
        match &self.kind {
            Kind::Folder(folder) => folder.labels_of(index).map(Path::to_owned).collect(),
            Kind::Simulator(_) => Vec::new(),
        }
    }

    /// Label files that belong to the folder as a whole.
    pub(super) fn index_files(&self) -> &[PathBuf] {
        match &self.kind {
            Kind::Folder(folder) => folder.index_files(),
            Kind::Simulator(_) => &[],
        }
    }
}

/// A checksum as the manifest writes it.
pub(super) fn hex(crc: u32) -> String {
    format!("{crc:08x}")
}
