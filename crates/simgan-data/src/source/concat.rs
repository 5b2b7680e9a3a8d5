use std::sync::Arc;

use super::{Adapter, Source, check_same};
use crate::DataError;

/// Several sources joined into one, in the order given.
pub struct Concat {
    sources: Vec<Arc<dyn Source>>,
}

impl Concat {
    /// Joins the sources.
    ///
    /// # Errors
    /// There are no sources, or two differ in size or channels; convert them with [`Fitted`](crate::Fitted)
    /// first.
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
