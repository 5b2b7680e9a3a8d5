//! Monotone changes of an image's tones, which move no shape and hence no label.

mod reference;

pub use self::reference::{ToneReference, Tones};

use crate::{Image, Pixels};

/// Levels of a histogram, as many as 8 bits have.
const LEVELS: usize = 256;
/// Luma below which a pixel's colour is too dark to be scaled.
const DARKEST: f32 = 1e-3;

/// A change of tones that depends on the image alone: brighter pixels stay at least as bright as darker ones.
///
/// An RGB image is changed by its luma (Rec. 601), and its colours keep their ratios, so that hues stay. What
/// was not measured (NaN, infinities) is not part of the histogram and stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Tone {
    /// Equalizes the histogram on 256 levels, as in MPIIGaze's normalized crops and in OpenCV's
    /// `equalizeHist`: the darkest level becomes black, the brightest white. An image of one level stays.
    Equalize,
    /// Gives the image the tones of the reference: each of 256 levels becomes the reference's value of equal
    /// rank, which is that of the middle of the level's pixels.
    Match(ToneReference),
}

impl Tone {
    /// Changes an image on the whole scale of its bit depth, which for floating point is 0 to 1
    /// ([`Image::in_range`] brings measurements there). The result has the same size, channels and depth. Values
    /// between two levels are interpolated; those beyond the scale keep their distance to it.
    #[must_use]
    pub fn apply(&self, image: &Image) -> Image {
        let spec = image.spec();
        let mut values = shares(image.pixels());
        let luma = luma(&values, spec.channels);
        let Some(curve) = self.curve(&luma) else { return image.clone() };
        for (pixel, luma) in luma.iter().enumerate().filter(|(_, luma)| luma.is_finite()) {
            let toned = curve.at(*luma);
            let ratio = toned / luma.max(DARKEST);
            // What a ratio cannot give to black is added as gray.
            let rest = toned - luma * ratio;
            for value in values.iter_mut().skip(pixel).step_by(spec.height * spec.width) {
                *value = if spec.channels == 1 { toned } else { (*value * ratio + rest).min(value.max(1.0)) };
            }
        }
        Image::new(spec.channels, spec.height, spec.width, stored(image.pixels(), &values))
    }

    /// The change of an image with these values; `None` if there is nothing to change.
    fn curve(&self, luma: &[f32]) -> Option<Curve> {
        let mut counts = [0_usize; LEVELS];
        for value in luma.iter().filter(|value| value.is_finite()) {
            counts[(value.clamp(0.0, 1.0) * (LEVELS - 1) as f32).round() as usize] += 1;
        }
        let n_pixels: usize = counts.iter().sum();
        let darkest = counts.iter().copied().find(|count| *count > 0)?;
        let mut below = 0;
        match self {
            Self::Equalize if darkest == n_pixels => None,
            Self::Equalize => Some(Curve(counts.map(|count| {
                below += count;
                below.saturating_sub(darkest) as f32 / (n_pixels - darkest) as f32
            }))),
            Self::Match(reference) => Some(Curve(counts.map(|count| {
                let middle = (below as f64 + count as f64 / 2.0) / n_pixels as f64;
                below += count;
                reference.at(middle)
            }))),
        }
    }
}

/// The new value of each level, ascending.
struct Curve([f32; LEVELS]);

impl Curve {
    fn at(&self, value: f32) -> f32 {
        let inside = value.clamp(0.0, 1.0);
        let place = inside * (LEVELS - 1) as f32;
        let low = (place as usize).min(LEVELS - 2);
        let share = place - low as f32;
        self.0[low] + share * (self.0[low + 1] - self.0[low]) + (value - inside)
    }
}

/// The values as shares of the whole scale; NaN for what was not measured.
fn shares(pixels: &Pixels) -> Vec<f32> {
    let scale = match pixels {
        Pixels::U8(_) => 255.0,
        Pixels::U16(_) => 65535.0,
        Pixels::F32(_) => 1.0,
    };
    pixels.iter().map(|value| if value.is_finite() { value / scale } else { f32::NAN }).collect()
}

/// The luma of each pixel, NaN unless all its channels were measured.
fn luma(values: &[f32], channels: usize) -> Vec<f32> {
    if channels == 1 {
        return values.to_vec();
    }
    let n_pixels = values.len() / channels;
    let [red, green, blue] = [0, 1, 2].map(|plane| &values[plane * n_pixels..(plane + 1) * n_pixels]);
    let colours = red.iter().zip(green).zip(blue);
    colours.map(|((red, green), blue)| 0.299 * red + 0.587 * green + 0.114 * blue).collect()
}

/// Stores shares as `before` was stored; what was not measured stays as it was.
fn stored(before: &Pixels, shares: &[f32]) -> Pixels {
    // `as` saturates.
    let whole = |scale: f32| shares.iter().map(move |share| (share * scale).round());
    match before {
        Pixels::U8(_) => Pixels::U8(whole(255.0).map(|value| value as u8).collect()),
        Pixels::U16(_) => Pixels::U16(whole(65535.0).map(|value| value as u16).collect()),
        Pixels::F32(before) => {
            let values = before.iter().zip(shares);
            Pixels::F32(values.map(|(was, is)| if is.is_nan() { *was } else { *is }).collect())
        }
    }
}
