//! Kaggle's eye-gaze set, distributed as HDF5.

#[cfg(feature = "hdf5")]
mod read;

use std::path::Path;
use std::sync::Arc;

use crate::{DataError, Layout, Listing, Match, Source, SourceRequest};

/// The layout of Kaggle's eye-gaze files. The feature `hdf5` reads them; without it they are recognised, and
/// opening one fails with a hint.
pub(crate) struct Hdf5Layout;

impl Layout for Hdf5Layout {
    fn name(&self) -> &'static str {
        "hdf5"
    }

    fn help(&self) -> String {
        "an HDF5 file of Kaggle's eye-gaze set (.h5)".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        if at.is_file_with(&["h5", "hdf5"]) { Match::Specific } else { Match::No }
    }

    fn open(&self, _: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        open(at.path())
    }
}

#[cfg(feature = "hdf5")]
fn open(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    Ok(Arc::new(read::open(path)?))
}

#[cfg(not(feature = "hdf5"))]
fn open(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    Err(DataError::NoHdf5 { path: path.to_owned() })
}
