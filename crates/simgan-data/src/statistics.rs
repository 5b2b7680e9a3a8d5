use std::collections::BTreeMap;

use serde::Serialize;

use crate::survey::own_range;
use crate::{AnnotationsExt, BitDepth, Extremes, Source, Want, evenly};

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
    /// Pixel values in [−1, 1], on the whole scale of the bit depth.
    pub pixels: Option<Range>,
    /// Values as stored, of images with 16 bits or floating point: NaN, infinities and isolated zeros
    /// ([`ValueRange::measured`](crate::ValueRange::measured)) are not among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Range>,
    /// Fraction of the values in those images that are no measurement.
    #[serde(skip_serializing_if = "is_zero")]
    pub unmeasured: f64,
    /// Names of the sampled images whose values span less than 5 % of the range that all of them span.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flat: Vec<String>,
    /// Gaze pitch of the labelled images in radians, positive up.
    pub pitch: Option<Range>,
    /// Gaze yaw of the labelled images in radians, positive to the image's left.
    pub yaw: Option<Range>,
    /// Number of images with at least one set of points.
    pub n_landmarks: usize,
    /// The annotations by name, each with its kind and the number of sampled images that have it, such as
    /// `points` and 10.
    pub annotations: BTreeMap<String, (&'static str, usize)>,
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
        let chosen = evenly(source.len(), limit.max(1));
        let mut tally = Tally::default();
        chosen.iter().for_each(|index| tally.add(source, *index));
        let (values, unmeasured) = tally.stored();
        Self {
            n_images: source.len(),
            n_read: chosen.len() - tally.errors.len(),
            values,
            unmeasured,
            flat: tally.flat(),
            errors: tally.errors,
            kinds: tally.kinds,
            pixels: tally.pixels.range(),
            pitch: tally.pitch.range(),
            yaw: tally.yaw.range(),
            n_landmarks: tally.n_landmarks,
            annotations: tally.annotations,
        }
    }
}

fn is_zero(fraction: &f64) -> bool {
    *fraction == 0.0
}

#[derive(Default)]
struct Tally {
    /// The extremes of each image, and its depth.
    extremes: Vec<(BitDepth, Extremes)>,
    /// Stored values other than zero of images with 16 bits or floating point.
    stored: Values,
    errors: Vec<String>,
    kinds: BTreeMap<String, usize>,
    pixels: Values,
    pitch: Values,
    yaw: Values,
    n_landmarks: usize,
    annotations: BTreeMap<String, (&'static str, usize)>,
}

impl Tally {
    fn add(&mut self, source: &dyn Source, index: usize) {
        let sample = match source.sample(index, Want::Labels) {
            Ok(sample) => sample,
            Err(error) => return self.errors.push(error.to_string()),
        };
        let spec = sample.image.spec();
        *self.kinds.entry(format!("{} {} {}", spec.size(), spec.color(), spec.depth)).or_default() += 1;
        let values = || sample.image.pixels().iter();
        self.extremes.push((spec.depth, Extremes::of(&sample.name, values())));
        if spec.depth != BitDepth::Eight {
            values()
                .filter(|value| value.is_finite() && *value != 0.0)
                .for_each(|v| self.stored.add(v.into()));
        }
        sample.image.to_unit().into_iter().for_each(|value| self.pixels.add(f64::from(value)));
        if let Some(gaze) = sample.annotations.gaze() {
            self.pitch.add(f64::from(gaze.pitch()));
            self.yaw.add(f64::from(gaze.yaw()));
        }
        for (name, annotation) in &sample.annotations {
            self.annotations.entry(name.to_string()).or_insert((annotation.kind_name(), 0)).1 += 1;
        }
        self.n_landmarks += usize::from(sample.annotations.values().any(|known| known.as_points().is_some()));
    }
}

impl Tally {
    /// The extremes of the images of one depth.
    fn of_depth(&self, depth: BitDepth) -> Vec<Extremes> {
        let of_depth = self.extremes.iter().filter(|(of, _)| *of == depth);
        of_depth.map(|(_, spread)| spread.clone()).collect()
    }

    /// The measured values as stored, and the fraction that is no measurement.
    fn stored(&self) -> (Option<Range>, f64) {
        let mut stored = self.stored.clone();
        let (mut n_values, mut n_unmeasured) = (0, 0);
        for depth in [BitDepth::Sixteen, BitDepth::Float] {
            let extremes = self.of_depth(depth);
            let count = |of: fn(&Extremes) -> u64| extremes.iter().map(of).sum::<u64>();
            let n_zero = count(|image| image.n_zero);
            n_values += count(|image| image.n_values);
            n_unmeasured += count(|image| image.n_not_finite);
            if own_range(&extremes, depth).is_measured(0.0) {
                stored.add_zeros(n_zero);
            } else {
                n_unmeasured += n_zero;
            }
        }
        (stored.range(), if n_values == 0 { 0.0 } else { n_unmeasured as f64 / n_values as f64 })
    }

    fn flat(&self) -> Vec<String> {
        let depths = [BitDepth::Eight, BitDepth::Sixteen, BitDepth::Float];
        let flat_of = |depth: BitDepth| {
            let mut extremes = self.of_depth(depth);
            let range = own_range(&extremes, depth);
            extremes.retain(|image| image.is_flat(range));
            extremes.into_iter().map(|image| image.name)
        };
        depths.into_iter().flat_map(flat_of).collect()
    }
}

/// Running mean and squared deviation by Welford's method, which stays accurate when the mean is large.
#[derive(Clone)]
struct Values {
    count: u64,
    min: f64,
    max: f64,
    mean: f64,
    deviation: f64,
}

impl Default for Values {
    fn default() -> Self {
        Self { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, deviation: 0.0 }
    }
}

impl Values {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.deviation += off * (value - self.mean);
    }

    /// Adds `n` zeros at once (Chan's formula).
    fn add_zeros(&mut self, n: u64) {
        if n == 0 {
            return;
        }
        let total = (self.count + n) as f64;
        self.deviation += self.mean * self.mean * self.count as f64 * n as f64 / total;
        self.mean *= self.count as f64 / total;
        self.count += n;
        (self.min, self.max) = (self.min.min(0.0), self.max.max(0.0));
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
    fn depth_is_told_in_its_own_unit() {
        let image = |pixels| Sample::new("d", Image::new(1, 1, 4, pixels));
        let of = |samples: Vec<Sample>| Statistics::of(&MemorySource::new(samples).unwrap(), 9);
        let depth = of(vec![image(Pixels::U16(vec![0, 1000, 2000, 3000]))]);
        let values = depth.values.unwrap();
        assert_eq!((values.count, values.min, values.max, values.mean), (3, 1000.0, 3000.0, 2000.0));
        assert_eq!((depth.unmeasured, depth.flat.len()), (0.25, 0));
        let floats = of(vec![image(Pixels::F32(vec![0.0, 0.01, 2.0, f32::NAN]))]);
        let values = floats.values.unwrap();
        assert_eq!((values.count, values.min, values.max), (3, 0.0, 2.0));
        let mean = (0.01f64 + 2.0) / 3.0;
        let squares = (0.0 - mean).powi(2) + (0.01 - mean).powi(2) + (2.0 - mean).powi(2);
        assert!((values.mean - mean).abs() < 1e-7 && (values.std - (squares / 3.0).sqrt()).abs() < 1e-7);
        assert_eq!(
            (floats.unmeasured, floats.kinds.keys().next().unwrap().as_str()),
            (0.25, "4x1 gray float")
        );
        let flat = of(vec![sample([100, 112], None)]);
        assert_eq!((flat.flat.len(), flat.values), (1, None));
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
