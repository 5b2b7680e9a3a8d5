use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::{Source, Want};
use crate::image::CropWindow;
use crate::{DataError, ImageSpec, Orientation, Sample, Size, Transform};

/// Random changes of the images that are drawn for training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Augmentation {
    /// Whether half of the images, chosen at random, are mirrored left to right.
    pub flip: bool,
    /// Size of a part at the images' own scale, cut out at a random place; `None` keeps whole images.
    pub crop: Option<Size>,
    /// Seed of all choices.
    pub seed: u64,
}

impl Augmentation {
    /// Whether it changes anything.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.flip || self.crop.is_some()
    }
}

/// A source whose images are changed at random each time a [`Loader`](crate::Loader) draws them; annotations
/// follow the pixels.
///
/// The choice depends only on the seed and the number of the draw ([`Source::drawn`]), so that a resumed run
/// sees the same images. [`Source::sample`] gives the middle part, never mirrored.
pub struct Augmented {
    source: Arc<dyn Source>,
    augmentation: Augmentation,
}

impl Augmented {
    /// Wraps `source`.
    ///
    /// # Errors
    /// The part to cut out is larger than the images.
    pub fn new(source: Arc<dyn Source>, augmentation: Augmentation) -> Result<Self, DataError> {
        let size = source.spec().size();
        match augmentation.crop {
            Some(crop) if crop.width > size.width || crop.height > size.height => {
                Err(DataError::CropTooLarge { crop, size })
            }
            _ => Ok(Self { source, augmentation }),
        }
    }

    /// Cuts out a part whose left and top `place` chooses among the numbers up to its argument.
    fn cropped(&self, sample: Sample, mut place: impl FnMut(usize) -> usize) -> Result<Sample, DataError> {
        let size = sample.image.spec().size();
        let Some(crop) = self.augmentation.crop else { return Ok(sample) };
        let rooms = (size.width.checked_sub(crop.width), size.height.checked_sub(crop.height));
        let (Some(right), Some(down)) = rooms else { return Err(DataError::CropTooLarge { crop, size }) };
        let (left, top) = (place(right), place(down));
        let image = sample.image.cropped(CropWindow { left, top, size: crop });
        Sample { image, ..sample }.followed(&Transform::part(size, left as f64, top as f64, crop))
    }
}

impl Source for Augmented {
    fn len(&self) -> usize {
        self.source.len()
    }

    fn spec(&self) -> ImageSpec {
        let spec = self.source.spec();
        let Size { width, height } = self.augmentation.crop.unwrap_or(spec.size());
        ImageSpec { width, height, ..spec }
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        self.cropped(self.source.sample(index, want)?, |most| most / 2)
    }

    fn drawn(&self, index: usize, draw: u64, want: Want) -> Result<Sample, DataError> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.augmentation.seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        // A stream for each draw: a resumed run needs no replay of earlier ones.
        rng.set_stream(draw);
        let sample = self.source.sample(index, want)?;
        let sample = self.cropped(sample, |most| up_to(most, rng.next_u64()))?;
        if self.augmentation.flip && rng.next_u64() >> 63 == 1 {
            return sample.oriented(Orientation::MIRRORED);
        }
        Ok(sample)
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        self.source.name(index)
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        self.source.frames(index)
    }
}

