use std::sync::Arc;

use super::{Adapter, Source, Want};
use crate::{DataError, Sample, Tone};

/// A source whose images have another tone. Annotations stay, since nothing moves.
pub struct Toned {
    source: Arc<dyn Source>,
    tone: Tone,
}

impl Toned {
    /// Wraps `source`, whose images have the whole scale of their depth ([`Tone::apply`]), as those of a
    /// [`Fitted`](crate::Fitted) source do.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, tone: Tone) -> Self {
        Self { source, tone }
    }
}

impl Adapter for Toned {
    fn sources(&self) -> &[Arc<dyn Source>] {
        std::slice::from_ref(&self.source)
    }

    fn adapted(
        &self,
        _: usize,
        _: Want,
        read: &dyn Fn() -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        let sample = read()?;
        Ok(Sample { image: self.tone.apply(&sample.image), ..sample })
    }
}
