//! The NYU hand pose data set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::mat::{self, Data, Limits};
use crate::source::first_readable;
use crate::unityeyes::partner;
use crate::{
    BitDepth, DataError, Image, ImageFile, ImageSpec, Layout, Listing, Match, Pixels, Role, Sample, Size,
    Source, SourceRequest, Transform, Want, names,
};

/// The layout of a folder of NYU's hands, recognised by its file of joints.
pub(crate) struct NyuLayout;

impl Layout for NyuLayout {
    fn name(&self) -> &'static str {
        "nyu"
    }

    fn help(&self) -> String {
        "a folder of NYU's hands (with joint_data.mat)".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        if NyuHands::is_at(at.path()) { Match::Specific } else { Match::No }
    }

    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let options = NyuOptions { role: request.role, ..NyuOptions::default() };
        Ok(Arc::new(NyuHands::open(at.path(), options)?))
    }
}

/// NYU's hands (Tompson et al., ToG 2014), prepared as in the paper (§3.2): depth images of one camera.
///
/// It reads the folder `train` or `test` of the published archive: `depth_K_NNNNNNN.png`,
/// `synthdepth_K_NNNNNNN.png` and `joint_data.mat`, where K is the camera. A pixel's depth in millimetres is
/// 256 × green + blue.
///
/// Real images are masked by the silhouette of the synthetic image of the same frame, and both are cropped to
/// the smallest square around it. The paper sets the background to 0 and the hand to its depth minus 2000,
/// taking 2000 mm as the depth of the background. Here these values, −2000 to 0, span the whole 16-bit range,
/// so that the background is 1 on the scale of [−1, 1].
///
/// A sample has the name of the frame's file. Its points `joints` are the positions in the crop of the 14 joints
/// that Tompson et al. evaluate, if the file has NYU's 36, otherwise of all; its record holds all, with their depths.
pub struct NyuHands {
    root: PathBuf,
    options: NyuOptions,
    /// Frame numbers, from 1.
    frames: Vec<u32>,
    /// u, v and depth of every joint, frame by frame, for all frames in `joint_data.mat`.
    joints: Vec<[f32; 3]>,
    n_joints: usize,
    spec: ImageSpec,
}

/// Which images a [`NyuHands`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NyuOptions {
    /// Real: the depths that the camera measured. Synthetic: those rendered from the hand model fitted to the
    /// frame.
    pub role: Role,
    /// The camera: 1 (frontal), 2 or 3.
    pub camera: u8,
}

impl Default for NyuOptions {
    /// The frontal camera's synthetic images.
    fn default() -> Self {
        Self { role: Role::Synthetic, camera: 1 }
    }
}

/// Depth of the background in millimetres (§3.2).
const BACKGROUND: u16 = 2000;
/// Number of cameras in the file of joints.
const N_CAMERAS: usize = 3;
/// Number of joints in the published files.
const N_JOINTS: usize = 36;
/// Those that Tompson et al. evaluate: two of each finger from the little one on, three of the thumb, the wrist and
/// the palm.
const EVALUATED: [usize; 14] = [0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32];
const JOINT_FILE: &str = "joint_data.mat";

impl NyuHands {
    /// Whether a folder holds NYU's frames, that is, a file of joints.
    #[must_use]
    pub(crate) fn is_at(path: &Path) -> bool {
        path.join(JOINT_FILE).is_file()
    }

    /// Lists the camera's frames in a folder and reads its joints.
    ///
    /// # Errors
    /// There are no frames of this camera; the file of joints is damaged or has an unexpected content; none
    /// of the first thousand frames can be read.
    pub fn open(path: &Path, options: NyuOptions) -> Result<Self, DataError> {
        let frames = frames(path, options.camera)?;
        if frames.is_empty() {
            let reason = format!("no NYU hands: it has no synthdepth_{}_NNNNNNN.png", options.camera);
            return Err(DataError::Dataset { path: path.to_owned(), reason });
        }
        let file = path.join(JOINT_FILE);
        let failed = |reason| DataError::Dataset { path: file.clone(), reason };
        let (joints, n_joints) = joints(&file, options.camera).map_err(failed)?;
        // A placeholder until a frame is read: `sample` does not use it.
        let spec = ImageSpec { channels: 1, height: 1, width: 1, depth: BitDepth::Sixteen };
        let mut source = Self { root: path.to_owned(), options, frames, joints, n_joints, spec };
        source.spec =
            first_readable(source.len(), |index| Ok(source.sample(index, Want::Image)?.image.spec()))?;
        Ok(source)
    }

