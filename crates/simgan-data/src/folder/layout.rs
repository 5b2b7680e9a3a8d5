use std::sync::Arc;

use super::{Folder, check_folder};
use crate::{Crop, DataError, Layout, Listing, Match, Role, Source, SourceRequest, unityeyes};

/// The layout of any folder of images, chosen if no specific layout fits.
pub(crate) struct FolderLayout;

impl Layout for FolderLayout {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn help(&self) -> String {
        "a folder of PNG, JPEG, TIFF or BMP images (gray or RGB, 8 or 16 bit, with label files beside them or one index file)"
            .to_owned()
    }

    fn recognise(&self, _: &Listing) -> Match {
        Match::General
    }

    fn crops(&self) -> bool {
        true
    }

    fn is_image_folder(&self) -> bool {
        true
    }

    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let path = at.path().to_owned();
        check_folder(&path)?;
        // The crop setting applies to synthetic and real images alike, but photographs have no records and
        // need no crop.
        let is_cropped = matches!(request.crop, Crop::Fixed | Crop::EyeWidth);
        if is_cropped && request.role == Role::Synthetic && !at.images().is_empty() {
            return Err(DataError::NothingToCrop { path, reason: unityeyes::Evidence::at(&at).to_string() });
        }
        Ok(Arc::new(Folder::of_walk(&path, at.into_found()?, &request.folder_options())?))
    }
}
