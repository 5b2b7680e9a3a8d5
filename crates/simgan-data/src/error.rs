mod hint;

use std::path::{Path, PathBuf};

use crate::{Hint, ImageSpec, Size};

/// Everything that can go wrong between a file and a batch. Each message names the file; [`DataError::hint`]
/// suggests a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Reading or writing failed.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The folder does not exist.
    #[error("{path}: no such folder", path = .path.display())]
    MissingFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The path exists but is not a folder.
    #[error("{path}: not a folder", path = .path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder contains no images.
    #[error("{path}: no images among its {n_other} other files", path = .path.display())]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// Number of files of other kinds in the folder.
        n_other: usize,
    },
    /// The globs that name the images match none of the folder's.
    #[error("{path}: none of its {n_images} images matches {globs}", path = .path.display())]
    NoneChosen {
        /// The folder.
        path: PathBuf,
        /// The globs.
        globs: String,
        /// Number of images in the folder.
        n_images: usize,
    },
    /// A glob is not well formed.
    #[error("\"{glob}\" is not a glob: {reason}")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong.
        reason: String,
    },
    /// Something other than a plain file or folder stands where one of ours belongs.
    #[error("{path}: {what}, where only plain files and folders are accepted", path = .path.display())]
    NotPlain {
        /// The path.
        path: PathBuf,
        /// What stands there: "a link", "a folder", "a pipe or device".
        what: &'static str,
    },
    /// The file is damaged, truncated or not an image.
    #[error("{path}: not a readable image: {reason}", path = .path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The decoder's message.
        reason: String,
    },
    /// The image has an unsupported colour type.
    #[error("{path}: {color} is not supported", path = .path.display())]
    Color {
        /// The file.
        path: PathBuf,
        /// The unsupported colour type.
        color: String,
    },
    /// The header announces more pixels than the decoder accepts.
    #[error("{path}: {width}×{height} pixels are more than the limit of {limit}", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Maximum number of pixels.
        limit: u64,
    },
    /// Two images of one source differ in size or channels.
    #[error("images differ: {}", difference(.first, .first_spec, .other, .other_spec))]
    Mixed {
        /// Name of the first image.
        first: String,
        /// Its size and channels.
        first_spec: ImageSpec,
        /// Name of the image that differs.
        other: String,
        /// Its size and channels.
        other_spec: ImageSpec,
    },
    /// A label file's content does not match its format.
    #[error("{path}: {reason}", path = .path.display())]
    Label {
        /// The label file.
        path: PathBuf,
        /// What is wrong with the content.
        reason: String,
    },
    /// A transform would make an annotation wrong.
    #[error("{sample}: its annotation \"{annotation}\" cannot follow the image: {reason}")]
    Stale {
        /// The sample's name.
        sample: String,
        /// The annotation's name.
        annotation: String,
        /// Why the annotation cannot follow the image.
        reason: String,
    },
    /// One half of a pair of files is missing.
    #[error("{path}: missing, but {other} is there", path = .path.display())]
    Partner {
        /// The missing file.
        path: PathBuf,
        /// Name of its partner, which exists.
        other: String,
    },
    /// A file or folder does not have the expected content of its data set.
    #[error("{path}: {reason}", path = .path.display())]
    Dataset {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// One file of a data set is damaged; the rest can be read without it.
    #[error("{path}: {reason}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is HDF5, but the program was built without the `hdf5` feature.
    #[error("{path}: this build does not read HDF5", path = .path.display())]
    NoHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a packed data set, or not one this version can read.
    #[error("{path}: {reason}", path = .path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The packed format cannot represent the source's data, such as whole numbers beside floating point.
    #[error("{path}: cannot be packed: {reason}", path = .path.display())]
    Unpackable {
        /// The image, or the folder of the unfinished job.
        path: PathBuf,
        /// What cannot be represented.
        reason: String,
    },
    /// The output folder holds the leftovers of a different, interrupted job.
    #[error("{path}: another job was interrupted here", path = .path.display())]
    OtherJob {
        /// The folder of the unfinished job.
        path: PathBuf,
    },
    /// Another process holds the lock on a folder.
    #[error("{path}: another process is at work here", path = .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A SOURCE is neither an existing path nor a known name.
    #[error("`{spec}` is not a source of images")]
    UnknownSource {
        /// The SOURCE as the user wrote it.
        spec: String,
        /// The SOURCEs that would be accepted.
        hint: Hint,
    },
    /// A SOURCE has more than one meaning.
    #[error("`{spec}` can mean more than one source: `{}`", .readings.join("` or `"))]
    Ambiguous {
        /// The SOURCE as the user wrote it.
        spec: String,
        /// An unambiguous spelling of each meaning.
        readings: Vec<String>,
    },
    /// A crop was requested, but the folder has no landmarks to crop around.
    #[error("{path}: nothing to crop by: {reason}", path = .path.display())]
    NothingToCrop {
        /// The folder.
        path: PathBuf,
        /// What the folder lacks.
        reason: String,
    },
    /// The folder's images are in a MATLAB 7.3 file, which is not supported.
    #[error("{path}: a MATLAB 7.3 file, which is HDF5 inside and not read", path = .path.display())]
    Matlab73 {
        /// The file.
        path: PathBuf,
    },
    /// An error from a layout defined in another crate.
    #[error("{source}")]
    Layout {
        /// The layout's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// A remedy, if the layout knows one.
        hint: Option<Hint>,
    },
    /// The output format cannot hold the image.
    #[error("{path}: cannot be written as {format}: {reason}", path = .path.display())]
    Encode {
        /// The output file.
        path: PathBuf,
        /// The output format.
        format: &'static str,
        /// Why the format cannot hold the image, or the encoder's message.
        reason: String,
    },
    /// A text is not of the form "WIDTHxHEIGHT".
    #[error("\"{text}\" is not a size: WIDTHxHEIGHT, each from 1 to 16384, for example 55x35")]
    Size {
        /// The invalid text.
        text: String,
    },
    /// A text is not of the form "MIN..MAX".
    #[error(
        "\"{text}\" is not a range: MIN..MAX, two finite numbers in ascending order, for example 1000..2400"
    )]
    Range {
        /// The invalid text.
        text: String,
    },
    /// A source, or a list of sources, is empty.
    #[error("no data: {what}")]
    Empty {
        /// What is empty.
        what: String,
    },
    /// A sampler's state was saved for a different number of images.
    #[error("the data holds {n_found} images, but the sampler was made for {n_expected}")]
    Changed {
        /// Number of images when the sampler was created.
        n_expected: usize,
        /// Number of images now.
        n_found: usize,
    },
    /// Pairs of frames were asked of images that are no film.
    #[error("{name}: belongs to no film of two frames or more")]
    NoFilm {
        /// The sample's name.
        name: String,
    },
    /// The part to cut out of images is larger than they are.
    #[error("parts of {crop} cannot be cut out of images of {size}")]
    CropTooLarge {
        /// Size of the part.
        crop: Size,
        /// Size of the images.
        size: Size,
    },
    /// Too many consecutive images could not be read.
    #[error("none of {n_tried} images in a row could be read; the last error: {last}")]
    NoneReadable {
        /// Number of images tried.
        n_tried: usize,
        /// The last image's error.
        last: Box<DataError>,
    },
    /// A decode thread could not be started, or panicked.
    #[error("a loader thread failed: {reason}")]
    Worker {
        /// The panic message or the system's error.
        reason: String,
    },
}

impl DataError {
    /// Wraps a failed read or write of `path`.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Says of two images only what differs. Images may be read as gray by request, so that their colour says
/// nothing of their files unless it differs.
fn difference(first: &str, first_spec: &ImageSpec, other: &str, other_spec: &ImageSpec) -> String {
    let describe = |spec: &ImageSpec| {
        let Size { width, height } = spec.size();
        let size = (first_spec.size() != other_spec.size()).then(|| format!("{width}×{height}"));
        let color = (first_spec.channels != other_spec.channels).then(|| spec.color().to_owned());
        size.into_iter().chain(color).collect::<Vec<_>>().join(" ")
    };
    format!("{first} is {}, but {other} is {}", describe(first_spec), describe(other_spec))
}