    fn file_name(&self, index: usize, kind: &str) -> String {
        format!("{kind}_{}_{:07}.png", self.options.camera, self.frames[index])
    }

    /// Reads an image of depths in millimetres, row by row.
    fn depths(&self, name: &str) -> Result<(Size, Vec<u16>), DataError> {
        let path = self.root.join(name);
        let image = ImageFile::open(&path)?.into_image();
        let (spec, n) = (image.spec(), image.spec().width * image.spec().height);
        match image.pixels() {
            Pixels::U8(rgb) if spec.channels == 3 => {
                // Planes are R, G, B: the high byte is green, the low byte blue.
                let depth = |i: usize| u16::from_be_bytes([rgb[n + i], rgb[2 * n + i]]);
                Ok((spec.size(), (0..n).map(depth).collect()))
            }
            _ => {
                let reason = "no depth image: it is not 8 bit RGB".to_owned();
                Err(DataError::Damaged { path, reason })
            }
        }
    }

    /// Adds a frame's joints, in coordinates of the crop, and their depths; nothing if the file of joints has
    /// no such frame.
    fn label(&self, index: usize, mut sample: Sample, transform: &Transform) -> Sample {
        let start = (self.frames[index] as usize - 1) * self.n_joints;
        let joints = self.joints.get(start..start + self.n_joints).unwrap_or_default();
        if joints.is_empty() {
            return sample;
        }
        let points: Vec<_> = joints.iter().map(|[u, v, _]| transform.point([*u, *v])).collect();
        let depths: Vec<f32> = joints.iter().map(|joint| joint[2]).collect();
        sample.record = Some(json!({
            "frame": self.frames[index],
            "camera": self.options.camera,
            "joints_px": points,
            "joint_depth_mm": depths,
        }));
        let evaluated = match self.n_joints {
            N_JOINTS => EVALUATED.iter().map(|joint| points[*joint]).collect(),
            _ => points,
        };
        sample.annotations.insert(names::JOINTS.into(), evaluated.into());
        sample
    }
}

impl Source for NyuHands {
    fn len(&self) -> usize {
        self.frames.len()
    }

    /// The first readable frame's spec. Hands differ in size: convert them with [`Fitted`](crate::Fitted).
    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let synthetic_name = self.file_name(index, "synthdepth");
        let (size, synthetic) = self.depths(&synthetic_name)?;
        let is_hand: Vec<bool> = synthetic.iter().map(|depth| (1..BACKGROUND).contains(depth)).collect();
        let name = self.name(index)?;
        let failed = |name: &str, reason: &str| DataError::Damaged {
            path: self.root.join(name),
            reason: reason.to_owned(),
        };
        let square = square(&is_hand, size).ok_or_else(|| failed(&synthetic_name, "it shows no hand"))?;
        let depths = match self.options.role {
            Role::Synthetic => synthetic,
            Role::Real => {
                match self.depths(&name).map_err(|error| partner(error, Path::new(&synthetic_name)))? {
                    (real, depths) if real == size => depths,
                    _ => return Err(failed(&name, "it has another size than the synthetic image")),
                }
            }
        };
        let pixels = cut(&depths, &is_hand, size, square);
        let image = Image::new(1, square.side, square.side, Pixels::U16(pixels));
        let sample = Sample::new(name, image);
        Ok(match want {
            Want::Image => sample,
            Want::Labels => self.label(index, sample, &square.transform(size)),
        })
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        Ok(self.file_name(
            index,
            match self.options.role {
                Role::Synthetic => "synthdepth",
                Role::Real => "depth",
            },
        ))
    }
}

