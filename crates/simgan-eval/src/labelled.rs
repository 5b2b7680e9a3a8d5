use candle_core::{Device, Tensor};
use simgan_data::{AnnotationsExt, Direction, Source, Want};

use crate::EvalError;

/// Images in memory, each with its gaze.
#[derive(Clone, Debug)]
pub struct LabelledImages {
    images: Tensor,
    gazes: Vec<Direction>,
}

impl LabelledImages {
    /// Pairs images `(N, C, H, W)` in [−1, 1] with N directions.
    ///
    /// # Errors
    ///
    /// If the numbers differ or are 0.
    pub fn new(images: Tensor, gazes: Vec<Direction>) -> Result<Self, EvalError> {
        let (found, ..) = images.dims4()?;
        if found != gazes.len() {
            return Err(EvalError::Mismatch(format!("{} gaze labels for {found} images", gazes.len())));
        }
        if found == 0 {
            return Err(EvalError::TooFew { what: "labelled images", found, needed: 1 });
        }
        Ok(Self { images, gazes })
    }

    /// Reads the samples at `indices`; all must have the source's size and channels.
    ///
    /// # Errors
    ///
    /// If a sample cannot be read or has no gaze label, or `indices` is empty.
    pub fn read(
        source: &dyn Source,
        indices: impl IntoIterator<Item = usize>,
        device: &Device,
    ) -> Result<Self, EvalError> {
        let (spec, mut values, mut gazes) = (source.spec(), Vec::new(), Vec::new());
        for idx in indices {
            let sample = source.sample(idx, Want::Labels)?;
            let Some(gaze) = sample.annotations.gaze() else {
                return Err(EvalError::NoGaze { name: sample.name });
            };
            gazes.push(gaze);
            values.extend(sample.image.to_unit());
        }
        let shape = (gazes.len(), spec.channels, spec.height, spec.width);
        Self::new(Tensor::from_vec(values, shape, device)?, gazes)
    }

    /// Replaces the images, such as by refined ones, and keeps the labels.
    ///
    /// # Errors
    ///
    /// If the numbers differ.
    pub fn with_images(&self, images: Tensor) -> Result<Self, EvalError> {
        Self::new(images, self.gazes.clone())
    }

    /// Returns the first `count` images.
    ///
    /// # Errors
    ///
    /// If there are fewer than `count`, or `count` is 0.
    pub fn first(&self, count: usize) -> Result<Self, EvalError> {
        Self::new(self.images.narrow(0, 0, count)?, self.gazes[..count].to_vec())
    }

    /// The images, `(N, C, H, W)` in [−1, 1].
    #[must_use]
    pub const fn images(&self) -> &Tensor {
        &self.images
    }

    /// The gaze of each image.
    #[must_use]
    pub fn gazes(&self) -> &[Direction] {
        &self.gazes
    }

    /// The directions as a tensor `(N, 3)`.
    pub(crate) fn targets(&self) -> Result<Tensor, EvalError> {
        let values: Vec<_> = self.gazes.iter().flat_map(|gaze| gaze.vector()).collect();
        Ok(Tensor::from_vec(values, (self.gazes.len(), 3), self.images.device())?)
    }
}
