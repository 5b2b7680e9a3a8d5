use rayon::prelude::*;

use super::{luma, shares};
use crate::{DataError, Image, Source, Want, evenly};

/// Percentiles from 0 to 100.
const COUNT: usize = 101;

/// The tones that images of a domain have: the percentiles of their luma, each the mean over the images.
///
/// The mean of percentiles (the barycentre of the images' histograms in Wasserstein-2 distance) is the
/// histogram of a typical image. A histogram of all pixels together would also hold the differences of
/// exposure between images, and so be wider than that of any of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ToneReference(Vec<f32>);

impl ToneReference {
    /// Takes percentiles 0 to 100 in [−1, 1]; `None` unless these are 101 numbers in ascending order.
    #[must_use]
    pub fn from_percentiles(percentiles: Vec<f32>) -> Option<Self> {
        let is_valid = percentiles.len() == COUNT
            && percentiles.is_sorted()
            && percentiles.iter().all(|value| (-1.0..=1.0).contains(value));
        is_valid.then_some(Self(percentiles))
    }

    /// Measures the typical tones of a source, as [`Tones::of_source`] does those of its images.
    ///
    /// # Errors
    /// No image is left.
    pub fn of_source(source: &dyn Source, most: usize) -> Result<Self, DataError> {
        Tones::of_source(source, most).map(|tones| tones.typical())
    }

    /// The percentiles, in [−1, 1].
    #[must_use]
    pub fn percentiles(&self) -> &[f32] {
        &self.0
    }

    /// The value of a rank in [0, 1] as a share of the scale, interpolated between percentiles.
    pub(super) fn at(&self, rank: f64) -> f32 {
        let place = rank * (COUNT - 1) as f64;
        let low = (place as usize).min(COUNT - 2);
        let share = (place - low as f64) as f32;
        (self.0[low] + share * (self.0[low + 1] - self.0[low]) + 1.0) / 2.0
    }
}

/// The tones of each of some images: the percentiles of its luma, as shares of the scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Tones(Vec<Vec<f64>>);

impl Tones {
    /// Measures at most `most` images, evenly spread over the source; labels are not read. Images that cannot be
    /// read or have no measured value are left out.
    ///
    /// # Errors
    /// No image is left.
    pub fn of_source(source: &dyn Source, most: usize) -> Result<Self, DataError> {
        let chosen = evenly(source.len(), most);
        let read =
            |index: &usize| source.sample(*index, Want::Image).map(|sample| percentiles(&sample.image));
        let found: Vec<Result<Option<Vec<f64>>, DataError>> = chosen.par_iter().map(read).collect();
        let (mut tones, mut failed) = (Vec::new(), None);
        for result in found {
            match result {
                Ok(measured) => tones.extend(measured),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if tones.is_empty() {
            return Err(failed.unwrap_or_else(|| {
                let what = format!("none of {} images has a measured value", chosen.len());
                DataError::Empty { what }
            }));
        }
        Ok(Self(tones))
    }

    /// The tones of a typical image.
    #[must_use]
    pub fn typical(&self) -> ToneReference {
        let mut sums = [0.0; COUNT];
        for percentiles in &self.0 {
            sums.iter_mut().zip(percentiles).for_each(|(sum, value)| *sum += value);
        }
        let n_images = self.0.len() as f64;
        ToneReference(sums.map(|sum| (2.0 * sum / n_images - 1.0) as f32).to_vec())
    }

    /// Computes how far the images' tones are from others: the mean difference of the percentiles, as a share of the
    /// scale (the Wasserstein-1 distance of the histograms), and its mean over the images.
    #[must_use]
    pub fn distance(&self, reference: &ToneReference) -> f64 {
        let of = |percentiles: &Vec<f64>| {
            let differences = percentiles.iter().zip(&reference.0);
            let differences =
                differences.map(|(of_image, other)| (of_image - f64::from(other + 1.0) / 2.0).abs());
            differences.sum::<f64>() / COUNT as f64
        };
        self.0.iter().map(of).sum::<f64>() / self.0.len() as f64
    }
}

/// The percentiles of an image's luma as shares of the scale; `None` if nothing was measured.
fn percentiles(image: &Image) -> Option<Vec<f64>> {
    let luma = luma(&shares(image.pixels()), image.spec().channels);
    let mut values: Vec<f32> =
        luma.into_iter().filter(|value| value.is_finite()).map(|value| value.clamp(0.0, 1.0)).collect();
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = |percentile: usize| {
        let place = percentile as f64 / (COUNT - 1) as f64 * last as f64;
        let low = (place as usize).min(last);
        let [below, above] = [low, (low + 1).min(last)].map(|idx| f64::from(values[idx]));
        below + (place - low as f64) * (above - below)
    };
    Some((0..COUNT).map(at).collect())
}
