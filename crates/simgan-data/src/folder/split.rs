use std::path::{Path, PathBuf};

use super::Selection;
use super::look::Look;
use super::mask::{MaskKind, kind_of};
use crate::DataError;

/// An image that a job leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptImage {
    /// The path relative to the folder.
    pub path: PathBuf,
    /// Why.
    pub why: Kept,
}

/// Why a job leaves an image as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its name is that of a mask, depth or the like.
    Mask(MaskKind),
    /// Images of such names have a palette or very few values, unlike others in the folder.
    FewValues,
    /// The [`Selection`] leaves it out.
    NotChosen,
}

/// A folder's images, divided into those to work on and the others.
pub(super) struct Split {
    pub(super) images: Vec<PathBuf>,
    pub(super) kept: Vec<KeptImage>,
    /// Whether most of `images` are photographs, and were not named.
    pub(super) are_photographs: bool,
}

impl Split {
    /// Divides the images. A folder whose images all look like masks is a data set of masks: they are taken.
    ///
    /// # Errors
    /// [`DataError::NoneChosen`] if the selection takes none.
    pub(super) fn of(root: &Path, all: Vec<PathBuf>, selection: &Selection) -> Result<Self, DataError> {
        let n_images = all.len();
        let (chosen, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|image| selection.takes(image));
        if chosen.is_empty() {
            let globs = match selection.written() {
                [] => "what is not excluded".to_owned(),
                globs => globs.join(" or "),
            };
            return Err(DataError::NoneChosen { path: root.to_owned(), globs, n_images });
        }
        let mut split = Self { images: chosen, kept: Vec::new(), are_photographs: false };
        if !selection.names_images() {
            split.keep_masks();
            let look = Look::at(root, &split.images);
            split.keep(|image, _| look.is_none(image).then_some(Kept::FewValues));
            split.are_photographs = look.are_photographs;
        }
        split.kept.extend(left.into_iter().map(|path| KeptImage { path, why: Kept::NotChosen }));
        split.kept.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(split)
    }

    fn keep_masks(&mut self) {
        if self.images.iter().all(|image| kind_of(image, &self.images).is_some()) {
            return;
        }
        self.keep(|image, all| kind_of(image, all).map(Kept::Mask));
    }

    /// Moves the images for which `why` has a reason from `images` to `kept`.
    fn keep(&mut self, why: impl Fn(&Path, &[PathBuf]) -> Option<Kept>) {
        let reasons: Vec<_> = self.images.iter().map(|image| why(image, &self.images)).collect();
        if reasons.iter().all(Option::is_none) {
            return;
        }
        let mut images = Vec::with_capacity(self.images.len());
        for (path, reason) in std::mem::take(&mut self.images).into_iter().zip(reasons) {
            match reason {
                Some(why) => self.kept.push(KeptImage { path, why }),
                None => images.push(path),
            }
        }
        self.images = images;
    }
}
