//! What the refinement asks of any kind of input.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use simgan_data::{Census, DataError, ImageFile, Kept, KeptImage};

use super::RefineError;
use super::folder::Carried;

/// One kind of input. Kinds without files of their own have no root and no label files.
pub(super) trait Images: Send + Sync {
    /// The image's path relative to the output folder.
    fn path(&self, index: usize) -> PathBuf;

    /// The path as text with `/` as the separator on every system: the key of the manifest.
    fn name(&self, index: usize) -> String;

    /// Reads the image's file without decoding it; empty for an image without a file.
    fn bytes(&self, _index: usize) -> Result<Vec<u8>, DataError> {
        Ok(Vec::new())
    }

    /// Decodes the image from its [`Images::bytes`] and reads its label.
    fn decode(&self, index: usize, bytes: &[u8]) -> Result<InputImage, DataError>;

    /// Computes [`InputImage::crc32c`] anew, and reads the label that is written with the image, with no more
    /// decoding than it takes.
    fn current(&self, index: usize) -> Result<Current, DataError>;

    /// A frame of a film and its next one, as [`Source::frames`](simgan_data::Source::frames).
    fn frames(&self, _index: usize) -> Option<[usize; 2]> {
        None
    }

    /// The folder that paths are relative to.
    fn root(&self) -> Option<&Path> {
        None
    }

    /// Label files beside one image, relative to the root.
    fn labels_of(&self, _index: usize) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Number of these that no earlier image shares, so that each file counts once.
    fn n_first_labels(&self, _index: usize) -> u64 {
        0
    }

    /// Label files that belong to the folder as a whole.
    fn index_files(&self) -> &[PathBuf] {
        &[]
    }

    /// Images that are copied instead of refined.
    fn kept(&self) -> &[KeptImage] {
        &[]
    }

    /// Files that are neither images nor labels.
    fn others(&self) -> &[PathBuf] {
        &[]
    }

    /// Links in the input folder, wherever they lead.
    fn links(&self) -> &[PathBuf] {
        &[]
    }

    /// Counts what is not refined.
    fn census(&self) -> Option<Census> {
        None
    }

    /// Whether files beside the images must change because pixels move.
    fn moves_pixels(&self) -> bool {
        false
    }

    /// Number of the first `count` images of which moving the pixels leaves a part out.
    fn n_cropped(&self, _count: usize) -> usize {
        0
    }

    /// Finds out early whether label files can follow the pixels.
    fn check_labels(&self) -> Result<(), RefineError> {
        Ok(())
    }

    /// The content of a label file that had to change; `None` if it stays as it is.
    fn carried(&self, _label: &Path, _bytes: &[u8]) -> Result<Option<Carried>, RefineError> {
        Ok(None)
    }

    /// A kept image in the size of the refined ones; `None` if it stays as it is.
    fn resized_mask(&self, _image: &Path, _why: Kept) -> Result<Option<ImageFile>, RefineError> {
        Ok(None)
    }
}

/// One image read from the input.
pub(super) struct InputImage {
    pub(super) file: ImageFile,
    /// crc32c of the file or of a sample's pixels, in hexadecimal; `None` for a simulator.
    pub(super) crc32c: Option<String>,
    /// A sample's label as JSON; `None` for an image of a folder, whose label files are copied instead.
    pub(super) record: Option<Value>,
    /// Whether it looks like a mask among photographs, which is copied rather than painted.
    pub(super) is_doubtful: bool,
}

/// What an image that was refined before is now.
pub(super) struct Current {
    /// [`InputImage::crc32c`].
    pub(super) crc32c: Option<String>,
    pub(super) label: CurrentLabel,
}

/// The label that is written with an image.
pub(super) enum CurrentLabel {
    /// [`InputImage::record`].
    Record(Option<Value>),
    /// It is what it was.
    Same,
    /// An image of a folder has files of its own instead.
    Files,
}

/// Joins a path's parts with `/`.
pub(super) fn slashed(path: &Path) -> String {
    // Names that are not Unicode keep their bytes as escapes, so that no two become one.
    let text = |part: &OsStr| match part.to_str() {
        Some(text) => text.to_owned(),
        None => part.as_encoded_bytes().escape_ascii().to_string(),
    };
    path.iter().map(text).collect::<Vec<_>>().join("/")
}

/// Formats a checksum for the manifest.
pub(super) fn hex(crc: u32) -> String {
    format!("{crc:08x}")
}
