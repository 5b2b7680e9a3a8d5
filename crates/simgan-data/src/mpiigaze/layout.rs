use std::sync::Arc;

use super::{MpiiGaze, MpiiGazeOptions};
use crate::{DataError, Layout, Listing, Match, Source, SourceRequest};

/// The layout of MPIIGaze as published, or of a part of it.
pub(crate) struct MpiiGazeLayout;

impl Layout for MpiiGazeLayout {
    fn name(&self) -> &'static str {
        "mpiigaze"
    }

    fn help(&self) -> String {
        "MPIIGaze's folder, one person's folder or a day file".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        if MpiiGaze::is_at(at.path()) { Match::Specific } else { Match::No }
    }

    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let options = MpiiGazeOptions { on_error: request.on_error, ..MpiiGazeOptions::default() };
        let eyes = MpiiGaze::open(at.path(), &options)?;
        eyes.skipped().iter().for_each(|error| tracing::warn!("left out: {error}"));
        Ok(Arc::new(eyes))
    }
}
