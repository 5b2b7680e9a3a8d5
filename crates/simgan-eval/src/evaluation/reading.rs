use candle_core::{Device, Tensor};
use rayon::prelude::*;
use simgan_data::{Annotations, AnnotationsExt, DataError, Direction, ImageSpec, Source, Want};

use super::Watch;
use crate::EvalError;

/// Images read between two checks of whether to stop.
const AT_ONCE: usize = 512;

/// Images as read, with their annotations.
pub(super) struct Images {
    pub(super) names: Vec<String>,
    /// Planar, [−1, 1].
    pub(super) pixels: Vec<Vec<f32>>,
    pub(super) annotations: Vec<Annotations>,
    pub(super) spec: ImageSpec,
}

impl Images {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The gaze of each image; `None` without a label.
    pub(super) fn gazes(&self) -> impl Iterator<Item = Option<Direction>> {
        self.annotations.iter().map(AnnotationsExt::gaze)
    }

    /// Whether every image has a gaze.
    pub(super) fn is_labelled(&self) -> bool {
        self.gazes().all(|gaze| gaze.is_some())
    }

    pub(super) fn select(&self, indices: &[usize]) -> Self {
        Self {
            names: indices.iter().map(|idx| self.names[*idx].clone()).collect(),
            pixels: indices.iter().map(|idx| self.pixels[*idx].clone()).collect(),
            annotations: indices.iter().map(|idx| self.annotations[*idx].clone()).collect(),
            spec: self.spec,
        }
    }

    /// `(N, C, H, W)` in [−1, 1].
    pub(super) fn tensor(&self, device: &Device) -> Result<Tensor, EvalError> {
        let ImageSpec { channels, height, width, .. } = self.spec;
        Ok(Tensor::from_vec(self.pixels.concat(), (self.len(), channels, height, width), device)?)
    }
}

/// Reads samples on all threads; the result keeps the order of `indices`.
pub(super) fn read(
    source: &dyn Source,
    indices: &[usize],
    watch: &mut Watch<'_>,
) -> Result<Images, EvalError> {
    let spec = source.spec();
    let mut images = Images { names: Vec::new(), pixels: Vec::new(), annotations: Vec::new(), spec };
    for indices in indices.chunks(AT_ONCE) {
        let samples: Result<Vec<_>, EvalError> =
            indices.par_iter().map(|idx| one(source, *idx, spec)).collect();
        for (name, pixels, annotations) in samples? {
            images.names.push(name);
            images.pixels.push(pixels);
            images.annotations.push(annotations);
        }
        watch.count(indices.len())?;
    }
    Ok(images)
}

/// Reads a sample's name, pixels and annotations and drops the source's own record, which may be large.
fn one(
    source: &dyn Source,
    idx: usize,
    spec: ImageSpec,
) -> Result<(String, Vec<f32>, Annotations), EvalError> {
    let sample = source.sample(idx, Want::Labels)?;
    let found = sample.image.spec();
    if (found.size(), found.channels) != (spec.size(), spec.channels) {
        let first = "the source's first image".to_owned();
        return Err(
            DataError::Mixed { first, first_spec: spec, other: sample.name, other_spec: found }.into()
        );
    }
    Ok((sample.name, sample.image.to_unit(), sample.annotations))
}
