use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Adapter, Source, Want};
use crate::{DataError, Sample};

/// A source that keeps the images it gave without labels, so that each is read or rendered once however often
/// it is asked for.
pub struct Remembering {
    source: Arc<dyn Source>,
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    samples: HashMap<usize, Sample>,
    n_bytes: usize,
}

impl Remembering {
    /// Keeps images of `source` until they have `most_bytes` bytes of pixels; others are made anew each time.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, most_bytes: usize) -> Self {
        Self { source, most_bytes, kept: Mutex::default() }
    }
}

impl Adapter for Remembering {
    fn sources(&self) -> &[Arc<dyn Source>] {
        std::slice::from_ref(&self.source)
    }

    fn adapted(
        &self,
        index: usize,
        want: Want,
        read: &dyn Fn() -> Result<Sample, DataError>,
    ) -> Result<Sample, DataError> {
        if want != Want::Image {
            return read();
        }
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sample) = kept().samples.get(&index) {
            return Ok(sample.clone());
        }
        // Not under the lock: other threads go on meanwhile.
        let sample = read()?;
        let (mut kept, n_bytes) = (kept(), sample.image.n_bytes());
        if kept.n_bytes + n_bytes <= self.most_bytes && kept.samples.insert(index, sample.clone()).is_none() {
            kept.n_bytes += n_bytes;
        }
        Ok(sample)
    }
}
