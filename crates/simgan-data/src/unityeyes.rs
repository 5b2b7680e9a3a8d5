mod cameras;
mod layout;
mod pairs;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::layout::{Evidence, UnityEyesLayout};
use self::pairs::Pairs;
use crate::folder::walk;
use crate::image::{Encoded, Window};
use crate::source::first_readable;
use crate::{DataError, ImageSpec, Label, Landmarks, Listing, Sample, Size, Source};

/// A folder of UnityEyes renders (Wood et al., ETRA 2016), its subfolders included: pairs `N.jpg` and `N.json`, in the
/// order of N. Extensions may be in upper or lower case.
///
/// Each sample has its gaze, from `look_vec`, and its landmarks, turned as [`Label::from_record`] says, and may be cut
/// out around the eye. An image without its record, or the other way round, is an error when it is loaded.
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
    /// 1 takes the renders' luma as their JPEG files store it, which is several times faster than their colours; 3 and
    /// `None` take the colours.
    pub channels: Option<usize>,
}

/// What is cut out of a render. Users of UnityEyes crop in different ways; these are the public ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// `Fixed` if the first eye is less than a third as wide as its render, as in UnityEyes' own renders, else `None`.
    #[default]
    Auto,
    /// The whole render.
    None,
    /// 140×84 pixels around the mean of the lid margin in a 640×480 render, and in proportion in others, as in
    /// carpedm20's simulated-unsupervised-tensorflow.
    Fixed,
    /// As wide as 1.5 times the distance from the caruncle to the outer corner and 3/5 as high, like MPIIGaze's images,
    /// around the middle of the lid margin, as in swook's GazeML.
    EyeWidth,
}

/// Number of points of UnityEyes' lid margin; the outer corner is the one in the middle.
const N_LID_MARGIN: usize = 16;
/// How many pairs are looked at, at most, to find out what [`Crop::Auto`] means.
const MAX_JUDGED: usize = 100;

impl UnityEyes {
    /// Whether a folder holds UnityEyes' renders, by the names of its files and `look_vec` in its first records.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        matches!(Evidence::at(&Listing::of(path)), Evidence::Pairs)
    }

    /// Lists the pairs of a folder and of its subfolders.
    ///
    /// # Errors
    /// As [`Folder::open`](crate::Folder::open); a folder without pairs; none of the first thousand can be read.
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
        source.options.crop = source.judged_crop();
        source.spec = first_readable(source.len(), |index| Ok(source.sample(index)?.image.spec()))?;
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

    /// The crop that is meant, judged by the first pair with all points of its lid margin.
    fn judged_crop(&self) -> Crop {
        if self.options.crop != Crop::Auto {
            return self.options.crop;
        }
        let judged = |index: usize| {
            let (file, label) = self.read(index).ok()?;
            Crop::judged(file.size(), &label.landmarks?)
        };
        (0..self.len().min(MAX_JUDGED)).find_map(judged).unwrap_or(Crop::None)
    }

    /// The image file of a pair, not decoded, and the label of the whole render.
    fn read(&self, index: usize) -> Result<(Encoded, Label), DataError> {
        let path = self.root.join(self.pairs.record(index));
        let image_path = self.root.join(self.pairs.image(index));
        let text = std::fs::read(&path).map_err(|error| partner(DataError::io(&path, error), &image_path))?;
        let failed = |reason| DataError::Label { path: path.clone(), reason };
        let mut record: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| failed(format!("not JSON: {error}")))?;
        let camera = self.pairs.camera(index);
        if let Some(camera) = camera {
            record = cameras::seen_by(record, camera).map_err(failed)?;
        }
        let file =
            Encoded::open(&image_path, self.options.channels).map_err(|error| partner(error, &path))?;
        let label = Label::from_record(record, file.size().height).map_err(failed)?;
        if label.gaze.is_none() && camera.is_none() {
            return Err(failed("it has no \"eye_details\" with \"look_vec\"".to_owned()));
        }
        Ok((file, label))
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

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let (file, mut label) = self.read(index)?;
        let failed = |reason| DataError::Label { path: self.root.join(self.pairs.record(index)), reason };
        let landmarks = label.landmarks.take().unwrap_or_default();
        let window = self.options.crop.window(file.size(), &landmarks).map_err(failed)?;
        if let Some(window) = window {
            label.landmarks = Some(landmarks.through(&Window::of_crop(window)));
        } else if landmarks != Landmarks::default() {
            label.landmarks = Some(landmarks);
        }
        Ok(Sample { name: self.sample_name(index)?, image: file.decode(window)?, label })
    }

    fn sample_name(&self, index: usize) -> Result<String, DataError> {
        let path = self.pairs.image(index);
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }
}