/// A square that may extend beyond the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Square {
    left: isize,
    top: isize,
    side: usize,
}

impl Square {
    fn transform(self, from: Size) -> Transform {
        let size = Size { width: self.side, height: self.side };
        Transform::part(from, self.left as f64, self.top as f64, size)
    }
}

/// Returns the smallest square around the hand, with the hand centred; `None` if there is no hand.
fn square(is_hand: &[bool], size: Size) -> Option<Square> {
    let is_in_column = |x: &usize| is_hand.iter().skip(*x).step_by(size.width).any(|hand| *hand);
    let is_in_row = |y: &usize| is_hand[y * size.width..][..size.width].contains(&true);
    let (left, right) = ((0..size.width).find(is_in_column)?, (0..size.width).rfind(is_in_column)?);
    let (top, bottom) = ((0..size.height).find(is_in_row)?, (0..size.height).rfind(is_in_row)?);
    let (width, height) = (right - left + 1, bottom - top + 1);
    let side = width.max(height);
    let start = |from: usize, length: usize| from as isize - ((side - length) / 2) as isize;
    Some(Square { left: start(left, width), top: start(top, height), side })
}

/// Crops the hand's depths to a square and scales them to the 16-bit range; every other pixel becomes
/// background.
fn cut(depths: &[u16], is_hand: &[bool], size: Size, square: Square) -> Vec<u16> {
    let place = |x: isize, y: isize| {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < size.width && y < size.height).then_some(y * size.width + x)
    };
    let side = square.side as isize;
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (square.left + x, square.top + y)));
    let value = |(x, y)| {
        let depth = place(x, y).filter(|i| is_hand[*i]).map(|i| depths[i]).filter(|depth| *depth > 0);
        let depth = u32::from(depth.unwrap_or(BACKGROUND).min(BACKGROUND));
        ((depth * 65535 + u32::from(BACKGROUND) / 2) / u32::from(BACKGROUND)) as u16
    };
    places.map(value).collect()
}

/// Lists the frame numbers of a camera, sorted.
fn frames(path: &Path, camera: u8) -> Result<Vec<u32>, DataError> {
    let io = |error| DataError::io(path, error);
    let prefix = format!("synthdepth_{camera}_");
    let mut frames = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(".png"));
        let number = number.filter(|number| number.len() == 7).and_then(|number| number.parse().ok());
        frames.extend(number.filter(|number: &u32| *number > 0));
    }
    frames.sort_unstable();
    Ok(frames)
}

/// Reads u, v and depth of the joints of all frames of a camera, and the number of joints per frame, from
/// `joint_uvd`, an array of cameras × frames × joints × 3.
fn joints(path: &Path, camera: u8) -> Result<(Vec<[f32; 3]>, usize), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let variables = mat::read(&bytes, &Limits::default()).map_err(|error| error.to_string())?;
    let array =
        variables.iter().find(|variable| variable.name == "joint_uvd").map(|variable| &variable.array);
    let array = array.ok_or("it has no variable \"joint_uvd\"")?;
    let (&[N_CAMERAS, n_frames, n_joints, 3], Data::Real(numbers)) = (&array.dims[..], &array.data) else {
        return Err(format!(
            "\"joint_uvd\" is {:?} instead of 3 cameras, frames, joints, 3 numbers",
            array.dims
        ));
    };
    let camera = usize::from(camera.clamp(1, 3)) - 1;
    let numbers = numbers.to_f64();
    // MATLAB arrays are column-major: the first index runs fastest.
    let at =
        |frame, joint, k| numbers[camera + N_CAMERAS * (frame + n_frames * (joint + n_joints * k))] as f32;
    let places = (0..n_frames).flat_map(|frame| (0..n_joints).map(move |joint| (frame, joint)));
    Ok((places.map(|(frame, joint)| [0, 1, 2].map(|k| at(frame, joint, k))).collect(), n_joints))
}
