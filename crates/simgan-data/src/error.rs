use std::path::{Path, PathBuf};

use crate::{Hint, ImageSpec, Size};

/// What can go wrong between a file and a batch. Each message names the file; [`DataError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Reading or writing failed.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder does not exist.
    #[error("{path}: no such folder", path = .path.display())]
    MissingFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The path is a file or something else.
    #[error("{path}: not a folder", path = .path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder holds no image.
    #[error("{path}: no images among its {n_other} other files", path = .path.display())]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// How many files of other kinds it holds.
        n_other: usize,
    },
    /// The file is damaged, cut short or no image.
    #[error("{path}: not a readable image: {reason}", path = .path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The file is an image whose kind of colour is not supported.
    #[error("{path}: {color} is not supported", path = .path.display())]
    Color {
        /// The file.
        path: PathBuf,
        /// Which colour type it has.
        color: String,
    },
    /// The image is larger than what is decoded, whatever it claims to hold.
    #[error("{path}: {width}×{height} pixels are more than the limit of {limit}", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its columns.
        width: u32,
        /// Its rows.
        height: u32,
        /// Largest number of pixels.
        limit: u64,
    },
    /// Two images of one source differ in size or channels.
    #[error("images differ: {first} is {}, but {other} is {}", describe(.first_spec), describe(.other_spec))]
    Mixed {
        /// Name of the image that comes first.
        first: String,
        /// What it is.
        first_spec: ImageSpec,
        /// Name of an image that is different.
        other: String,
        /// What that one is.
        other_spec: ImageSpec,
    },
    /// A label file does not hold what its kind of file should.
    #[error("{path}: {reason}", path = .path.display())]
    Label {
        /// The label file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An annotation would no longer be true of its image.
    #[error("{sample}: its annotation \"{annotation}\" cannot follow the image: {reason}")]
    Stale {
        /// The sample's name.
        sample: String,
        /// The annotation's name.
        annotation: String,
        /// What stands in the way.
        reason: String,
    },
    /// One of two files that belong together is missing.
    #[error("{path}: missing, but {other} is there", path = .path.display())]
    Partner {
        /// The file that is missing.
        path: PathBuf,
        /// Name of the other one.
        other: String,
    },
    /// A file or folder of a known data set does not hold what it should.
    #[error("{path}: {reason}", path = .path.display())]
    Dataset {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of a known data set is damaged; the others can be read without it.
    #[error("{path}: {reason}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is HDF5, and the program was built without the feature that reads it.
    #[error("{path}: this build does not read HDF5", path = .path.display())]
    NoHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// The file is no packed data set that this program reads.
    #[error("{path}: {reason}", path = .path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A packed file cannot hold what a source has.
    #[error("{path}: cannot be packed: {reason}", path = .path.display())]
    Unpackable {
        /// The folder of the unfinished work.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// An interrupted job of another kind is in the way of a new one.
    #[error("{path}: another job was interrupted here", path = .path.display())]
    OtherJob {
        /// The folder of the unfinished work.
        path: PathBuf,
    },
    /// Another process holds the lock on a folder.
    #[error("{path}: another process is at work here", path = .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// What was given as a source of images is none.
    #[error("`{spec}` is not a source of images")]
    UnknownSource {
        /// As it was given.
        spec: String,
        /// What can be given.
        hint: Hint,
    },
    /// What was given as a source can be read in more than one way.
    #[error("`{spec}` can mean more than one source: `{}`", .readings.join("` or `"))]
    Ambiguous {
        /// As it was given.
        spec: String,
        /// How to write each of its meanings.
        readings: Vec<String>,
    },
    /// A part of each image is wanted, and nothing says where it is.
    #[error("{path}: nothing to crop by: {reason}", path = .path.display())]
    NothingToCrop {
        /// The folder.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// A MATLAB file of a version that is not read stands where images should be.
    #[error("{path}: a MATLAB 7.3 file, which is HDF5 inside and not read", path = .path.display())]
    Matlab73 {
        /// The file.
        path: PathBuf,
    },
    /// What a layout of another crate says.
    #[error("{source}")]
    Layout {
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What to do about it.
        hint: Option<Hint>,
    },
    /// An image cannot be written in the wanted format.
    #[error("{path}: cannot be written as {format}: {reason}", path = .path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What the encoder said.
        reason: String,
    },
    /// Something is not "WIDTHxHEIGHT".
    #[error("\"{text}\" is not a size: WIDTHxHEIGHT, each from 1 to 16384, for example 55x35")]
    Size {
        /// What was given.
        text: String,
    },
    /// A list of sources, or a source, has nothing in it.
    #[error("no data: {what}")]
    Empty {
        /// What is empty.
        what: String,
    },
    /// A sampler's state is for another number of images.
    #[error("the data holds {n_found} images, but the sampler was made for {n_expected}")]
    Changed {
        /// Images when the sampler was made.
        n_expected: usize,
        /// Images now.
        n_found: usize,
    },
    /// Far too many images in a row could not be read.
    #[error("none of {n_tried} images in a row could be read; the last error: {last}")]
    NoneReadable {
        /// How many were tried.
        n_tried: usize,
        /// Why the last one failed.
        last: Box<DataError>,
    },
    /// A decode thread ended unexpectedly.
    #[error("a loader thread failed: {reason}")]
    Worker {
        /// What it said.
        reason: String,
    },
}

impl DataError {
    /// A failed read or write of `path`.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// What to do about it; `None` where the message says all there is to say.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        let advice = match self {
            Self::Io { source, .. } => return Hint::of_io(source),
            Self::Mixed { first_spec, other_spec, .. } => return Some(mixed_hint(first_spec, other_spec)),
            Self::Image { .. } => return Some(or_skip(&["remove or replace it"])),
            Self::Partner { .. } => return Some(or_skip(&["put it back", "remove the other"])),
            Self::Damaged { .. } => return Some(or_skip(&["fetch it again", "remove it"])),
            Self::Packed { .. } => return Some(Hint::Pack),
            Self::NoHdf5 { .. } => {
                let advice = "make a folder of it with h5py, as data/README.md shows";
                return Some(Hint::any_of([Hint::BuildWith("hdf5"), advice.into()]));
            }
            Self::OtherJob { .. } => {
                return Some(Hint::any_of([Hint::advice("remove that folder"), Hint::OtherOutput]));
            }
            Self::InUse { .. } => {
                return Some(Hint::any_of([Hint::advice("wait until it is done"), Hint::OtherOutput]));
            }
            Self::UnknownSource { hint, .. } => return Some(hint.clone()),
            Self::Layout { hint, .. } => return hint.clone(),
            Self::Ambiguous { .. } => "write the one that you mean",
            Self::NothingToCrop { .. } => {
                "give UnityEyes' pairs N.jpg and N.json with \"look_vec\" and \"interior_margin_2d\", or do not crop"
            }
            Self::Matlab73 { .. } => "save it again with save(…, '-v7'), or write its images to a folder",
            Self::Stale { .. } => "leave this annotation out, or keep the images as they are",
            Self::MissingFolder { .. } => "check the path, or make the data first",
            Self::NotAFolder { .. } => "give the folder that holds the images",
            Self::NoImages { .. } => {
                "PNG, JPEG, TIFF and BMP files are read, in subfolders too; hidden files are not"
            }
            Self::Color { .. } => "convert it to 8 or 16 bit gray or RGB",
            Self::Label { .. } => "mend or remove this label file",
            Self::Dataset { .. } => "fetch it again, or remove it",
            Self::Changed { .. } => "resume with the data that the run was started with",
            Self::NoneReadable { .. } => "check that the source holds the images that you mean",
            Self::TooLarge { .. } | Self::Encode { .. } | Self::Size { .. } => return None,
            Self::Empty { .. } | Self::Worker { .. } | Self::Unpackable { .. } => return None,
        };
        Some(advice.into())
    }
}

fn or_skip(advice: &[&'static str]) -> Hint {
    let advice = advice.iter().map(|text| Hint::advice(*text));
    Hint::any_of(advice.chain([Hint::SkipUnreadable]).collect::<Vec<_>>())
}

fn mixed_hint(first: &ImageSpec, other: &ImageSpec) -> Hint {
    if first.size() == other.size() {
        let convert = "convert them all to gray or all to RGB";
        return Hint::any_of([convert.into(), Hint::setting("read them all as gray", "data.channels", 1)]);
    }
    Hint::setting("bring them to one size", "data.size", first.size())
}

fn describe(spec: &ImageSpec) -> String {
    let color = if spec.channels == 1 { "gray" } else { "RGB" };
    let Size { width, height } = spec.size();
    format!("{width}×{height} {color}")
}
