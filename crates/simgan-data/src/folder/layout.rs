use std::sync::Arc;

use super::{Folder, check_folder};
use crate::{DataError, Layout, Listing, Match, Source, SourceRequest, unityeyes};

/// The layout of any folder of images, chosen if no specific layout fits.
pub(crate) struct FolderLayout;

impl Layout for FolderLayout {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn help(&self) -> String {
        "a folder of images (PNG, JPEG, TIFF, BMP, PNM, WebP or GIF, with label files beside them or one index file)"
            .to_owned()
    }

    fn recognise(&self, _: &Listing) -> Match {
        Match::General
    }

    fn is_image_folder(&self) -> bool {
        true
    }

    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        check_folder(at.path())?;
        if request.needs_crop() && !at.images().is_empty() {
            let reason = unityeyes::Evidence::at(&at).to_string();
            return Err(DataError::NothingToCrop { path: at.path().to_owned(), reason });
        }
        Ok(Arc::new(Folder::of_listing(at, &request.folder_options())?))
    }
}
