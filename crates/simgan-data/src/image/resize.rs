use serde::{Deserialize, Serialize};

use super::{Image, Pixels, Size};

/// How an image is fitted to another size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Scales the image to cover the new size, then crops the excess equally on both sides: shapes are
    /// preserved.
    #[default]
    Cover,
    /// Scales width and height independently: nothing is cropped, but shapes change.
    Stretch,
}

impl Image {
    /// Resizes the image, rounding to its own bit depth.
    ///
    /// Each output pixel is a weighted mean of the input pixels beneath it. The weights form a triangle: two
    /// output pixels wide when shrinking, so that no detail is skipped or aliased, and two input pixels wide
    /// when enlarging, which is bilinear interpolation. Equals Pillow's `BILINEAR` up to rounding.
    ///
    /// In floating point, NaN and infinities count as "no measurement": they have no weight, and a pixel that
    /// got less than half of its weights becomes NaN.
    #[must_use]
    pub fn resized(&self, size: Size, fit: Fit) -> Self {
        let spec = self.spec();
        if spec.size() == size {
            return self.clone();
        }
        let window = Window::new(spec.size(), size, fit);
        let columns = taps(spec.width, size.width, window.left, window.width);
        let rows = taps(spec.height, size.height, window.top, window.height);
        let resampled = |planes: &[f32]| {
            let mut values = Vec::with_capacity(spec.channels * size.width * size.height);
            for plane in planes.chunks_exact(spec.width * spec.height) {
                resample(plane, spec.width, &columns, &rows, &mut values);
            }
            values
        };
        match self.pixels() {
            Pixels::F32(stored) => {
                let pixels = Pixels::F32(where_measured(stored, resampled));
                Self::new(spec.channels, size.height, size.width, pixels)
            }
            _ => {
                let spec = super::ImageSpec { height: size.height, width: size.width, ..spec };
                Self::from_unit(spec, &resampled(&self.to_unit()))
            }
        }
    }
}

/// Resamples values of which some were not measured: the weighted mean of those that were.
fn where_measured(stored: &[f32], resampled: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    if stored.iter().all(|value| value.is_finite()) {
        return resampled(stored);
    }
    let known: Vec<f32> = stored.iter().map(|value| f32::from(u8::from(value.is_finite()))).collect();
    let zeroed: Vec<f32> = stored.iter().map(|value| if value.is_finite() { *value } else { 0.0 }).collect();
    let mean = |(sum, weight): (f32, f32)| if weight < 0.5 { f32::NAN } else { sum / weight };
    resampled(&zeroed).into_iter().zip(resampled(&known)).map(mean).collect()
}

/// The part of an image that is scaled to the new size, in pixels from the top left corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    to: Size,
}

impl Window {
    pub(super) fn new(from: Size, to: Size, fit: Fit) -> Self {
        let (full_width, full_height) = (from.width as f64, from.height as f64);
        let (scale_x, scale_y) = (to.width as f64 / full_width, to.height as f64 / full_height);
        let (width, height) = match fit {
            Fit::Stretch => (full_width, full_height),
            Fit::Cover => {
                let scale = scale_x.max(scale_y);
                (to.width as f64 / scale, to.height as f64 / scale)
            }
        };
        Self { left: (full_width - width) / 2.0, top: (full_height - height) / 2.0, width, height, to }
    }

    /// A part at its original scale; it may extend beyond the image.
    pub(super) fn of_part(left: f64, top: f64, size: Size) -> Self {
        Self { left, top, width: size.width as f64, height: size.height as f64, to: size }
    }

    /// Width and height of the resized image.
    pub(super) fn size(&self) -> Size {
        self.to
    }

    /// Maps a point of the image to the resized one.
    pub(super) fn map(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [scale_x, scale_y] = self.scale();
        [((f64::from(x) - self.left) * scale_x) as f32, ((f64::from(y) - self.top) * scale_y) as f32]
    }

    /// Maps a point of the resized image back to the original.
    pub(super) fn unmap(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [scale_x, scale_y] = self.scale();
        [(f64::from(x) / scale_x + self.left) as f32, (f64::from(y) / scale_y + self.top) as f32]
    }

    fn scale(&self) -> [f64; 2] {
        [self.to.width as f64 / self.width, self.to.height as f64 / self.height]
    }
}

/// The weights of one output value: they apply to the inputs from index `start` on and sum to 1.
struct Taps {
    start: usize,
    weights: Vec<f32>,
}

