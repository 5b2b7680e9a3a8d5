use std::collections::BTreeMap;

use serde::Serialize;

use crate::{AnnotationsExt, Source, Want};

/// A summary of a source for people to read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// Number of images in the source.
    pub n_images: usize,
    /// Number of images sampled for the values below, evenly spread over the source.
    pub n_read: usize,
    /// The error of each sampled image that could not be read; each names its file.
    pub errors: Vec<String>,
    /// Number of sampled images of each kind, such as `55x35 gray 8 bit`.
    pub kinds: BTreeMap<String, usize>,
    /// Pixel values in [−1, 1].
    pub pixels: Option<Range>,
    /// Gaze pitch of the labelled images in radians, positive up.
    pub pitch: Option<Range>,
    /// Gaze yaw of the labelled images in radians, positive to the image's left.
    pub yaw: Option<Range>,
    /// Number of images with at least one set of points.
    pub n_landmarks: usize,
}

/// Summary statistics of a set of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Range {
    /// Number of values.
    pub count: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The population standard deviation.
    pub std: f64,
}

impl Statistics {
    /// Reads up to `limit` images of a source, at least one, evenly spread and one at a time.
    #[must_use]
    pub fn of(source: &dyn Source, limit: usize) -> Self {
        let n_images = source.len();
        let n_read = n_images.min(limit.max(1));
        let mut tally = Tally::default();
        for i in 0..n_read {
            // In 128 bits, since the product can overflow a `usize`.
            let index = (i as u128 * n_images as u128 / n_read as u128) as usize;
            tally.add(source, index);
        }
        Self {
            n_images,
            n_read,
            errors: tally.errors,
            kinds: tally.kinds,
            pixels: tally.pixels.range(),
            pitch: tally.pitch.range(),
            yaw: tally.yaw.range(),
            n_landmarks: tally.n_landmarks,
        }
    }
}

#[derive(Default)]
struct Tally {
    errors: Vec<String>,
    kinds: BTreeMap<String, usize>,
    pixels: Spread,
    pitch: Spread,
    yaw: Spread,
    n_landmarks: usize,
}

impl Tally {
    fn add(&mut self, source: &dyn Source, index: usize) {
        let sample = match source.sample(index, Want::Labels) {
            Ok(sample) => sample,
            Err(error) => return self.errors.push(error.to_string()),
        };
        let spec = sample.image.spec();
        let color = if spec.channels == 1 { "gray" } else { "RGB" };
        *self.kinds.entry(format!("{} {color} {}", spec.size(), spec.depth)).or_default() += 1;
        sample.image.to_unit().into_iter().for_each(|value| self.pixels.add(f64::from(value)));
        if let Some(gaze) = sample.annotations.gaze() {
            self.pitch.add(f64::from(gaze.pitch()));
            self.yaw.add(f64::from(gaze.yaw()));
        }
        self.n_landmarks += usize::from(sample.annotations.values().any(|known| known.as_points().is_some()));
    }
}

/// Running mean and squared deviation by Welford's method, which stays accurate when the mean is large.
struct Spread {
    count: u64,
    min: f64,
    max: f64,
    mean: f64,
    deviation: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, deviation: 0.0 }
    }
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.deviation += off * (value - self.mean);
    }

    fn range(&self) -> Option<Range> {
        let Self { count, min, max, mean, deviation } = *self;
        (count > 0).then(|| Range { count, min, max, mean, std: (deviation / count as f64).sqrt() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Annotations, Direction, Image, MemorySource, Pixels, Sample, names};

    fn sample(values: [u8; 2], gaze: Option<Direction>) -> Sample {
        let image = Image::new(1, 1, 2, Pixels::U8(values.to_vec()));
        let annotations: Annotations =
            gaze.into_iter().map(|gaze| (names::GAZE.into(), gaze.into())).collect();
        Sample { annotations, ..Sample::new("", image) }
    }

    #[test]
    fn values_and_labels_are_summed_up() {
        let gaze = Direction::from_pitch_yaw(0.25, -0.5);
        let samples = vec![sample([0, 255], Some(gaze)), sample([255, 255], None)];
        let statistics = Statistics::of(&MemorySource::new(samples).unwrap(), 100);
        assert_eq!((statistics.n_images, statistics.n_read), (2, 2));
        assert_eq!(statistics.kinds, BTreeMap::from([("2x1 gray 8 bit".to_owned(), 2)]));
        let pixels = statistics.pixels.unwrap();
        assert_eq!((pixels.count, pixels.min, pixels.max, pixels.mean), (4, -1.0, 1.0, 0.5));
        assert!((pixels.std - 0.75f64.sqrt()).abs() < 1e-12);
        let (pitch, yaw) = (statistics.pitch.unwrap(), statistics.yaw.unwrap());
        assert!((pitch.mean - 0.25).abs() < 1e-6 && (yaw.mean + 0.5).abs() < 1e-6);
        assert_eq!(pitch.count, 1);
    }

    #[test]
    fn a_limit_spreads_over_the_source() {
        let samples = (0..10).map(|i| sample([i * 20, i * 20], None)).collect();
        let statistics = Statistics::of(&MemorySource::new(samples).unwrap(), 2);
        let pixels = statistics.pixels.unwrap();
        let last = f64::from(100f32 / 127.5 - 1.0);
        assert_eq!((statistics.n_read, pixels.min, pixels.max), (2, -1.0, last));
    }
}
