//! The sizes and channels of a folder's images, from their headers.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::source::{check_same, first_readable};
use crate::{DataError, ImageFile, ImageSpec};

/// Maximum number of headers read to compare sizes.
const MAX_PROBED: usize = 100_000;

/// Returns the first image whose header can be read, among the first thousand; otherwise the first image's
/// error.
pub(super) fn first_probed<'a>(
    root: &Path,
    images: &'a [PathBuf],
) -> Result<(&'a PathBuf, ImageSpec), DataError> {
    first_readable(images.len(), |index| Ok((&images[index], ImageFile::probe(&root.join(&images[index]))?)))
}

/// Returns the spec that the images share; the error names the first image that differs from the first
/// readable one.
pub(super) fn common_spec(
    root: &Path,
    images: &[PathBuf],
    channels: Option<usize>,
) -> Result<ImageSpec, DataError> {
    let (first, first_spec) = first_probed(root, images)?;
    let wanted = |spec: ImageSpec| ImageSpec { channels: channels.unwrap_or(spec.channels), ..spec };
    let step = images.len().div_ceil(MAX_PROBED);
    let probed: Vec<&PathBuf> = images.iter().step_by(step).collect();
    // `find_map_first` returns the first odd image in order, whichever thread finds one first.
    let odd = probed.par_iter().find_map_first(|image| {
        // An unreadable image is reported when it is loaded.
        let spec = ImageFile::probe(&root.join(image)).ok()?;
        check_same((&first.to_string_lossy(), wanted(first_spec)), (&image.to_string_lossy(), wanted(spec)))
            .err()
    });
    odd.map_or(Ok(first_spec), Err)
}
