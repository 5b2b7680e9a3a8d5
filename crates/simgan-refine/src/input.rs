//! The images to refine: of a folder, of another data set or of a simulator.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use simgan_data::{
    Census, DataError, Folder, FolderOptions, Image, ImageFile, ImageFormat, Sizes, Source, Want,
};

use super::RefineError;
use super::folder::{FolderImages, Resize};
use super::images::{Current, CurrentLabel, Images, InputImage, hex, slashed};

/// The images to refine.
pub struct RefineInput {
    pub(super) images: Box<dyn Images>,
    name: String,
    count: usize,
}

impl RefineInput {
    /// Takes the images of a folder and its subfolders, of any size, with their label files.
    ///
    /// # Errors
    /// Fails where [`Folder::open`] does, or if the path cannot be made absolute.
    pub fn folder(path: &Path) -> Result<Self, RefineError> {
        Self::of_folder(Folder::open(path, &FolderOptions { sizes: Sizes::Mixed, ..Default::default() })?)
    }

    /// Takes the images of a folder that is open already. Give it [`Sizes::Mixed`], since each image keeps its
    /// size.
    ///
    /// # Errors
    /// Fails if the path cannot be made absolute.
    pub fn of_folder(folder: Folder) -> Result<Self, RefineError> {
        Self::of(FolderImages { folder, resize: None, sizes: OnceLock::new() })
    }

    /// Takes the images of a folder and brings them to one size before they are refined. Names and formats
    /// stay; label files follow the pixels, and masks are resized without mixing their values.
    ///
    /// # Errors
    /// Fails if the path cannot be made absolute.
    pub fn resized(folder: Folder, resize: Resize) -> Result<Self, RefineError> {
        Self::of(FolderImages { folder, resize: Some(resize), sizes: OnceLock::new() })
    }

    fn of(images: FolderImages) -> Result<Self, RefineError> {
        let path = images.folder.root();
        // An absolute name, as a job may be continued from another working directory.
        let mut name = path.canonicalize().map_err(RefineError::io(path))?.display().to_string();
        if let Some(Resize { size, fit, labels }) = images.resize {
            name += &format!(", resized to {size} ({fit:?}, labels: {labels:?})").to_lowercase();
        }
        let count = images.folder.len();
        Ok(Self { images: Box::new(images), name, count })
    }

    /// Adds to the name that identifies the job which images are chosen, as text, so that an output folder made
    /// from another choice is not continued.
    #[must_use]
    pub fn chosen_by(self, choice: &str) -> Self {
        Self { name: format!("{}, {choice}", self.name), ..self }
    }

    /// Counts what a folder holds besides the images to refine; `None` for other inputs.
    #[must_use]
    pub fn census(&self) -> Option<Census> {
        self.images.census()
    }

    /// Takes the samples of a data set other than a plain folder of images, or of one that is cropped on
    /// reading.
    ///
    /// Each sample is written as `NAME.png`, with its label
    /// ([`Sample::to_record`](simgan_data::Sample::to_record)) as JSON beside it. If any two names differ
    /// only in the extension, all samples keep theirs (`NAME.jpg.png`). `name` identifies the data set in the
    /// manifest and should include the crop.
    ///
    /// # Errors
    /// Fails if a sample's name cannot be read, leads out of the output folder or is not unique.
    pub fn data_set(name: &str, source: Arc<dyn Source>) -> Result<Self, RefineError> {
        let names: Result<Vec<_>, _> = (0..source.len()).map(|index| source.name(index)).collect();
        let refused = |reason| DataError::Dataset { path: PathBuf::from(name), reason };
        let paths = paths(&names?).map_err(refused)?;
        let count = paths.len();
        Ok(Self { images: Box::new(DataSet { source, paths }), name: name.to_owned(), count })
    }

    /// Takes the samples of a simulator, written as `N.png` with the label `N.json` (`FILM/FRAME.png` of films). `name` identifies the
    /// simulator in the manifest and should include the seed.
    #[must_use]
    pub fn simulator(name: &str, source: Arc<dyn Source>) -> Self {
        let count = source.len();
        Self { images: Box::new(Simulator(source)), name: name.to_owned(), count }
    }

    /// Keeps only the first `count` images.
    #[must_use]
    pub fn first(self, count: usize) -> Self {
        Self { count: count.min(self.count), ..self }
    }

    /// Number of images.
    #[must_use]
    pub fn n_images(&self) -> usize {
        self.count
    }

    /// Number of images of which [`RefineInput::resized`] leaves a part out.
    #[must_use]
    pub fn n_cropped(&self) -> usize {
        self.images.n_cropped(self.count)
    }

    /// The input's name in the manifest: a folder's absolute path, else the name the caller gave.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Samples with the paths of their refined images.
struct DataSet {
    source: Arc<dyn Source>,
    paths: Vec<PathBuf>,
}

impl Images for DataSet {
    fn path(&self, index: usize) -> PathBuf {
        self.paths[index].clone()
    }

    fn name(&self, index: usize) -> String {
        slashed(&self.paths[index])
    }

