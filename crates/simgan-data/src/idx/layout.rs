use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Idx;
use super::name::{is_idx, is_images, is_packed};
use crate::{DataError, Layout, Listing, Match, Source, SourceRequest};

/// The layout of MNIST's files: one file of images, or a folder of such files, of which `train-…` is meant.
pub(crate) struct IdxLayout;

impl Layout for IdxLayout {
    fn name(&self) -> &'static str {
        "idx"
    }

    fn help(&self) -> String {
        "a folder of MNIST's IDX files, which means its training images, or one file of images \
         (t10k-images-idx3-ubyte.gz)"
            .to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        let is_one = at.path().is_file() && is_idx(at.path());
        let is_ours = is_one || at.path().is_dir() && at.images().is_empty() && at.files().any(is_images);
        if is_ours { Match::Specific } else { Match::No }
    }

    fn open(&self, _: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let path = if at.path().is_dir() { chosen(&at)? } else { at.path().to_owned() };
        Ok(Arc::new(Idx::open(&path)?))
    }
}

/// Chooses the training images of a folder, or its only ones.
fn chosen(at: &Listing) -> Result<PathBuf, DataError> {
    let all: Vec<&Path> = at.files().filter(|file| is_images(file)).collect();
    let is_unpacked_too = |file: &Path| is_packed(file) && all.contains(&file.with_extension("").as_path());
    let all: Vec<&Path> = all.iter().copied().filter(|file| !is_unpacked_too(file)).collect();
    let is_training = |file: &&&Path| {
        let name = file.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
        name.is_some_and(|name| name.contains("train"))
    };
    let training: Vec<&Path> = all.iter().filter(is_training).copied().collect();
    let path = |file: &&Path| at.path().join(file);
    match (&training[..], &all[..]) {
        ([one], _) | ([], [one]) => Ok(path(one)),
        ([], []) => {
            let reason = "no IDX file of images in it, as train-images-idx3-ubyte".to_owned();
            Err(DataError::Dataset { path: at.path().to_owned(), reason })
        }
        ([], several) | (several, _) => {
            let readings = several.iter().map(|file| path(file).display().to_string()).collect();
            Err(DataError::Ambiguous { spec: at.path().display().to_string(), readings })
        }
    }
}
