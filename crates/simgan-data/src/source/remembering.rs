use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Adapter, Source, Want};
use crate::{DataError, Sample};

/// A source that caches the images it reads without labels, so that each is read or rendered only once.
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
    /// Caches images of `source` up to `most_bytes` bytes of pixels; the rest are read again each time.
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
        // Read without holding the lock, so that other threads are not blocked.
        let sample = read()?;
        let (mut kept, n_bytes) = (kept(), sample.image.n_bytes());
        // Another thread may have stored this image meanwhile; count its bytes only once.
        if kept.n_bytes + n_bytes <= self.most_bytes && kept.samples.insert(index, sample.clone()).is_none() {
            kept.n_bytes += n_bytes;
        }
        Ok(sample)
    }
}
