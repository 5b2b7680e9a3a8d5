//! Reads images for an estimator and takes its answers back to their own pixels.

use std::sync::Arc;

use anyhow::Result;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use simgan_data::{
    Annotation, Annotations, ClassNames, Crop, DataError, Fit, Fitted, Size, Sizes, Source, SourceRequest,
    Target, Transform, Want, evenly,
};
use simgan_eval::{Inputs, KeptEstimator, TestEye, extra_inputs, eyes_of};

use crate::commands::most_test;
use crate::registry::registry;

/// Images of one or more sources, at their own sizes.
pub(super) struct Images {
    sources: Vec<Arc<dyn Source>>,
    /// The source and place of each chosen image.
    chosen: Vec<(usize, usize)>,
}

/// Some images as an estimator sees them.
pub(super) struct Seen {
    pub(super) names: Vec<String>,
    /// Their annotations, in the estimator's pixels.
    pub(super) annotations: Vec<Annotations>,
    /// The names of the classes that their `class` numbers.
    pub(super) classes: Vec<Option<ClassNames>>,
    /// Their own sizes.
    pub(super) sizes: Vec<Size>,
    /// The image number in its source, and the source.
    pub(super) places: Vec<(usize, usize)>,
    pub(super) inputs: Inputs,
    pub(super) eyes: Vec<TestEye>,
}

impl Images {
    /// Opens sources and chooses at most `count` images, evenly spread over each.
    pub(super) fn open(names: &[String], crop: Crop, count: Option<usize>, seed: u64) -> Result<Self> {
        let registry = registry();
        let (mut sources, mut chosen) = (Vec::new(), Vec::new());
        let most = most_test(count, names).unwrap_or(usize::MAX);
        for (number, name) in names.iter().enumerate() {
            let request = SourceRequest { sizes: Sizes::Mixed, crop, seed, ..SourceRequest::new(name) };
            let source = registry.open(&request)?;
            chosen.extend(evenly(source.len(), most).into_iter().map(|idx| (number, idx)));
            sources.push(source);
        }
        let kept = evenly(chosen.len(), most);
        let chosen = kept.into_iter().map(|place| chosen[place]).collect();
        Ok(Self { sources, chosen })
    }

    pub(super) fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Reads the images `start..end` at an estimator's size, channels and range.
    pub(super) fn read(
        &self,
        kept: &KeptEstimator,
        start: usize,
        end: usize,
        device: &Device,
    ) -> Result<Seen> {
        let shape = kept.shape();
        let size = Size { width: shape.width, height: shape.height };
        let target = Target {
            size: Some(size),
            fit: kept.about().fit,
            channels: Some(shape.channels),
            range: kept.range(),
        };
        let fitted: Vec<_> =
            self.sources.iter().map(|source| Fitted::new(Arc::clone(source), target)).collect();
        let places = self.chosen[start..end].to_vec();
        let one = |(source, idx): &(usize, usize)| -> Result<_, DataError> {
            let own = self.sources[*source].probe(*idx)?.size();
            Ok((fitted[*source].sample(*idx, Want::Labels)?, own))
        };
        let read: Result<Vec<_>, DataError> = places.par_iter().map(one).collect();
        let (mut names, mut annotations, mut classes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sizes, mut pixels) = (Vec::new(), Vec::new());
        for (sample, own) in read? {
            names.push(sample.name);
            annotations.push(sample.annotations);
            classes.push(sample.classes);
            sizes.push(own);
            pixels.extend(sample.image.to_unit());
        }
        let dims = (names.len(), shape.channels, shape.height, shape.width);
        let images = Tensor::from_vec(pixels, dims, device)?;
        let named: Vec<_> = names.iter().map(String::as_str).zip(&annotations).collect();
        let extra = extra_inputs(&kept.about().inputs, &named, device)?;
        let (inputs, eyes) = (Inputs::new(images, extra)?, eyes_of(&names));
        Ok(Seen { names, annotations, classes, sizes, places, inputs, eyes })
    }

    /// An image's name; with several sources, after the source's.
    pub(super) fn unique_name(&self, name: &str, sources: &[String], place: (usize, usize)) -> String {
        match self.sources.len() {
            1 => name.to_owned(),
            _ => format!("{}/{name}", sources[place.0].trim_end_matches('/')),
        }
    }

    /// The source that an image is of.
    pub(super) fn source(&self, place: (usize, usize)) -> &dyn Source {
        &*self.sources[place.0]
    }
}

/// Takes a label from an estimator's pixels, of images of `seen`, to those of an image of `own` size.
pub(super) fn in_own_pixels(label: &Annotation, own: Size, seen: Size, fit: Fit) -> Annotation {
    let Annotation::Points(points) = label else { return label.clone() };
    let transform = Transform::resize(own, seen, fit);
    // The transform scales and shifts along each axis: two points tell it.
    let ([x0, y0], [x1, y1]) = (transform.point([0.0, 0.0]), transform.point([1.0, 1.0]));
    let back = |[x, y]: &[f32; 2]| [(x - x0) / (x1 - x0), (y - y0) / (y1 - y0)];
    points.0.iter().map(back).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_return_to_the_image_they_came_from() {
        let (own, seen) = (Size { width: 90, height: 40 }, Size { width: 24, height: 24 });
        let points = vec![[13.5, 7.25], [80.0, 39.0]];
        for fit in [Fit::Cover, Fit::Stretch] {
            let transform = Transform::resize(own, seen, fit);
            let label: Annotation =
                points.iter().map(|point| transform.point(*point)).collect::<Vec<_>>().into();
            assert_ne!(label.as_points().unwrap(), points);
            let back = in_own_pixels(&label, own, seen, fit);
            for (found, expected) in back.as_points().unwrap().iter().zip(&points) {
                let off = (found[0] - expected[0]).abs().max((found[1] - expected[1]).abs());
                assert!(off < 1e-3, "{fit:?}: {found:?}, not {expected:?}");
            }
        }
    }
}
