mod crop;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::crop::Crop;
use crate::folder::walk;
use crate::image::{CropWindow, Encoded};
use crate::source::first_readable;
use crate::{
    Annotations, AnnotationsExt, DataError, ImageSpec, Sample, Source, Transform, Want,
    annotations_from_record,
};

/// A folder of UnityEyes renders (Wood et al., ETRA 2016): pairs `N.jpg` and `N.json`, in the order of N.
///
/// Each sample has its gaze, from `look_vec`, and its points, as [`annotations_from_record`] reads them, and
/// may be cut out around the eye. An image without its record, or the other way round, is an error when it is
/// loaded; whole renders need the record only where labels are wanted.
pub struct UnityEyes {
    root: PathBuf,
    /// Folders that hold pairs, relative to the root.
    folders: Vec<PathBuf>,
    /// The pairs, by folder and number: kept small, for folders of millions.
    pairs: Vec<Pair>,
    options: UnityEyesOptions,
    spec: ImageSpec,
}

/// How a [`UnityEyes`] folder is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnityEyesOptions {
    /// What is cut out of each render.
    pub crop: Crop,
    /// 1 takes the renders' luma as their JPEG files store it, which is several times faster than their
    /// colours; 3 and `None` take the colours.
    pub channels: Option<usize>,
}

/// A pair is called `number` with leading zeros up to `n_digits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    folder: u32,
    number: u64,
    n_digits: u8,
}

/// How many pairs are looked at, at most, to find out what [`Crop::Auto`] means.
const MAX_PROBED: usize = 100;

impl UnityEyes {
    /// Whether a folder holds UnityEyes pairs: a record `N.json` with `look_vec` among the first files of the
    /// folder.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let Ok(entries) = std::fs::read_dir(path) else { return false };
        let is_record =
            |path: &PathBuf| path.extension().is_some_and(|e| e == "json") && pair(path, 0).is_some();
        let record = entries.flatten().take(1000).map(|entry| entry.path()).find(is_record);
        let record = record.and_then(|path| std::fs::read(path).ok());
        let record = record.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        record.is_some_and(|record| record.pointer("/eye_details/look_vec").is_some())
    }

    /// Lists the pairs of a folder and of its subfolders.
    ///
    /// # Errors
    /// As [`Folder::open`](crate::Folder::open); a folder without pairs; none of the first thousand can be
    /// read.
    pub fn open(path: &Path, options: UnityEyesOptions) -> Result<Self, DataError> {
        let found = walk::walk(path)?;
        let mut folders: Vec<PathBuf> = Vec::new();
        let mut pairs = Vec::new();
        for file in found.images.iter().chain(&found.labels) {
            let folder = file.parent().unwrap_or(Path::new(""));
            // Files come sorted, so that a folder's are together.
            let place = folders.iter().rposition(|known| known == folder).unwrap_or_else(|| {
                folders.push(folder.to_owned());
                folders.len() - 1
            });
            pairs.extend(pair(file, place as u32));
        }
        pairs.sort_unstable();
        pairs.dedup();
        if pairs.is_empty() {
            let reason = "no UnityEyes renders: it has no pairs N.jpg and N.json".to_owned();
            return Err(DataError::Dataset { path: path.to_owned(), reason });
        }
        let spec = ImageSpec { channels: 3, height: 1, width: 1, depth: crate::BitDepth::Eight };
        let mut source = Self { root: path.to_owned(), folders, pairs, options, spec };
        source.options.crop = source.detected_crop();
        source.spec =
            first_readable(source.len(), |index| Ok(source.sample(index, Want::Image)?.image.spec()))?;
        Ok(source)
    }

    /// What is cut out of each render, never [`Crop::Auto`].
    #[must_use]
    pub fn crop(&self) -> Crop {
        self.options.crop
    }

    /// The crop that is meant, from the first pair with all points of its lid margin.
    fn detected_crop(&self) -> Crop {
        if self.options.crop != Crop::Auto {
            return self.options.crop;
        }
        let detected = |index: usize| {
            let (file, sample) = self.read(index).ok()?;
            Crop::detected(file.size(), &sample.annotations)
        };
        (0..self.len().min(MAX_PROBED)).find_map(detected).unwrap_or(Crop::None)
    }

    /// The image file of a pair, not decoded, and what the pair's record says of the whole render.
    fn read(&self, index: usize) -> Result<(Encoded, Known), DataError> {
        let pair = self.pairs[index];
        let path = self.root.join(self.path(pair, "json"));
        let image_path = self.root.join(self.image_path(pair));
        let text = std::fs::read(&path).map_err(|error| partner(DataError::io(&path, error), &image_path))?;
        let failed = |reason| DataError::Label { path: path.clone(), reason };
        let record: Value =
            serde_json::from_slice(&text).map_err(|error| failed(format!("not JSON: {error}")))?;
        let file = self.image_file(pair)?;
        let annotations = annotations_from_record(&record, file.size().height).map_err(failed)?;
        if annotations.gaze().is_none() {
            return Err(failed("it has no \"eye_details\" with \"look_vec\"".to_owned()));
        }
        Ok((file, Known { annotations, record }))
    }

    /// The image file of a pair, not decoded.
    fn image_file(&self, pair: Pair) -> Result<Encoded, DataError> {
        let path = self.root.join(self.image_path(pair));
        let record = self.path(pair, "json");
        Encoded::open(&path, self.options.channels).map_err(|error| partner(error, &record))
    }

    /// The path of a pair's image relative to the root.
    fn image_path(&self, pair: Pair) -> PathBuf {
        let with = |extension| self.path(pair, extension);
        let found = ["jpg", "png", "jpeg"].into_iter().map(with).find(|path| self.root.join(path).exists());
        found.unwrap_or_else(|| with("jpg"))
    }

    fn path(&self, pair: Pair, extension: &str) -> PathBuf {
        let Pair { folder, number, n_digits } = pair;
        self.folders[folder as usize]
            .join(format!("{number:0width$}.{extension}", width = usize::from(n_digits)))
    }
}

