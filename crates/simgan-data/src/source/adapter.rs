use std::sync::Arc;

use super::{Source, Want};
use crate::{DataError, ImageSpec, Sample};

/// A source that modifies the samples of other sources. Implementing this trait gives a [`Source`] whose
/// methods are all forwarded, so that none can be forgotten.
pub(crate) trait Adapter: Send + Sync {
    /// The underlying sources in order, at least one; indices run through them one after another.
    fn sources(&self) -> &[Arc<dyn Source>];

    /// Maps the spec of the underlying images.
    fn adapted_spec(&self, spec: ImageSpec) -> ImageSpec {
        spec
    }

    /// Modifies sample `index`, which `read` fetches.
    fn adapted(
        &self,
        _index: usize,
        _want: Want,
        read: &dyn Fn() -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        read()
    }
}

impl<A: Adapter> Source for A {
    fn len(&self) -> usize {
        self.sources().iter().map(|source| source.len()).sum()
    }

    fn spec(&self) -> ImageSpec {
        self.adapted_spec(self.sources()[0].spec())
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let (source, place) = origin(self.sources(), index);
        self.adapted(index, want, &|| source.sample(place, want))
    }

    fn probe(&self, index: usize) -> Result<ImageSpec, DataError> {
        let (source, place) = origin(self.sources(), index);
        Ok(self.adapted_spec(source.probe(place)?))
    }

    fn drawn(&self, index: usize, draw: u64, want: Want) -> Result<Sample, DataError> {
        let (source, place) = origin(self.sources(), index);
        self.adapted(index, want, &|| source.drawn(place, draw, want))
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let (source, place) = origin(self.sources(), index);
        source.name(place)
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        let (source, place) = origin(self.sources(), index);
        source.frames(place).map(|frames| frames.map(|frame| index - place + frame))
    }
}

/// Finds the source that holds sample `index` of the whole, and its index there.
fn origin(sources: &[Arc<dyn Source>], index: usize) -> (&dyn Source, usize) {
    let mut place = index;
    for source in sources {
        let n_samples = source.len();
        if place < n_samples {
            return (&**source, place);
        }
        place -= n_samples;
    }
    panic!("sample {index} of {}", index - place);
}
