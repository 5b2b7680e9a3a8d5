mod apart;
mod census;
mod film;
mod junk;
mod labels;
mod layout;
mod look;
mod mask;
mod selection;
mod specs;
mod split;
pub(crate) mod walk;

use std::path::{Path, PathBuf};

pub(crate) use self::apart::Apart;
pub use self::census::Census;
use self::film::Films;
pub use self::junk::is_junk;
use self::labels::LabelFiles;
pub(crate) use self::labels::{image_names, owners};
pub(crate) use self::layout::FolderLayout;
pub use self::mask::MaskKind;
pub use self::selection::Selection;
use self::specs::{common_spec, first_probed};
use self::split::Split;
pub use self::split::{Kept, KeptImage};
use self::walk::Found;
pub use self::walk::PassedOver;
use crate::image::{Encoded, read};
use crate::labels::{Files, FolderIndex};
use crate::listing::has_extension;
use crate::{DataError, Image, ImageFile, ImageSpec, Listing, Sample, Source, Want, mat};

/// A folder of images and their label files, including subfolders, sorted by name.
///
/// Images are files of any [`ImageFormat`](crate::ImageFormat); hidden files and junk ([`is_junk`]) are
/// skipped and links followed. Images that are masks, depth and the like by their names or their values, among
/// others that are not, are [kept](Folder::kept) apart, unless a [`Selection`] names them. Label files are
/// `.json`, `.txt`, `.csv`, `.xml`, `.npy` and the like. A label file named like an image (`7.json`,
/// `7.label.json` or `7.png.json` for `7.png`) belongs to that image, also from a folder of labels
/// (`labels/7.txt` for `images/7.png`); any other belongs to the folder as a whole. They are read only if
/// labels are wanted, so that a damaged one does not end a job that needs none; [`labels`](crate::labels) says
/// in which formats. [`Folder::census`] counts whatever else is there.
pub struct Folder {
    root: PathBuf,
    images: Vec<PathBuf>,
    kept: Vec<KeptImage>,
    apart: Apart,
    labels: LabelFiles,
    others: Vec<PathBuf>,
    links: Vec<PathBuf>,
    passed: PassedOver,
    are_photographs: bool,
    spec: ImageSpec,
    channels: Option<usize>,
    index: FolderIndex,
    films: Films,
}

/// Options for opening a [`Folder`].
#[derive(Clone, Debug, Default)]
pub struct FolderOptions {
    /// Which image sizes are accepted.
    pub sizes: Sizes,
    /// 1 makes every sample gray, using the stored luma of colour JPEG files; 3 makes it RGB; `None` keeps
    /// each image's own channels.
    pub channels: Option<usize>,
    /// Which images are taken.
    pub selection: Selection,
}

/// Which sizes the images of a folder may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizes {
    /// One size and number of channels. Opening the folder reads up to 100,000 headers, evenly spread; an odd
    /// image among the rest becomes an error when it is loaded.
    #[default]
    Same,
    /// Any size: images are resized later (by [`Fitted`](crate::Fitted)) or used one by one.
    Mixed,
}

/// Extensions of label files that no layout reads. Only names tell, as with labels of the folder as a whole.
const LABELS: [&str; 19] = [
    "jsonl", "ndjson", "tsv", "xml", "yaml", "yml", "toml", "npy", "npz", "pkl", "pickle", "mat", "parquet",
    "arrow", "feather", "h5", "hdf5", "geojson", "pts",
];
/// Maximum number of MATLAB files examined to explain why there are no images.
const MAX_LOOKED_AT: usize = 10;

impl Folder {
    /// Lists a folder's images and label files.
    ///
    /// # Errors
    /// The folder is missing, empty, not a folder or unreadable; none of the first thousand images can be
    /// read; images differ in size or channels, unless [`Sizes::Mixed`]. Other damaged images are errors only
    /// when they are loaded.
    pub fn open(path: &Path, options: &FolderOptions) -> Result<Self, DataError> {
        Self::of_listing(Listing::of(path), options)
    }

    /// Opens a folder from its listing, which may have been walked.
    pub(crate) fn of_listing(at: Listing, options: &FolderOptions) -> Result<Self, DataError> {
        let path = at.path().to_owned();
        check_folder(&path)?;
        Self::of_walk(&path, at.into_found()?, options)
    }

    /// Opens a folder that has already been walked.
    pub(crate) fn of_walk(path: &Path, found: Found, options: &FolderOptions) -> Result<Self, DataError> {
        if found.images.is_empty() {
            return Err(no_images(path, &found));
        }
        let Found { images, labels, others, links, not_chosen, passed } = found;
        passed.warn(path);
        let Split { images, kept, are_photographs } = Split::of(path, images, &options.selection)?;
        let spec = match options.sizes {
            Sizes::Mixed => first_probed(path, &images)?.1,
            Sizes::Same => common_spec(path, &images, options.channels)?,
        };
        let (mut more_labels, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|file| has_extension(file, &LABELS));
        more_labels.extend(labels);
        let apart = Apart::new(&images, &kept, not_chosen);
        let labels = LabelFiles::new(&images, apart.left(), more_labels);
        let spec = ImageSpec { channels: options.channels.unwrap_or(spec.channels), ..spec };
        Ok(Self {
            root: path.to_owned(),
            images,
            kept,
            apart,
            labels,
            others,
            links,
            passed,
            are_photographs,
            spec,
            channels: options.channels,
            index: FolderIndex::default(),
            films: Films::default(),
        })
    }

    /// The folder's path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The images' paths relative to the folder.
    #[must_use]
    pub fn images(&self) -> &[PathBuf] {
        &self.images
    }

