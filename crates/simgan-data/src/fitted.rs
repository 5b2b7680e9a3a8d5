use std::sync::Arc;

use crate::source::Adapter;
use crate::{BitDepth, DataError, Fit, ImageSpec, Sample, Size, Source, Transform, ValueRange, Want};

/// A source whose images are converted to one size, number of channels and range of values.
///
/// Annotations follow the pixels. Without a range, results are rounded to the stored bit depth, so that
/// resizing while reading gives the same values as reading a data set that was resized and stored.
pub struct Fitted {
    source: Arc<dyn Source>,
    target: Target,
}

/// The size, channels and range that [`Fitted`] converts to; `Target::default()` changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target {
    /// Width and height; `None` keeps each image's own.
    pub size: Option<Size>,
    /// How images are resized.
    pub fit: Fit,
    /// 1 (gray) or 3 (RGB); `None` keeps each image's own.
    pub channels: Option<usize>,
    /// The stored values that become −1 and 1; `None` takes the whole scale of each image's bit depth.
    pub range: Option<ValueRange>,
}

impl Fitted {
    /// Wraps `source`. Its images may differ in size if `target.size` is given, and in channels if
    /// `target.channels` is.
    ///
    /// # Panics
    /// If `target.channels` is neither 1 nor 3.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, target: Target) -> Self {
        assert!(matches!(target.channels, None | Some(1 | 3)), "1 or 3 channels, not {:?}", target.channels);
        Self { source, target }
    }

    /// Converts a sample to the target.
    fn fit(&self, mut sample: Sample) -> Result<Sample, DataError> {
        let spec = sample.image.spec();
        if let Some(channels) = self.target.channels.filter(|&channels| channels != spec.channels) {
            sample.image = sample.image.to_channels(channels);
        }
        // Before resizing, which must not mix in what was not measured.
        if let Some(range) = self.target.range {
            sample.image = sample.image.in_range(range);
        }
        match self.target.size.filter(|&size| size != spec.size()) {
            Some(size) => {
                sample.image = sample.image.resized(size, self.target.fit);
                sample.followed(&Transform::resize(spec.size(), size, self.target.fit))
            }
            None => Ok(sample),
        }
    }
}

impl Adapter for Fitted {
    fn sources(&self) -> &[Arc<dyn Source>] {
        std::slice::from_ref(&self.source)
    }

    fn adapted_spec(&self, spec: ImageSpec) -> ImageSpec {
        let size = self.target.size.unwrap_or(spec.size());
        let channels = self.target.channels.unwrap_or(spec.channels);
        let depth = self.target.range.map_or(spec.depth, |_| BitDepth::Float);
        ImageSpec { channels, height: size.height, width: size.width, depth }
    }

    fn adapted(
        &self,
        _: usize,
        _: Want,
        read: &dyn Fn() -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        read().and_then(|sample| self.fit(sample))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Annotations, AnnotationsExt, Image, MemorySource, Pixels, names};

    #[test]
    fn a_range_is_applied_before_resizing() {
        // Half of the left pixels were not measured, none of the right ones.
        let image = Image::new(1, 2, 4, Pixels::U16(vec![1500, 1500, 0, 0, 0, 0, 0, 0]));
        let source: Arc<dyn Source> = Arc::new(MemorySource::new(vec![Sample::new("", image)]).unwrap());
        let fitted = |range| {
            let size = Some(Size { width: 2, height: 1 });
            let target = Target { size, range, ..Target::default() };
            let fitted = Fitted::new(Arc::clone(&source), target);
            let image = fitted.sample(0, Want::Image).unwrap().image;
            assert_eq!(image.spec(), fitted.spec());
            assert_eq!(image.spec(), fitted.probe(0).unwrap());
            image.to_unit()
        };
        assert_eq!(fitted(ValueRange::new(1000.0, 3000.0)), [-1.0, -1.0]);
        assert!(fitted(None)[0] < -0.95);
        let flat =
            Image::new(1, 2, 4, Pixels::U16(vec![1500; 8])).in_range(ValueRange { min: 1e3, max: 3e3 });
        let resized = flat.resized(Size { width: 2, height: 1 }, Fit::Cover).to_unit();
        assert!(resized.iter().all(|value| (value + 0.5).abs() < 1e-6), "{resized:?}");
    }

    #[test]
    fn points_move_with_the_pixels() {
        // A white dot at (row 2, column 5) of a 4×8 image.
        let mut values = vec![0; 32];
        values[2 * 8 + 5] = 255;
        let annotations = Annotations::from([(names::IRIS.into(), vec![[5.5, 2.5]].into())]);
        let sample = Sample { annotations, ..Sample::new("dot", Image::new(1, 4, 8, Pixels::U8(values))) };
        let source = Arc::new(MemorySource::new(vec![sample]).unwrap());
        for (fit, expected) in [(Fit::Cover, [10.5, 7.5]), (Fit::Stretch, [8.25, 7.5])] {
            let size = Some(Size { width: 12, height: 12 });
            let target = Target { size, fit, channels: Some(3), range: None };
            let fitted = Fitted::new(Arc::clone(&source) as Arc<dyn Source>, target);
            let sample = fitted.sample(0, Want::Labels).unwrap();
            assert_eq!(sample.image.spec(), fitted.spec());
            let [x, y] = sample.annotations.iris().unwrap()[0];
            assert_eq!([x, y], expected);
            let plane = &sample.image.to_unit()[..144];
            let brightest = (0..144).max_by(|&a, &b| plane[a].total_cmp(&plane[b])).unwrap();
            assert!(
                (x - (brightest % 12) as f32 - 0.5).abs() <= 0.5,
                "{fit:?}: x {x}, dot {}",
                brightest % 12
            );
            assert!(
                (y - (brightest / 12) as f32 - 0.5).abs() <= 0.5,
                "{fit:?}: y {y}, dot {}",
                brightest / 12
            );
        }
    }
}
