use std::sync::Arc;

use super::{Source, Want};
use crate::{DataError, ImageSpec, Sample};

/// A source that changes what others give. Whoever implements this is a [`Source`] without forwarding
/// anything by hand, so that no method can be forgotten.
pub(crate) trait Adapter: Send + Sync {
    /// Where samples come from: these sources, one behind the other. There is one at least.
    fn sources(&self) -> &[Arc<dyn Source>];

    /// What becomes of the images' spec.
    fn adapted_spec(&self, spec: ImageSpec) -> ImageSpec {
        spec
    }

    /// What becomes of sample `index`, which `read` fetches.
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

    fn name(&self, index: usize) -> Result<String, DataError> {
        let (source, place) = origin(self.sources(), index);
        source.name(place)
    }
}

/// The source that holds sample `index` of all, and its place there.
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
