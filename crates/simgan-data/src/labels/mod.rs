//! Label files: how they follow the pixels, and what is read from them.
//!
//! [`follow`] rewrites a label file for images that were resized, cropped, rotated or mirrored: numbers
//! change in place, and everything else stays byte for byte. [`read`] and [`read_index`] read annotations.
//! Each format has a file of its own, and a row in the list of formats: whether a file is of that format,
//! how it follows and how it is read. `simgan help formats` describes them.

mod bop;
mod coco;
mod geometry;
mod index;
mod json;
mod kitti;
mod labelme;
mod names;
mod page;
mod plain;
mod record;
mod rle;
mod said;
mod solo;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod voc;
mod words;
mod yolo;

use std::path::{Path, PathBuf};

pub(crate) use self::index::{Files, FolderIndex, names_any};
pub use self::names::Apart;
use self::page::{Changes, Page, Stop};
use self::said::Said;
pub(crate) use self::said::json_value;
use self::text::Text;
use crate::{Annotations, DataError, Size, Transform};

/// A label file and the images that it is about.
#[derive(Clone, Copy)]
pub struct LabelFile<'a> {
    /// The file's path relative to the folder.
    pub path: &'a Path,
    /// All images of the folder, relative and sorted.
    pub images: &'a [PathBuf],
    /// Images of the folder that are not among `images`.
    pub apart: Apart<'a>,
    /// The images that the file stands beside, as indices in `images`; none for an index file.
    pub owners: &'a [usize],
    /// How an image's pixels moved: from its upright frame (what a viewer shows) to the upright frame of the
    /// output.
    pub moved: &'a dyn Fn(usize) -> Result<Transform, DataError>,
}

/// What became of a label file whose images moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The file is as true as before.
    Unchanged,
    /// The file had to change.
    Moved {
        /// The new content, in the file's own form.
        bytes: Vec<u8>,
        /// What was lost, with counts: "2 boxes left the image and are dropped".
        notes: Vec<String>,
    },
    /// What the file says of the images is not certain.
    NotUnderstood {
        /// Why it is not understood.
        reason: String,
    },
}

/// What a label file says of images, given by their index.
type ByImage = Vec<(usize, Said)>;

/// A format of label files.
struct Format {
    /// Rewrites a file of this format; false if it is of another format.
    follow: fn(&Page<'_>, &mut Changes<'_>) -> Result<bool, Stop>,
    /// Reads a file of this format, by image; `None` if it is of another format, or has nothing to read.
    read: fn(&Page<'_>) -> Result<Option<ByImage>, String>,
}

/// All formats; the first that fits a file is its format.
const FORMATS: [Format; 11] = [
    Format { follow: coco::follow, read: coco::read },
    Format { follow: solo::follow, read: nothing },
    Format { follow: bop::follow, read: nothing },
    Format { follow: labelme::follow, read: nothing },
    Format { follow: record::follow_index, read: record::read_index },
    Format { follow: record::follow, read: record::read },
    Format { follow: table::follow, read: table::read },
    Format { follow: yolo::follow, read: yolo::read },
    Format { follow: kitti::follow, read: nothing },
    Format { follow: voc::follow, read: voc::read },
    Format { follow: plain::follow, read: nothing },
];

fn nothing(_: &Page<'_>) -> Result<Option<ByImage>, String> {
    Ok(None)
}

/// Larger label files are not read.
const MAX_BYTES: u64 = 256 << 20;

/// Moves what a label file says to where the pixels of its images went.
///
/// A damaged file of a known format is [`Followed::NotUnderstood`], with the line and the field.
///
/// # Errors
/// Those of [`LabelFile::moved`].
pub fn follow(bytes: &[u8], file: &LabelFile<'_>) -> Result<Followed, DataError> {
    let refused = |reason: String| Ok(Followed::NotUnderstood { reason });
    if bytes.len() as u64 > MAX_BYTES {
        return refused(format!("it is larger than {} MiB", MAX_BYTES >> 20));
    }
    let text = match Text::decode(bytes) {
        Ok(text) => text,
        Err(reason) => return refused(reason),
    };
    let page = Page::new(file.path, file.images, file.owners, &text.text).with_apart(file.apart);
    let mut changes = Changes::new(file.moved);
    match follow_page(&page, &mut changes) {
        Ok(()) => {}
        Err(Stop::Unclear(reason)) => return refused(reason),
        Err(Stop::Failed(error)) => return Err(error),
    }
    let (edits, notes) = changes.into_parts();
    if edits.is_empty() {
        return Ok(Followed::Unchanged);
    }
    Ok(Followed::Moved { bytes: text.encode(&edits.apply(&text.text)), notes })
}

fn follow_page(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<(), Stop> {
    if changes.of_owners(page)?.is_some_and(|own| own.is_identity()) {
        return Ok(());
    }
    for format in &FORMATS {
        if (format.follow)(page, changes)? {
            return Ok(());
        }
    }
    page::unclear("its format is not known")
}

/// Reads the annotations in a label file beside an image of the given upright size. `path` decides by its
/// extension what the file can be.
///
/// # Errors
/// The file is damaged; the message names the line and the field.
pub fn read(bytes: &[u8], path: &Path, size: Size) -> Result<Annotations, DataError> {
    // Any name serves: formats find the owner by its index.
    let images = [PathBuf::from("image")];
    let said =
        read_page(bytes, path, (&images, Apart::default()), &[0]).map_err(|reason| failed(path, reason))?;
    let mut all = Annotations::new();
    for (_, said) in said.into_iter().flatten() {
        all.extend(said.annotations(size).map_err(|reason| failed(path, reason))?);
    }
    Ok(all)
}

/// Reads the annotations in a label file about several images, as image index and annotations; images are of
/// the given size. `path` and `images` are relative to one folder; `images` are sorted.
///
/// # Errors
/// The file is damaged; the message names the line and the field.
pub fn read_index(
    bytes: &[u8],
    path: &Path,
    images: &[PathBuf],
    size: Size,
) -> Result<Vec<(usize, Annotations)>, DataError> {
    let said =
        read_page(bytes, path, (images, Apart::default()), &[]).map_err(|reason| failed(path, reason))?;
    let resolved = |(image, said): (usize, Said)| Ok((image, said.annotations(size)?));
    let all: Result<Vec<_>, String> = said.into_iter().flatten().map(resolved).collect();
    all.map_err(|reason| failed(path, reason))
}

fn failed(path: &Path, reason: String) -> DataError {
    DataError::Label { path: path.to_owned(), reason }
}

/// Reads a file with the first format that reads it; `None` if no format does.
fn read_page(
    bytes: &[u8],
    path: &Path,
    (images, apart): (&[PathBuf], Apart<'_>),
    owners: &[usize],
) -> Result<Option<ByImage>, String> {
    let text = Text::decode(bytes)?;
    let page = Page::new(path, images, owners, &text.text).with_apart(apart);
    for format in &FORMATS {
        if let Some(said) = (format.read)(&page)? {
            return Ok(Some(said));
        }
    }
    Ok(None)
}
