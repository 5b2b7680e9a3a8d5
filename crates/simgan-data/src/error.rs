use std::path::{Path, PathBuf};

use crate::{ImageSpec, Size};

/// What can go wrong between a file and a batch. Each message names the file and says what to do.
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
    #[error("{path}: no such folder; hint: check the path, or make the data first", path = .path.display())]
    MissingFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The path is a file or something else.
    #[error("{path}: not a folder; hint: give the folder that holds the images", path = .path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder holds no image.
    #[error(
        "{path}: no images among its {n_other} other files; \
         hint: PNG, JPEG, TIFF and BMP files are read, in subfolders too, hidden ones are not",
        path = .path.display()
    )]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// How many files of other kinds it holds.
        n_other: usize,
    },
    /// The file is damaged, cut short or no image.
    #[error(
        "{path}: not a readable image: {reason}; \
         hint: remove or replace it, or skip such images (data.on_error = \"skip\" in training, --on-error skip in refining)",
        path = .path.display()
    )]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The file is an image whose kind of colour is not supported.
    #[error(
        "{path}: {color} is not supported; hint: convert it to 8 or 16 bit gray or RGB",
        path = .path.display()
    )]
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
    #[error(
        "images differ: {first} is {}, but {other} is {}; \
         hint: {}",
        describe(.first_spec), describe(.other_spec), mixed_hint(.first_spec, .other_spec)
    )]
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
    #[error("{path}: {reason}; hint: mend or remove this label file", path = .path.display())]
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
    #[error(
        "{path}: missing, but {other} is there; hint: put it back, remove the other, or skip such pairs \
         (data.on_error = \"skip\" in training, --on-error skip in refining)",
        path = .path.display()
    )]
    Partner {
        /// The file that is missing.
        path: PathBuf,
        /// Name of the other one.
        other: String,
    },
    /// A file or folder of a known data set does not hold what it should.
    #[error("{path}: {reason}; hint: fetch it again, or remove it", path = .path.display())]
    Dataset {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of a known data set is damaged; the others can be read without it.
    #[error(
        "{path}: {reason}; hint: fetch it again, remove it, or skip such files \
         (data.on_error = \"skip\" in training, --on-error skip in refining)",
        path = .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is HDF5, and the program was built without the feature that reads it.
    #[error(
        "{path}: HDF5 is not read by this build; hint: build with it (cargo run -p simgan-cli --features hdf5 -- …), \
         or make a folder of it with h5py as data/README.md shows",
        path = .path.display()
    )]
    NoHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// A data set cannot be packed now.
    #[error("{path}: {reason}", path = .path.display())]
    Pack {
        /// The folder of the unfinished work.
        path: PathBuf,
        /// What is in the way.
        reason: String,
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
    #[error(
        "\"{text}\" is not a size; hint: write WIDTHxHEIGHT, for example \"55x35\", each from 1 to 16384"
    )]
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
    #[error(
        "the data holds {n_found} images, but the sampler was made for {n_expected}; \
         hint: resume with the data that the run was started with"
    )]
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
}

fn mixed_hint(first: &ImageSpec, other: &ImageSpec) -> String {
    if first.size() == other.size() {
        return "convert them all to gray or all to RGB; training does, with data.channels = 1 or 3"
            .to_owned();
    }
    format!("bring them to one size with data.size = \"{}\"", first.size())
}

fn describe(spec: &ImageSpec) -> String {
    let color = if spec.channels == 1 { "gray" } else { "RGB" };
    let Size { width, height } = spec.size();
    format!("{width}×{height} {color}")
}
