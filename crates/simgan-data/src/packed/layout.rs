use std::sync::Arc;

use super::Packed;
use crate::{DataError, Layout, Listing, Match, Source, SourceRequest};

/// The layout of a file made by [`pack`](crate::pack), recognised by its extension or its header.
pub(crate) struct PackedLayout;

impl Layout for PackedLayout {
    fn name(&self) -> &'static str {
        "packed"
    }

    fn help(&self) -> String {
        "a packed data set (.safetensors)".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        let is_ours = at.is_file_with(&["safetensors"]) || Packed::is_at(at.path());
        if is_ours { Match::Specific } else { Match::No }
    }

    fn open(&self, _: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        Ok(Arc::new(Packed::open(at.path())?))
    }
}