    fn decode(&self, index: usize, _: &[u8]) -> Result<InputImage, DataError> {
        let sample = self.source.sample(index, Want::Labels)?;
        let (crc32c, record) = (Some(digest(&sample.image)), sample.to_record());
        let file = ImageFile::new(sample.image, ImageFormat::Png);
        Ok(InputImage { file, crc32c, record, is_doubtful: false })
    }

    fn current(&self, index: usize) -> Result<Current, DataError> {
        let sample = self.source.sample(index, Want::Labels)?;
        let label = CurrentLabel::Record(sample.to_record());
        Ok(Current { crc32c: Some(digest(&sample.image)), label })
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        self.source.frames(index)
    }
}

/// Samples of a simulator. They have no checksum: the name and the index determine the image, and computing
/// one would mean rendering every image again when a job continues.
struct Simulator(Arc<dyn Source>);

impl Images for Simulator {
    fn path(&self, index: usize) -> PathBuf {
        PathBuf::from(self.name(index))
    }

    fn name(&self, index: usize) -> String {
        // A simulator makes names up: from the index, or from a film and its frame.
        format!("{}.png", self.0.name(index).unwrap_or_else(|_| index.to_string()))
    }

    fn decode(&self, index: usize, _: &[u8]) -> Result<InputImage, DataError> {
        let sample = self.0.sample(index, Want::Labels)?;
        let file = ImageFile::new(sample.image, ImageFormat::Png);
        Ok(InputImage { file, crc32c: None, record: sample.record, is_doubtful: false })
    }

    fn current(&self, _index: usize) -> Result<Current, DataError> {
        Ok(Current { crc32c: None, label: CurrentLabel::Same })
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        self.0.frames(index)
    }
}

/// Returns the output path of each sample, always inside the output folder.
fn paths(names: &[String]) -> Result<Vec<PathBuf>, String> {
    // Names come out of data files, which need not be trusted. `\` and `:` are separators on Windows only;
    // refusing them everywhere keeps output portable.
    for name in names {
        let is_part = |part| matches!(part, Component::Normal(_));
        let odd = name.is_empty() || name.ends_with('/') || name.contains(['\0', '\\', ':']);
        if odd || !Path::new(name).components().all(is_part) {
            return Err(format!("\"{}\" cannot be the name of a file", name.escape_debug()));
        }
    }
    let short = |name: &String| match ImageFormat::from_path(Path::new(name)) {
        Some(_) => Path::new(name).with_extension("png"),
        None => PathBuf::from(format!("{name}.png")),
    };
    let long = |name: &String| PathBuf::from(format!("{name}.png"));
    let short: Vec<PathBuf> = names.iter().map(short).collect();
    if collision(&short).is_none() {
        return Ok(short);
    }
    let long: Vec<PathBuf> = names.iter().map(long).collect();
    match collision(&long) {
        None => Ok(long),
        Some(reason) => Err(reason),
    }
}

/// Says which two images would be written to one place: the same file, or a file and a folder.
fn collision(paths: &[PathBuf]) -> Option<String> {
    let mut known = BTreeSet::new();
    if let Some(path) = paths.iter().find(|path| !known.insert(*path)) {
        return Some(format!("two of its images are called {}", path.with_extension("").display()));
    }
    // Each image has its label beside it.
    let labels: BTreeSet<PathBuf> = paths.iter().map(|path| path.with_extension("json")).collect();
    for path in paths {
        let taken = |folder: &&Path| known.contains(&folder.to_path_buf()) || labels.contains(*folder);
        if let Some(file) = path.ancestors().skip(1).find(taken) {
            let (path, file) = (path.display(), file.display());
            return Some(format!("{path} needs a folder where another image has the file {file}"));
        }
    }
    None
}

fn digest(image: &Image) -> String {
    // As little-endian bytes on every machine, so that the checksum is portable.
    hex(crc32c::crc32c(&image.pixels().to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Result<Vec<String>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(paths(&names)?.iter().map(|path| path.display().to_string()).collect())
    }

    #[test]
    fn samples_keep_their_names() {
        assert_eq!(named(&["1.jpg", "p00/day01/1-left"]).unwrap(), ["1.png", "p00/day01/1-left.png"]);
        assert_eq!(named(&["1.jpg", "1.png"]).unwrap(), ["1.jpg.png", "1.png.png"]);
        assert!(named(&["a", "b", "a"]).unwrap_err().contains("two of its images are called a"));
    }

    #[test]
    fn a_name_that_is_a_folder_of_another_is_refused() {
        for (names, file) in [(["a", "a.png/b"], "file a.png"), (["a", "a.json/b/c"], "file a.json")] {
            let error = named(&names).unwrap_err();
            assert!(error.contains(file), "{error}");
        }
        // The long names of these do not collide.
        assert_eq!(named(&["a.jpg", "a.png/b"]).unwrap(), ["a.jpg.png", "a.png/b.png"]);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["", "/etc/x", "../x", "a/../../x", "a/..", "./a", "a/", "a\0b", "..\\x", "C:x"] {
            assert!(named(&["a.png", name]).is_err(), "{name:?}");
        }
    }
}
