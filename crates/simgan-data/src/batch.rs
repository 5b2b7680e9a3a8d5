use crate::source::check_same;
use crate::{Annotations, DataError, ImageSpec, Sample};

/// Images of one kind with their names and labels, ready for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Values in [−1, 1], `[N, C, H, W]`.
    pub images: Vec<f32>,
    /// N, C, H and W.
    pub shape: [usize; 4],
    /// The samples' names.
    pub names: Vec<String>,
    /// Their places in the source.
    pub indices: Vec<usize>,
    /// What is known about them; empty unless [`LoaderOptions::want`](crate::LoaderOptions::want) asks for
    /// labels.
    pub annotations: Vec<Annotations>,
    /// Places of samples that could not be read and were replaced, with the error.
    pub skipped: Vec<(usize, String)>,
}

impl Batch {
    /// The images as a tensor `(N, C, H, W)` of `f32` in [−1, 1].
    ///
    /// # Errors
    /// If the device has no room for it.
    #[cfg(feature = "candle")]
    pub fn tensor(&self, device: &candle_core::Device) -> candle_core::Result<candle_core::Tensor> {
        candle_core::Tensor::from_slice(&self.images, &self.shape[..], device)
    }
}

/// A [`Batch`] in the making.
pub(crate) struct BatchBuilder {
    spec: ImageSpec,
    batch: Batch,
}

impl BatchBuilder {
    pub(crate) fn new(spec: ImageSpec, n: usize) -> Self {
        let batch = Batch {
            images: Vec::with_capacity(n * spec.channels * spec.height * spec.width),
            shape: [0, spec.channels, spec.height, spec.width],
            names: Vec::with_capacity(n),
            indices: Vec::with_capacity(n),
            annotations: Vec::with_capacity(n),
            skipped: Vec::new(),
        };
        Self { spec, batch }
    }

    /// Adds a sample, unless its size or channels are not the source's.
    pub(crate) fn push(&mut self, index: usize, sample: Sample) -> Result<(), DataError> {
        check_same(("the source's first image", self.spec), (&sample.name, sample.image.spec()))?;
        sample.image.extend_unit(&mut self.batch.images);
        self.batch.shape[0] += 1;
        self.batch.names.push(sample.name);
        self.batch.indices.push(index);
        self.batch.annotations.push(sample.annotations);
        Ok(())
    }

    /// Notes that a sample was skipped.
    pub(crate) fn skip(&mut self, index: usize, error: String) {
        self.batch.skipped.push((index, error));
    }

    pub(crate) fn finish(self) -> Batch {
        self.batch
    }
}