    /// Reads an image file, ready to write a modified image in the same way; labels are not read.
    ///
    /// # Errors
    /// Those of [`ImageFile::open`].
    ///
    /// # Panics
    /// If `index >= self.len()`.
    pub fn file(&self, index: usize) -> Result<ImageFile, DataError> {
        ImageFile::open(&self.root.join(&self.images[index]))
    }

    /// Reads the content of an image file without decoding it.
    ///
    /// # Errors
    /// The file cannot be read, or is larger than any image file may be.
    ///
    /// # Panics
    /// If `index >= self.len()`.
    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, DataError> {
        read(&self.root.join(&self.images[index]))
    }

    /// The label files of one image, as sorted paths relative to the folder.
    pub fn labels_of(&self, index: usize) -> impl Iterator<Item = &Path> {
        self.labels.of(index)
    }

    /// Number of an image's label files that belong to no earlier image: `a.jpg` and `a.png` share `a.json`.
    #[must_use]
    pub fn n_first_labels(&self, index: usize) -> usize {
        self.labels.n_first(index)
    }

    /// The label files of no particular image, as sorted paths relative to the folder.
    #[must_use]
    pub fn index_files(&self) -> &[PathBuf] {
        self.labels.index()
    }

    /// The images that a label file belongs to, as sorted indices; none for an index file.
    #[must_use]
    pub fn owners_of(&self, label: &Path) -> Vec<usize> {
        let owners = owners(label, &self.images, self.apart.left()).unwrap_or_default();
        owners.into_iter().map(|owner| owner as usize).collect()
    }

    /// Whether a label file belongs to images that are not taken, and to no other.
    #[must_use]
    pub fn is_of_left_image(&self, label: &Path) -> bool {
        owners(label, &self.images, self.apart.left()).is_some_and(|owners| owners.is_empty())
    }

    /// The images that are not taken, as label files may name them.
    #[must_use]
    pub fn apart(&self) -> crate::labels::Apart<'_> {
        self.apart.named()
    }

    /// Number of label files: of images and of the folder as a whole.
    #[must_use]
    pub fn n_label_files(&self) -> usize {
        self.labels.len()
    }

    /// The images that are not taken, sorted.
    #[must_use]
    pub fn kept(&self) -> &[KeptImage] {
        &self.kept
    }

    /// The files that are neither images nor labels, as sorted paths relative to the folder.
    #[must_use]
    pub fn others(&self) -> &[PathBuf] {
        &self.others
    }

    /// The links among the files and folders, wherever they lead, as sorted relative paths.
    #[must_use]
    pub fn links(&self) -> &[PathBuf] {
        &self.links
    }

    /// Whether an image's name is that of a mask, depth or the like.
    #[must_use]
    pub fn is_mask_by_name(&self, image: &Path) -> bool {
        mask::kind_of(image, &self.images).is_some()
    }

    /// Counts what the folder holds besides the images that are taken.
    #[must_use]
    pub fn census(&self) -> Census {
        Census::of(self)
    }

    /// Whether an image, given with its file's content, is no photograph although most of the folder's images
    /// are: it has a palette or very few values, as masks do.
    #[must_use]
    pub fn is_doubtful(&self, bytes: &[u8], image: &Image) -> bool {
        self.are_photographs && (look::is_indexed(bytes) || look::is_few_valued(image))
    }

    /// Adds what the image's label files and the folder's index files say, and the image's record.
    fn label(&self, index: usize, sample: Sample) -> Result<Sample, DataError> {
        let files = Files {
            root: &self.root,
            images: &self.images,
            apart: self.apart(),
            index: self.labels.index(),
            beside: &|| self.labels.beside(),
        };
        self.index.label(&files, index, self.labels.of(index), sample)
    }
}

impl Source for Folder {
    fn len(&self) -> usize {
        self.images.len()
    }

    /// The spec of the first readable image, with the requested channels.
    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let image = Encoded::open(&self.root.join(&self.images[index]), self.channels)?.decode(None)?;
        let sample = Sample::new(self.name(index)?, image);
        match want {
            Want::Image => Ok(sample),
            Want::Labels => self.label(index, sample),
        }
    }

    fn probe(&self, index: usize) -> Result<ImageSpec, DataError> {
        let spec = ImageFile::probe(&self.root.join(&self.images[index]))?;
        Ok(ImageSpec { channels: self.channels.unwrap_or(spec.channels), ..spec })
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let parts: Vec<_> = self.images[index].iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        self.films.frames(&self.images, index)
    }
}

pub(crate) fn is_label_name(file: &Path) -> bool {
    has_extension(file, &walk::LABELS) || has_extension(file, &LABELS)
}

/// Explains why a folder has no images: it holds other files, or MATLAB files of an unsupported version.
fn no_images(path: &Path, found: &Found) -> DataError {
    let is_matlab = |file: &&PathBuf| has_extension(file, &["mat"]);
    let is_73 = |file: &PathBuf| mat::is_73_at(file).unwrap_or(false);
    let mut matlab = found.others.iter().filter(is_matlab).take(MAX_LOOKED_AT).map(|file| path.join(file));
    match matlab.find(is_73) {
        Some(path) => DataError::Matlab73 { path },
        None => {
            let n_other = found.others.len() + found.labels.len();
            DataError::NoImages { path: path.to_owned(), n_other }
        }
    }
}

pub(crate) fn check_folder(path: &Path) -> Result<(), DataError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(DataError::NotAFolder { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(DataError::MissingFolder { path: path.to_owned() })
        }
        Err(error) => Err(DataError::io(path, error)),
    }
}
