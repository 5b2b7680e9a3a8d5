mod cameras;
mod crop;
mod head_pose;
mod layout;
mod pairs;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use self::crop::Crop;
pub use self::head_pose::LEVEL_PITCH_DEG;
pub(crate) use self::head_pose::rotation_vector;
pub(crate) use self::layout::{Evidence, UnityEyesLayout};
use self::pairs::Pairs;
use crate::folder::walk;
use crate::image::{CropWindow, Encoded};
use crate::source::first_readable;
use crate::{
    Annotations, AnnotationsExt, DataError, ImageFile, ImageSpec, Sample, Source, Transform, Want,
    annotations_from_record, labels,
};

/// A folder of UnityEyes renders (Wood et al., ETRA 2016), including subfolders: pairs `N.jpg` and `N.json`
/// in the order of N. Extensions are matched ignoring case.
///
/// Each sample has its gaze, from `look_vec`, and its points, as read by [`annotations_from_record`], and may
/// be cropped around the eye. An image without a record, or a record without an image, is an error when it is
/// read; whole renders need their record only for labels.
///
/// UnityEyes2 renders an eye with several cameras: `N.json` with `N_cam0.jpg`, `N_cam1.jpg`, …. Each image is
/// a sample with its camera's points. Its gaze is the camera's `ground_truth.gaze_vec`, or else `look_vec` if
/// all cameras have the same rotation.
pub struct UnityEyes {
    root: PathBuf,
    pairs: Pairs,
    options: UnityEyesOptions,
    spec: ImageSpec,
}

/// Options for reading a [`UnityEyes`] folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnityEyesOptions {
    /// How each render is cropped.
    pub crop: Crop,
    /// 1 reads the luma stored in the renders' JPEG files, several times faster than colour; 3 and `None`
    /// read colour.
    pub channels: Option<usize>,
}

/// Maximum number of pairs examined to resolve [`Crop::Auto`].
const MAX_PROBED: usize = 100;

impl UnityEyes {
    /// Lists the pairs in a folder and its subfolders.
    ///
    /// # Errors
    /// The folder is missing, not a folder or unreadable; it has no pairs; none of the first thousand pairs
    /// can be read.
    pub fn open(path: &Path, options: UnityEyesOptions) -> Result<Self, DataError> {
        let source = Self::of_pairs(path, Pairs::of(&walk::walk(path)?), options)?;
        source.warn_of_left_out();
        Ok(source)
    }

    fn of_pairs(path: &Path, pairs: Pairs, options: UnityEyesOptions) -> Result<Self, DataError> {
        if pairs.len() == 0 {
            return Err(no_pairs(path));
        }
        // A placeholder until an image is read: `sample` does not use it.
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

    /// The crop in effect, never [`Crop::Auto`].
    #[must_use]
    pub fn crop(&self) -> Crop {
        self.options.crop
    }

    /// Resolves [`Crop::Auto`] from the first pair with a complete lid margin.
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

    /// Opens a pair's image file, without decoding it, and reads what the record says of the whole render.
    fn read(&self, index: usize) -> Result<(Encoded, Known), DataError> {
        let path = self.root.join(self.pairs.record(index));
        let image_path = self.root.join(self.pairs.image(index));
        let text = std::fs::read(&path).map_err(|error| partner(DataError::io(&path, error), &image_path))?;
        let failed = |reason| DataError::Label { path: path.clone(), reason };
        let mut record = labels::json_value(&text).map_err(failed)?;
        let camera = self.pairs.camera(index);
        if let Some(camera) = camera {
            record = cameras::seen_by(record, camera).map_err(failed)?;
        }
        let file = self.image_file(index)?;
        let annotations = annotations_from_record(&record, file.size().height).map_err(failed)?;
        // A UnityEyes2 record need not have a gaze in this camera's coordinates; see `cameras::seen_by`.
        if annotations.gaze().is_none() && camera.is_none() {
            return Err(failed("it has no \"eye_details\" with \"look_vec\"".to_owned()));
        }
        Ok((file, Known { annotations, record }))
    }

    /// Opens a pair's image file, without decoding it.
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

    /// The spec of the first readable image. Crops by [`Crop::EyeWidth`] differ in size: convert them with
    /// [`Fitted`](crate::Fitted).
    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let name = self.name(index)?;
        // Without labels, only a crop needs the record.
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

    fn probe(&self, index: usize) -> Result<ImageSpec, DataError> {
        match self.options.crop {
            Crop::None | Crop::Fixed => {
                let header = ImageFile::probe(&self.root.join(self.pairs.image(index)))?;
                let channels = self.options.channels.unwrap_or(header.channels);
                let whole = ImageSpec { channels, ..header };
                let cropped = ImageSpec { channels, ..self.spec };
                Ok(if self.options.crop == Crop::None { whole } else { cropped })
            }
            // The crop depends on the record.
            Crop::Auto | Crop::EyeWidth => Ok(self.sample(index, Want::Image)?.image.spec()),
        }
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let path = self.pairs.image(index);
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }

    /// Pairs are in the order of their numbers; those of several cameras are no frames of one film.
    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        let folder = |index: usize| self.pairs.image(index).parent().map(Path::to_owned);
        let is_pair = |first: usize| first + 1 < self.len() && folder(first) == folder(first + 1);
        let firsts = [Some(index), index.checked_sub(1)].into_iter().flatten();
        let first = firsts.filter(|_| !self.pairs.have_cameras()).find(|first| is_pair(*first))?;
        Some([first, first + 1])
    }
}

/// The content of a record, for the whole render.
struct Known {
    annotations: Annotations,
    record: Value,
}

/// Turns "file not found" into an error that names the missing file's partner.
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
