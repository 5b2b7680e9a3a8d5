mod cameras;
mod crop;
mod layout;
mod pairs;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::crop::Crop;
pub(crate) use self::layout::{Evidence, UnityEyesLayout};
use self::pairs::Pairs;
use crate::folder::walk;
use crate::image::{CropWindow, Encoded};
use crate::source::first_readable;
use crate::{
    Annotations, AnnotationsExt, DataError, ImageSpec, Listing, Sample, Source, Transform, Want,
    annotations_from_record,
};

/// A folder of UnityEyes renders (Wood et al., ETRA 2016), its subfolders included: pairs `N.jpg` and `N.json`, in the
/// order of N. Extensions may be in upper or lower case.
///
/// Each sample has its gaze, from `look_vec`, and its points, as [`annotations_from_record`] reads them, and may be cut
/// out around the eye. An image without its record, or the other way round, is an error when it is loaded; whole renders
/// need the record only where labels are wanted.
///
/// UnityEyes2 renders an eye by several cameras: `N.json` with `N_cam0.jpg`, `N_cam1.jpg`, …. Each image is a sample with
/// its camera's points; its gaze is the camera's `ground_truth.gaze_vec`, or `look_vec` if all cameras are turned alike.
pub struct UnityEyes {
    root: PathBuf,
    pairs: Pairs,
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

/// How many pairs are looked at, at most, to find out what [`Crop::Auto`] means.
const MAX_PROBED: usize = 100;

impl UnityEyes {
    /// Whether a folder holds UnityEyes' renders, by the names of its files and `look_vec` in its first records.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        matches!(Evidence::at(&Listing::of(path)), Evidence::Pairs)
    }

    /// Lists the pairs of a folder and of its subfolders.
    ///
    /// # Errors
    /// As [`Folder::open`](crate::Folder::open); a folder without pairs; none of the first thousand can be
    /// read.
    pub fn open(path: &Path, options: UnityEyesOptions) -> Result<Self, DataError> {
        let source = Self::of_pairs(path, Pairs::of(&walk::walk(path)?), options)?;
        source.warn_of_left_out();
        Ok(source)
    }

    fn of_pairs(path: &Path, pairs: Pairs, options: UnityEyesOptions) -> Result<Self, DataError> {
        if pairs.len() == 0 {
            return Err(no_pairs(path));
        }
        let spec = ImageSpec { channels: 3, height: 1, width: 1, depth: crate::BitDepth::Eight };
        let mut source = Self { root: path.to_owned(), pairs, options, spec };
        source.options.crop = source.detected_crop();
        source.spec =
            first_readable(source.len(), |index| Ok(source.sample(index, Want::Image)?.image.spec()))?;
        Ok(source)
    }

    fn warn_of_left_out(&self) {
        let (root, count) = (self.root.display(), self.pairs.n_left_out);
        if count > 0 {
            tracing::warn!("{root}: {count} images are in no pair N.jpg and N.json and left out");
        }
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
        let path = self.root.join(self.pairs.record(index));
        let image_path = self.root.join(self.pairs.image(index));
        let text = std::fs::read(&path).map_err(|error| partner(DataError::io(&path, error), &image_path))?;
        let failed = |reason| DataError::Label { path: path.clone(), reason };
        let mut record: Value =
            serde_json::from_slice(&text).map_err(|error| failed(format!("not JSON: {error}")))?;
        let camera = self.pairs.camera(index);
        if let Some(camera) = camera {
            record = cameras::seen_by(record, camera).map_err(failed)?;
        }
        let file = self.image_file(index)?;
        let annotations = annotations_from_record(&record, file.size().height).map_err(failed)?;
        if annotations.gaze().is_none() && camera.is_none() {
            return Err(failed("it has no \"eye_details\" with \"look_vec\"".to_owned()));
        }
        Ok((file, Known { annotations, record }))
    }

    /// The image file of a pair, not decoded.
    fn image_file(&self, index: usize) -> Result<Encoded, DataError> {
        let path = self.root.join(self.pairs.image(index));
        let record = self.pairs.record(index);
        Encoded::open(&path, self.options.channels).map_err(|error| partner(error, &record))
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
        let name = self.name(index)?;
        // Only a crop needs the record of an image whose labels nobody wants.
        if want == Want::Image && self.options.crop == Crop::None {
            return Ok(Sample::new(name, self.image_file(index)?.decode(None)?));
        }
        let (file, known) = self.read(index)?;
        let size = file.size();
        let failed = |reason| DataError::Label { path: self.root.join(self.pairs.record(index)), reason };
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
        let path = self.pairs.image(index);
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

fn no_pairs(path: &Path) -> DataError {
    let reason = "no UnityEyes renders: it has no pairs N.jpg and N.json".to_owned();
    DataError::Dataset { path: path.to_owned(), reason }
}