/// A rectangle of whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CropWindow {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) size: Size,
}

impl Crop {
    /// What [`Crop::Auto`] means for renders like this one; `None` if its lid margin is not complete.
    fn judged(image: Size, landmarks: &Landmarks) -> Option<Self> {
        let margin = Some(&landmarks.lid_margin).filter(|margin| margin.len() == N_LID_MARGIN)?;
        let width = (margin[N_LID_MARGIN / 2][0] - margin[0][0]).abs();
        Some(if 3.0 * width < image.width as f32 { Self::Fixed } else { Self::None })
    }

    /// What is cut out of an image; `None` for all of it.
    fn window(self, image: Size, landmarks: &Landmarks) -> Result<Option<CropWindow>, String> {
        let margin = &landmarks.lid_margin;
        if !matches!(self, Self::None | Self::Auto) && margin.len() != N_LID_MARGIN {
            let n = margin.len();
            return Err(format!(
                "\"interior_margin_2d\" has {n} points instead of {N_LID_MARGIN}, to crop around"
            ));
        }
        if self == Self::EyeWidth && landmarks.caruncle.is_empty() {
            return Err("it has no \"caruncle_2d\", to crop around".to_owned());
        }
        let (center, width, height) = match self {
            Self::None | Self::Auto => return Ok(None),
            Self::Fixed => {
                let mean =
                    |axis: usize| margin.iter().map(|point| point[axis]).sum::<f32>() / margin.len() as f32;
                let scale = image.width as f32 / 640.0;
                ([mean(0), mean(1)], 140.0 * scale, 84.0 * scale)
            }
            Self::EyeWidth => {
                let caruncle = &landmarks.caruncle;
                let inner = caruncle.iter().map(|point| point[0]).sum::<f32>() / caruncle.len() as f32;
                let width = 1.5 * (margin[N_LID_MARGIN / 2][0] - inner).abs();
                let middle = |axis: usize| {
                    let along = || margin.iter().map(|point| point[axis]);
                    (along().fold(f32::INFINITY, f32::min) + along().fold(f32::NEG_INFINITY, f32::max)) / 2.0
                };
                ([middle(0), middle(1)], width, width * 0.6)
            }
        };
        let size = Size { width: width.round() as usize, height: height.round() as usize };
        let inside = |center: f32, length: usize, limit: usize| {
            let start = (center - length as f32 / 2.0).round();
            (length > 0 && start >= 0.0 && start as usize + length <= limit).then_some(start as usize)
        };
        let left = inside(center[0], size.width, image.width);
        let top = inside(center[1], size.height, image.height);
        match (left, top) {
            (Some(left), Some(top)) => Ok(Some(CropWindow { left, top, size })),
            _ => Err(format!("the eye's surroundings, {size}, do not lie within the image of {image}")),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Image, ImageFile, ImageFormat, Pixels};
    use serde_json::json;

    /// A record of an eye with its corners at (280, 240) and (360, 240) of 640×480, from the top left.
    fn record(look: &str) -> serde_json::Value {
        let mut margin = vec!["(320, 230, 9)"; 16];
        (margin[0], margin[8]) = ("(280, 240, 9)", "(360, 240, 9)");
        json!({"interior_margin_2d": margin, "caruncle_2d": ["(276, 240, 9)", "(284, 240, 9)"], "eye_details": {"look_vec": look}})
    }

    fn write(folder: &Path, stem: &str, record: Option<&serde_json::Value>) {
        let values = (0..640 * 480).map(|i| if i == 240 * 640 + 280 { 255 } else { 0 }).collect();
        let image = Image::new(1, 480, 640, Pixels::U8(values));
        ImageFile::new(image, ImageFormat::Png).save(&folder.join(stem).with_extension("png")).unwrap();
        if let Some(record) = record {
            std::fs::write(folder.join(stem).with_extension("json"), record.to_string()).unwrap();
        }
    }

    #[test]
    fn pairs_come_by_number_with_labels() {
        let folder = tempfile::tempdir().unwrap();
        for stem in ["10", "2", "1"] {
            write(folder.path(), stem, Some(&record("(0.0, 0.6, -0.8, 0.0)")));
        }
        assert!(UnityEyes::is_at(folder.path()));
        let eyes =
            UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::None, channels: None }).unwrap();
        let names: Vec<String> = (0..eyes.len()).map(|i| eyes.sample(i).unwrap().name).collect();
        assert_eq!(names, ["1.png", "2.png", "10.png"]);
        let label = eyes.sample(0).unwrap().label;
        assert_eq!(label.gaze.unwrap().vector(), [0.0, -0.6, -0.8]);
        assert_eq!(label.landmarks.unwrap().lid_margin[0], [280.0, 240.0]);
    }

    #[test]
    fn crops_are_cut_around_the_eye_and_move_its_landmarks() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "1", Some(&record("(0, 0, -1, 0)")));
        for (crop, size) in [(Crop::Fixed, "140x84"), (Crop::EyeWidth, "120x72")] {
            let eyes = UnityEyes::open(folder.path(), UnityEyesOptions { crop, channels: None }).unwrap();
            assert_eq!(eyes.spec().size(), size.parse().unwrap());
            let sample = eyes.sample(0).unwrap();
            let [x, y] = sample.label.landmarks.unwrap().lid_margin[0];
            let (values, width) = (sample.image.to_unit(), eyes.spec().width);
            assert_eq!(values[y as usize * width + x as usize], 1.0, "{crop:?}: the dot is at the corner");
            assert_eq!(x, width as f32 / 2.0 - 40.0, "{crop:?}");
        }
    }

    #[test]
    fn whole_renders_are_cropped_unless_the_eye_fills_them() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "1", None);
        write(folder.path(), "2", Some(&record("(0, 0, -1, 0)")));
        assert_eq!(UnityEyes::open(folder.path(), UnityEyesOptions::default()).unwrap().crop(), Crop::Fixed);
        let margin = vec!["(10, 20, 9)"; 15];
        let near = json!({"interior_margin_2d": margin, "eye_details": {"look_vec": "(0, 0, -1, 0)"}});
        write(folder.path(), "1", Some(&near));
        assert_eq!(UnityEyes::open(folder.path(), UnityEyesOptions::default()).unwrap().crop(), Crop::Fixed);
        std::fs::remove_file(folder.path().join("2.json")).unwrap();
        assert_eq!(UnityEyes::open(folder.path(), UnityEyesOptions::default()).unwrap().crop(), Crop::None);
        let landmarks = |width: f32| {
            let mut lid_margin = vec![[5.0, 5.0]; 16];
            lid_margin[8][0] += width;
            Landmarks { lid_margin, ..Landmarks::default() }
        };
        let image = Size { width: 60, height: 36 };
        assert_eq!(Crop::judged(image, &landmarks(21.0)), Some(Crop::None));
        assert_eq!(Crop::judged(image, &landmarks(-19.0)), Some(Crop::Fixed));
    }

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "1", Some(&record("(0, 0, -1, 0)")));
        write(folder.path(), "2", None);
        std::fs::write(folder.path().join("3.json"), record("(0, 0, -1, 0)").to_string()).unwrap();
        write(folder.path(), "4", Some(&json!({"eye_details": {}})));
        write(folder.path(), "5", Some(&json!({"eye_details": {"look_vec": "(0, 0, -1, 0)"}})));
        let eyes =
            UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::Fixed, channels: None }).unwrap();
        assert!(eyes.sample(0).is_ok());
        for (index, words) in [(1, "2.json"), (2, "3.jpg"), (3, "look_vec"), (4, "interior_margin_2d")] {
            let error = eyes.sample(index).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn an_eye_at_the_edge_is_an_error() {
        let landmarks = Landmarks { lid_margin: vec![[10.0, 10.0]; 16], ..Landmarks::default() };
        let image = Size { width: 640, height: 480 };
        let error = Crop::Fixed.window(image, &landmarks).unwrap_err();
        assert!(error.contains("140x84") && error.contains("640x480"), "{error}");
        assert!(Crop::EyeWidth.window(image, &landmarks).is_err(), "an eye without width");
    }

    #[test]
    fn other_folders_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!UnityEyes::is_at(folder.path()));
        let error = UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::None, channels: None })
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("no UnityEyes renders"), "{error}");
    }
}
