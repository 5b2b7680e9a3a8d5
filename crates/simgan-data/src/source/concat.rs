use std::sync::Arc;

use super::{Adapter, Source, check_same};
use crate::DataError;

/// Several sources as one, in the order in which they are given.
pub struct Concat {
    sources: Vec<Arc<dyn Source>>,
}

impl Concat {
    /// The sources one behind the other.
    ///
    /// # Errors
    /// If there are none, or if two differ in size or channels; [`Fitted`](crate::Fitted) brings them
    /// together.
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Result<Self, DataError> {
        let first = sources.first().ok_or_else(|| DataError::Empty { what: "no sources".to_owned() })?;
        for (i, other) in sources.iter().enumerate() {
            let name = format!("source {}", i + 1);
            check_same(("source 1", first.spec()), (&name, other.spec()))?;
        }
        Ok(Self { sources })
    }
}

impl Adapter for Concat {
    fn sources(&self) -> &[Arc<dyn Source>] {
        &self.sources
    }
}
