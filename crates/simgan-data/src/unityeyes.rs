use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folder::walk;
use crate::image::{Encoded, Window};
use crate::source::first_readable;
use crate::{DataError, ImageSpec, Label, Landmarks, Sample, Size, Source};

/// A folder of UnityEyes renders (Wood et al., ETRA 2016): pairs `N.jpg` and `N.json`, in the order of N.
///
/// Each sample has its gaze, from `look_vec`, and its landmarks, turned as [`Label::from_record`] says, and may be cut
/// out around the eye. An image without its record, or the other way round, is an error when it is loaded.
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
    /// 1 takes the renders' luma as their JPEG files store it, which is several times faster than their colours; 3 and
    /// `None` take the colours.
    pub channels: Option<usize>,
}

/// A pair is called `number` with leading zeros up to `n_digits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    folder: u32,
    number: u64,
    n_digits: u8,
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
    /// Whether a folder holds UnityEyes pairs: a record `N.json` with `look_vec` among the first files of the folder.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let Ok(entries) = std::fs::read_dir(path) else { return false };
        let is_record =
            |path: &PathBuf| path.extension().is_some_and(|e| e == "json") && pair(path, 0).is_some();
        let record = entries.flatten().take(1000).map(|entry| entry.path()).find(is_record);
        let record = record.and_then(|path| std::fs::read(path).ok());
        let record = record.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
        record.is_some_and(|record| record.pointer("/eye_details/look_vec").is_some())
    }

    /// Lists the pairs of a folder and of its subfolders.
    ///
    /// # Errors
    /// As [`Folder::open`](crate::Folder::open); a folder without pairs; none of the first thousand can be read.
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
        source.options.crop = source.judged_crop();
        source.spec = first_readable(source.len(), |index| Ok(source.sample(index)?.image.spec()))?;
        Ok(source)
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
        let pair = self.pairs[index];
        let path = self.root.join(self.path(pair, "json"));
        let image_path = self.root.join(self.image_path(pair));
        let text = std::fs::read(&path).map_err(|error| partner(DataError::io(&path, error), &image_path))?;
        let failed = |reason| DataError::Label { path: path.clone(), reason };
        let record: serde_json::Value =
            serde_json::from_slice(&text).map_err(|error| failed(format!("not JSON: {error}")))?;
        let file =
            Encoded::open(&image_path, self.options.channels).map_err(|error| partner(error, &path))?;
        let label = Label::from_record(record, file.size().height).map_err(failed)?;
        if label.gaze.is_none() {
            return Err(failed("it has no \"eye_details\" with \"look_vec\"".to_owned()));
        }
        Ok((file, label))
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

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let (file, mut label) = self.read(index)?;
        let pair = self.pairs[index];
        let failed = |reason| DataError::Label { path: self.root.join(self.path(pair, "json")), reason };
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
        let path = self.image_path(self.pairs[index]);
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

/// The pair that a file in a folder belongs to, if it is called by a number.
fn pair(path: &Path, folder: u32) -> Option<Pair> {
    let stem = path.file_stem()?.to_str().filter(|stem| stem.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(Pair { folder, number: stem.parse().ok()?, n_digits: stem.len() as u8 })
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
