//! What a sample of a source's images is like, without reading all of it.

use rayon::prelude::*;

use crate::{BitDepth, ImageSpec, Source, ValueRange, Want};

/// The values of one image, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Extremes {
    /// The sample's name.
    pub name: String,
    /// The smallest and the largest finite value other than zero, `min` = `max` if there is one; `None` if
    /// there is none.
    pub others: Option<ValueRange>,
    /// Whether a value is zero.
    pub has_zero: bool,
    /// Number of values.
    pub n_values: u64,
    /// Number of values that are NaN or infinite.
    pub n_not_finite: u64,
    /// Number of values that are zero.
    pub n_zero: u64,
}

/// An image whose values span less than this fraction of the range is almost flat.
const FLAT: f32 = 0.05;

impl Extremes {
    /// Finds the extremes of an image's values.
    pub fn of(name: &str, values: impl Iterator<Item = f32>) -> Self {
        let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
        let (mut n_values, mut n_not_finite, mut n_zero) = (0, 0, 0);
        for value in values {
            n_values += 1;
            match value {
                0.0 => n_zero += 1,
                value if !value.is_finite() => n_not_finite += 1,
                value => (min, max) = (min.min(value), max.max(value)),
            }
        }
        let others = (min <= max).then_some(ValueRange { min, max });
        Self { name: name.to_owned(), others, has_zero: n_zero > 0, n_values, n_not_finite, n_zero }
    }

    /// Reads up to `limit` images, evenly spread, on all threads. Unreadable ones are left out.
    #[must_use]
    pub fn of_source(source: &dyn Source, limit: usize) -> Vec<Self> {
        let spread = |index: usize| {
            let sample = source.sample(index, Want::Image).ok()?;
            Some(Self::of(&sample.name, sample.image.pixels().iter()))
        };
        evenly(source.len(), limit).into_par_iter().filter_map(spread).collect()
    }

    /// Whether the measured values span less than 5 % of `range`.
    #[must_use]
    pub fn is_flat(&self, range: ValueRange) -> bool {
        let zero = self.has_zero && range.is_measured(0.0);
        let [low, high] = self.others.map_or([0.0; 2], |others| [others.min, others.max]);
        let [low, high] = if zero { [low.min(0.0), high.max(0.0)] } else { [low, high] };
        let clamped = |value: f32| value.clamp(range.min, range.max);
        clamped(high) - clamped(low) < FLAT * range.width()
    }
}

/// Returns the specs of up to `limit` images, evenly spread, with their indices. Reads headers alone where
/// the source can; unreadable images are left out.
#[must_use]
pub fn probe_evenly(source: &dyn Source, limit: usize) -> Vec<(usize, ImageSpec)> {
    let probe = |index: usize| source.probe(index).ok().map(|spec| (index, spec));
    evenly(source.len(), limit).into_par_iter().filter_map(probe).collect()
}

/// Returns at most `most` of `len` indices, evenly spread.
#[must_use]
pub fn evenly(len: usize, most: usize) -> Vec<usize> {
    let count = len.min(most);
    // In 128 bits, since the product can overflow a `usize`.
    (0..count).map(|idx| (idx as u128 * len as u128 / count as u128) as usize).collect()
}

/// The range of images of one depth that are to be judged by themselves.
pub(crate) fn own_range(extremes: &[Extremes], depth: BitDepth) -> ValueRange {
    ValueRange::measured(extremes, depth).unwrap_or(ValueRange::full(depth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_choices_reach_over_everything() {
        assert_eq!(evenly(3, 10), [0, 1, 2]);
        assert_eq!(evenly(10, 4), [0, 2, 5, 7]);
        assert!(evenly(10, 0).is_empty());
    }

    #[test]
    fn flat_images_are_told_from_others() {
        let range = ValueRange { min: 1000.0, max: 2000.0 };
        let is_flat = |values: &[f32]| Extremes::of("", values.iter().copied()).is_flat(range);
        assert!(is_flat(&[1500.0, 1549.0, 0.0, f32::NAN]) && !is_flat(&[1500.0, 1551.0]));
        assert!(is_flat(&[]) && is_flat(&[3000.0, 9000.0]), "clamped to one value");
        let byte = ValueRange::full(BitDepth::Eight);
        assert!(!Extremes::of("", [0.0, 13.0].into_iter()).is_flat(byte));
        assert!(Extremes::of("", [0.0, 12.0].into_iter()).is_flat(byte));
    }
}
