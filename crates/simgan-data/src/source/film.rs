use std::sync::Arc;

use super::{Source, Want, check_same};
use crate::{DataError, ImageSpec, Sample};

/// A source of pairs of consecutive frames of films: each sample's image is twice as high and holds a frame
/// above its next one.
///
/// Both frames are drawn as the same `draw` ([`Source::drawn`]), so that what is changed at random changes
/// alike in both. A sample keeps its first frame's name and has no labels.
pub struct FramePairs {
    source: Arc<dyn Source>,
}

impl FramePairs {
    /// Pairs the frames of `source`.
    ///
    /// # Errors
    /// The first sample belongs to no film.
    pub fn new(source: Arc<dyn Source>) -> Result<Self, DataError> {
        let pairs = Self { source };
        pairs.frames_of(0)?;
        Ok(pairs)
    }

    fn frames_of(&self, index: usize) -> Result<[usize; 2], DataError> {
        let none = || Err(DataError::NoFilm { name: self.source.name(index)? });
        self.source.frames(index).map_or_else(none, Ok)
    }

    fn pair(
        &self,
        index: usize,
        read: impl Fn(usize) -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        let [frame, next] = self.frames_of(index)?;
        let (frame, next) = (read(frame)?, read(next)?);
        check_same((&frame.name, frame.image.spec()), (&next.name, next.image.spec()))?;
        Ok(Sample::new(frame.name, frame.image.above(&next.image)))
    }
}

impl Source for FramePairs {
    fn len(&self) -> usize {
        self.source.len()
    }

    fn spec(&self) -> ImageSpec {
        let spec = self.source.spec();
        ImageSpec { height: 2 * spec.height, ..spec }
    }

    fn sample(&self, index: usize, _: Want) -> Result<Sample, DataError> {
        self.pair(index, |frame| self.source.sample(frame, Want::Image))
    }

    fn drawn(&self, index: usize, draw: u64, _: Want) -> Result<Sample, DataError> {
        self.pair(index, |frame| self.source.drawn(frame, draw, Want::Image))
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        self.source.name(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Augmentation, Augmented, Concat, Image, MemorySource, Pixels, Size};

    /// Films of three frames and a rest of one; frame `i` shows `10 i` and rising.
    struct Films(MemorySource);

    impl Source for Films {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn spec(&self) -> ImageSpec {
            self.0.spec()
        }

        fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
            self.0.sample(index, want)
        }

        fn name(&self, index: usize) -> Result<String, DataError> {
            self.0.name(index)
        }

        fn frames(&self, index: usize) -> Option<[usize; 2]> {
            let first = index - usize::from(index % 3 == 2);
            (index < 6).then_some([first, first + 1])
        }
    }

    fn films() -> Arc<dyn Source> {
        let sample = |index: usize| {
            let pixels = Pixels::U8((0..12).map(|pixel| (10 * index + pixel) as u8).collect());
            Sample::new(index.to_string(), Image::new(3, 1, 4, pixels))
        };
        Arc::new(Films(MemorySource::new((0..7).map(sample).collect()).unwrap()))
    }

    /// The first pixel of each plane and frame.
    fn firsts(sample: &Sample) -> Vec<usize> {
        sample.image.pixels().iter().step_by(4).map(|value| value as usize).collect()
    }

    #[test]
    fn a_frame_lies_above_its_next_one_in_each_plane() {
        let all: Arc<dyn Source> = Arc::new(Concat::new(vec![films(), films()]).unwrap());
        let pairs = FramePairs::new(all).unwrap();
        assert_eq!((pairs.len(), pairs.spec().height, pairs.spec().channels), (14, 2, 3));
        let pair = pairs.sample(3, Want::Labels).unwrap();
        assert_eq!((pair.name.as_str(), firsts(&pair)), ("3", vec![30, 40, 34, 44, 38, 48]));
        for (index, frames) in [(0, [0, 10]), (2, [10, 20]), (5, [40, 50]), (7, [0, 10]), (9, [10, 20])] {
            assert_eq!(firsts(&pairs.sample(index, Want::Image).unwrap())[..2], frames, "{index}");
        }
        let error = pairs.sample(6, Want::Image).unwrap_err();
        assert!(error.to_string().contains("6: belongs to no film"), "{error}");
    }

    #[test]
    fn both_frames_are_drawn_alike() {
        let crop = Some(Size { width: 2, height: 1 });
        let augmentation = Augmentation { flip: true, crop, seed: 4 };
        let drawn = FramePairs::new(Arc::new(Augmented::new(films(), augmentation).unwrap())).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for draw in 0..30 {
            let pair = drawn.drawn(0, draw, Want::Image).unwrap();
            let pixels: Vec<f32> = pair.image.pixels().iter().collect();
            assert!(pixels[..2].iter().zip(&pixels[2..4]).all(|(frame, next)| frame + 10.0 == *next));
            seen.insert((pixels[0] as usize, pixels[1] as usize));
        }
        assert!(seen.len() > 3, "draws differ: {seen:?}");
    }

    #[test]
    fn a_source_without_films_is_refused() {
        let still = MemorySource::new(vec![Sample::new("a", Image::new(1, 1, 1, Pixels::U8(vec![0])))]);
        let error = FramePairs::new(Arc::new(still.unwrap())).err().unwrap();
        assert!(error.hint().unwrap().to_string().contains("film_frames"), "{error}");
    }
}