/// Scales 64 random bits to 0..=`most` by taking the high half of a product. Spelled out rather than taken from
/// `rand`, so that no library update changes a resumed run.
fn up_to(most: usize, random: u64) -> usize {
    ((u128::from(random) * (most as u128 + 1)) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        Annotations, AnnotationsExt, Direction, Image, Loader, LoaderOptions, MemorySource, Pixels, Sampler,
        Vector, names,
    };

    /// One image with a white dot at column 5, row 2, and its labels.
    fn source() -> Arc<dyn Source> {
        let mut values = vec![0; 54];
        values[2 * 9 + 5] = 255;
        let annotations = Annotations::from([
            (names::IRIS.into(), vec![[5.5, 2.5]].into()),
            (names::GAZE.into(), Direction::from_pitch_yaw(0.1, 0.2).into()),
        ]);
        let sample = Sample { annotations, ..Sample::new("dot", Image::new(1, 6, 9, Pixels::U8(values))) };
        Arc::new(MemorySource::new(vec![sample]).unwrap())
    }

    fn augmented(flip: bool, crop: Option<Size>) -> Augmented {
        Augmented::new(source(), Augmentation { flip, crop, seed: 3 }).unwrap()
    }

    #[test]
    fn labels_follow_what_is_drawn() {
        let crop = Size { width: 7, height: 5 };
        let augmented = augmented(true, Some(crop));
        assert_eq!(augmented.spec().size(), crop);
        let mut seen = BTreeSet::new();
        for draw in 0..60 {
            let sample = augmented.drawn(0, draw, Want::Labels).unwrap();
            assert_eq!(sample.image.spec(), augmented.spec());
            let [x, y] = sample.annotations.iris().unwrap()[0];
            let dot = (y as usize) * crop.width + x as usize;
            assert_eq!(sample.image.to_unit()[dot], 1.0, "draw {draw}: the label is at {x}, {y}");
            let yaw = sample.annotations.gaze().unwrap().yaw();
            assert!((yaw.abs() - 0.2).abs() < 1e-6);
            seen.insert((x as usize, y as usize, yaw > 0.0));
        }
        // Three places across, two down, mirrored or not; mirrored ones may share a place with others.
        assert!(seen.len() >= 10, "{seen:?}");
        let again = augmented.drawn(0, 7, Want::Labels).unwrap();
        assert_eq!(again, augmented.drawn(0, 7, Want::Labels).unwrap());
    }

    #[test]
    fn a_sample_is_the_middle_and_nothing_changes_when_off() {
        let middle = augmented(true, Some(Size { width: 7, height: 4 })).sample(0, Want::Labels).unwrap();
        assert_eq!(middle.annotations.iris().unwrap()[0], [4.5, 1.5]);
        let plain = source().sample(0, Want::Labels).unwrap();
        assert_eq!(augmented(false, None).drawn(0, 5, Want::Labels).unwrap(), plain);
        let crop = Some(Size { width: 9, height: 7 });
        let error = Augmented::new(source(), Augmentation { crop, ..Augmentation::default() }).err().unwrap();
        assert!(error.to_string().contains("9x7") && error.to_string().contains("9x6"), "{error}");
    }

    #[test]
    fn a_label_that_cannot_follow_is_named_where_labels_are_wanted() {
        let annotations = Annotations::from([("pose".into(), Vector::unknown(vec![1.0]).into())]);
        let sample = Sample { annotations, ..Sample::new("a", Image::new(1, 1, 2, Pixels::U8(vec![0, 1]))) };
        let source = Arc::new(MemorySource::new(vec![sample]).unwrap());
        let flipped = Augmented::new(source, Augmentation { flip: true, crop: None, seed: 0 }).unwrap();
        let errors: Vec<_> = (0..20).filter_map(|draw| flipped.drawn(0, draw, Want::Labels).err()).collect();
        assert!(!errors.is_empty() && errors.len() < 20);
        assert!(errors[0].to_string().contains("pose"), "{}", errors[0]);
        assert!((0..20).all(|draw| flipped.drawn(0, draw, Want::Image).is_ok()));
    }

    #[test]
    fn a_loader_resumes_with_the_same_draws() {
        let options = LoaderOptions { batch: 3, workers: 3, ..LoaderOptions::default() };
        let augmented: Arc<dyn Source> = Arc::new(augmented(true, Some(Size { width: 4, height: 3 })));
        let loader = |sampler| Loader::new(Arc::clone(&augmented), sampler, options).unwrap();
        let mut whole = loader(Sampler::new(1, 5));
        let batches: Vec<_> = (0..6).map(|_| whole.next_batch().unwrap().images).collect();
        assert!(batches.iter().any(|batch| *batch != batches[0]), "draws differ");
        let mut first = loader(Sampler::new(1, 5));
        (0..2).for_each(|_| drop(first.next_batch().unwrap()));
        let mut rest = loader(Sampler::from_state(1, first.state()).unwrap());
        for (number, batch) in batches.iter().enumerate().skip(2) {
            assert_eq!(&rest.next_batch().unwrap().images, batch, "batch {number}");
        }
    }
}