impl Source for UnityEyes {
    fn len(&self) -> usize {
        self.pairs.len()
    }

    /// That of the first image. Crops by [`Crop::EyeWidth`] have different sizes: bring them to one with
    /// [`Fitted`](crate::Fitted).
    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let (name, pair) = (self.name(index)?, self.pairs[index]);
        // Only a crop needs the record of an image whose labels nobody wants.
        if want == Want::Image && self.options.crop == Crop::None {
            return Ok(Sample::new(name, self.image_file(pair)?.decode(None)?));
        }
        let (file, known) = self.read(index)?;
        let size = file.size();
        let failed = |reason| DataError::Label { path: self.root.join(self.path(pair, "json")), reason };
        let window = self.options.crop.window(size, &known.annotations).map_err(failed)?;
        let sample = Sample::new(name, file.decode(window)?);
        if want == Want::Image {
            return Ok(sample);
        }
        let sample = Sample { annotations: known.annotations, record: Some(known.record), ..sample };
        let Some(CropWindow { left, top, size: part }) = window else { return Ok(sample) };
        sample.followed(&Transform::part(size, left as f64, top as f64, part))
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let path = self.image_path(self.pairs[index]);
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }
}

/// What a record says of a whole render.
struct Known {
    annotations: Annotations,
    record: Value,
}

/// Says of a missing file whose partner it is.
pub(crate) fn partner(error: DataError, other: &Path) -> DataError {
    match error {
        DataError::Io { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
            let other = other.file_name().unwrap_or_default().to_string_lossy().into_owned();
            DataError::Partner { path, other }
        }
        error => error,
    }
}

/// The pair that a file in a folder belongs to, if it is called by a number.
fn pair(path: &Path, folder: u32) -> Option<Pair> {
    let stem = path.file_stem()?.to_str().filter(|stem| stem.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(Pair { folder, number: stem.parse().ok()?, n_digits: stem.len() as u8 })
}