/// Computes the taps of `n_out` outputs over the part `[from, from + length]` of `n_in` inputs.
fn taps(n_in: usize, n_out: usize, from: f64, length: f64) -> Vec<Taps> {
    let scale = length / n_out as f64;
    // Half the triangle's width, in input pixels.
    let support = scale.max(1.0);
    (0..n_out)
        .map(|out| {
            let center = from + (out as f64 + 0.5) * scale;
            // The bounds are rounded as in Pillow.
            let start = ((center - support + 0.5).max(0.0) as usize).min(n_in - 1);
            let end = ((center + support + 0.5) as usize).clamp(start + 1, n_in);
            let triangle = |i: usize| (1.0 - ((i as f64 + 0.5 - center) / support).abs()).max(0.0);
            let weights: Vec<f64> = (start..end).map(triangle).collect();
            let sum: f64 = weights.iter().sum();
            Taps { start, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
        })
        .collect()
}

/// Resamples one plane along rows, then along columns, and appends it to `values`.
fn resample(plane: &[f32], width: usize, columns: &[Taps], rows: &[Taps], values: &mut Vec<f32>) {
    // With a crop, only the rows that some output needs are resampled.
    let first_row = rows.first().map_or(0, |row| row.start);
    let last_row = rows.last().map_or(0, |row| row.start + row.weights.len());
    let narrow: Vec<f32> = plane
        .chunks_exact(width)
        .take(last_row)
        .skip(first_row)
        .flat_map(|line| columns.iter().map(|column| weighted(&line[column.start..], &column.weights)))
        .collect();
    let n_columns = columns.len();
    for row in rows {
        let mut line = vec![0.0; n_columns];
        for (i, weight) in row.weights.iter().enumerate() {
            let input = &narrow[(row.start - first_row + i) * n_columns..][..n_columns];
            line.iter_mut().zip(input).for_each(|(sum, value)| *sum += weight * value);
        }
        values.extend_from_slice(&line);
    }
}

fn weighted(values: &[f32], weights: &[f32]) -> f32 {
    values.iter().zip(weights).map(|(value, weight)| value * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ramp(width: usize, height: usize) -> Image {
        let values = (0..width * height).map(|i| (i * 31 % 251) as u8).collect();
        Image::new(1, height, width, Pixels::U8(values))
    }

    #[test]
    fn cover_cuts_equally_and_keeps_shapes() {
        // 4×2 to 1×1 shows only the middle 2×2.
        let image = Image::new(1, 2, 4, Pixels::U8(vec![255, 10, 20, 255, 255, 30, 40, 255]));
        let window = Window::new(image.spec().size(), Size { width: 1, height: 1 }, Fit::Cover);
        assert_eq!(window.map([1.0, 0.0]), [0.0, 0.0]);
        assert_eq!(window.map([3.0, 2.0]), [1.0, 1.0]);
        let stretch = Window::new(image.spec().size(), Size { width: 8, height: 2 }, Fit::Stretch);
        assert_eq!(stretch.map([1.0, 2.0]), [2.0, 2.0]);
    }

    #[test]
    fn both_fits_agree_when_the_shape_is_kept() {
        let image = ramp(12, 8);
        let size = Size { width: 6, height: 4 };
        assert_eq!(image.resized(size, Fit::Cover), image.resized(size, Fit::Stretch));
    }

    #[test]
    fn what_was_not_measured_has_no_weight() {
        let nothing = f32::NAN;
        let stored = vec![1500.0, 1500.0, nothing, 1700.0, 1500.0, nothing, nothing, nothing];
        let image = Image::new(1, 2, 4, Pixels::F32(stored));
        let half = image.resized(Size { width: 2, height: 1 }, Fit::Stretch);
        let Pixels::F32(values) = half.pixels() else { unreachable!() };
        assert!((values[0] - 1500.0).abs() < 0.001, "only what was measured counts: {values:?}");
        assert!(values[1].is_nan(), "less than half of the weights: {values:?}");
        let flat = Image::new(1, 1, 3, Pixels::F32(vec![0.1; 3]));
        let enlarged = flat.resized(Size { width: 7, height: 2 }, Fit::Stretch);
        let Pixels::F32(values) = enlarged.pixels() else { unreachable!() };
        assert!(values.iter().all(|value| (value - 0.1).abs() < 1e-6));
    }

    proptest! {
        #[test]
        fn a_flat_image_stays_flat(
            value: u8, from in (1usize..40, 1usize..40), to in (1usize..40, 1usize..40), cover: bool,
        ) {
            let image = Image::new(1, from.1, from.0, Pixels::U8(vec![value; from.0 * from.1]));
            let size = Size { width: to.0, height: to.1 };
            let resized = image.resized(size, if cover { Fit::Cover } else { Fit::Stretch });
            prop_assert_eq!(resized.pixels(), &Pixels::U8(vec![value; to.0 * to.1]));
        }

        #[test]
        fn channels_and_mirror_commute_with_resizing(width in 1usize..30, height in 1usize..30) {
            let size = Size { width: 7, height: 5 };
            let image = ramp(width, height);
            let mirror = |image: &Image| image.oriented(crate::Orientation::MIRRORED);
            let mirrored = mirror(&mirror(&image).resized(size, Fit::Cover));
            let resized = image.resized(size, Fit::Cover);
            let (a, b) = (mirrored.to_unit(), resized.to_unit());
            // A value halfway between two stored ones may round either way.
            prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1.5 / 127.5));
            prop_assert_eq!(image.to_channels(3).resized(size, Fit::Cover), resized.to_channels(3));
        }
    }
}
