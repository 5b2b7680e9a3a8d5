use crate::source::check_same;
use crate::{Annotations, DataError, ImageSpec, Sample};

/// Images of equal size and channels, with their names and labels, ready for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Pixel values in [−1, 1], shape `[N, C, H, W]`.
    pub images: Vec<f32>,
    /// The batch's shape: N, C, H, W.
    pub shape: [usize; 4],
    /// Names of the N samples.
    pub names: Vec<String>,
    /// Indices of the N samples in the source.
    pub indices: Vec<usize>,
    /// Annotations of the N samples; each map is empty unless
    /// [`LoaderOptions::want`](crate::LoaderOptions::want) asks for labels.
    pub annotations: Vec<Annotations>,
    /// Index and error of each unreadable sample that another one replaced.
    pub skipped: Vec<(usize, String)>,
}

impl Batch {
    /// Copies the images into a tensor `(N, C, H, W)` of `f32` in [−1, 1].
    ///
    /// # Errors
    /// The device is out of memory.
    #[cfg(feature = "candle")]
    pub fn tensor(&self, device: &candle_core::Device) -> candle_core::Result<candle_core::Tensor> {
        candle_core::Tensor::from_slice(&self.images, &self.shape[..], device)
    }
}

/// Assembles a [`Batch`] sample by sample.
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

    /// Adds a sample; fails if its size or channels differ from the source's.
    pub(crate) fn push(&mut self, index: usize, sample: Sample) -> Result<(), DataError> {
        check_same(("the source's first image", self.spec), (&sample.name, sample.image.spec()))?;
        sample.image.extend_unit(&mut self.batch.images);
        self.batch.shape[0] += 1;
        self.batch.names.push(sample.name);
        self.batch.indices.push(index);
        self.batch.annotations.push(sample.annotations);
        Ok(())
    }

    /// Records that a sample was skipped.
    pub(crate) fn skip(&mut self, index: usize, error: String) {
        self.batch.skipped.push((index, error));
    }

    pub(crate) fn finish(self) -> Batch {
        self.batch
    }
}
