use serde::{Deserialize, Serialize};

use crate::image::CropWindow;
use crate::{Annotations, AnnotationsExt, Size, names};

/// How a render is cropped. Users of UnityEyes crop in different ways; these are the published ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// `Fixed` if the first eye is narrower than a third of its render, as in UnityEyes' own renders, else
    /// `None`.
    #[default]
    Auto,
    /// The whole render.
    None,
    /// 140×84 pixels around the mean of the lid margin in a 640×480 render, scaled in proportion for others,
    /// as in carpedm20's simulated-unsupervised-tensorflow.
    Fixed,
    /// 1.5 times as wide as the distance from the caruncle to the outer corner and 3/5 as high, like
    /// MPIIGaze's images, around the middle of the lid margin, as in swook's GazeML.
    EyeWidth,
}

/// Number of points in UnityEyes' lid margin; the outer corner is the middle one.
const N_LID_MARGIN: usize = 16;
impl Crop {
    /// Resolves [`Crop::Auto`] for renders like this one; `None` if the lid margin is incomplete.
    pub(super) fn detected(image: Size, annotations: &Annotations) -> Option<Self> {
        let margin = annotations.lid_margin().filter(|margin| margin.len() == N_LID_MARGIN)?;
        let width = (margin[N_LID_MARGIN / 2][0] - margin[0][0]).abs();
        Some(if 3.0 * width < image.width as f32 { Self::Fixed } else { Self::None })
    }

    /// Returns the window to crop; `None` for the whole image.
    pub(super) fn window(self, image: Size, annotations: &Annotations) -> Result<Option<CropWindow>, String> {
        let points = |name| annotations.points(name).unwrap_or_default();
        let (margin, caruncle) = (points(names::LID_MARGIN), points(names::CARUNCLE));
        if !matches!(self, Self::None | Self::Auto) && margin.len() != N_LID_MARGIN {
            let n = margin.len();
            return Err(format!(
                "\"interior_margin_2d\" has {n} points instead of {N_LID_MARGIN}, to crop around"
            ));
        }
        if self == Self::EyeWidth && caruncle.is_empty() {
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
            // In f32, exact for sizes of images: a record's numbers may overflow a `usize`.
            (length > 0 && start >= 0.0 && start + length as f32 <= limit as f32).then_some(start as usize)
        };
        let left = inside(center[0], size.width, image.width);
        let top = inside(center[1], size.height, image.height);
        match (left, top) {
            (Some(left), Some(top)) => Ok(Some(CropWindow { left, top, size })),
            _ => Err(format!("the eye's surroundings, {size}, do not lie within the image of {image}")),
        }
    }
}
