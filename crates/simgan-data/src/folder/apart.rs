use std::path::PathBuf;

use super::mask::kind_of;
use super::{Kept, KeptImage};
use crate::labels;

/// The images of a folder that a job does not work on, as label files may name them; sorted.
pub(crate) struct Apart {
    all: Vec<PathBuf>,
    left: Vec<PathBuf>,
}

impl Apart {
    /// Of a folder's kept images and of those that are not even copied.
    pub(crate) fn new(images: &[PathBuf], kept: &[KeptImage], not_chosen: Vec<PathBuf>) -> Self {
        let is_left =
            |image: &&KeptImage| image.why == Kept::NotChosen && kind_of(&image.path, images).is_none();
        let mut left: Vec<_> = kept.iter().filter(is_left).map(|image| image.path.clone()).collect();
        let mut all: Vec<_> = kept.iter().map(|image| image.path.clone()).collect();
        left.extend(not_chosen.iter().filter(|image| kind_of(image, images).is_none()).cloned());
        all.extend(not_chosen);
        left.sort_unstable();
        all.sort_unstable();
        Self { all, left }
    }

    /// Those that are no masks, depth images or the like: labels may be about them.
    pub(crate) fn left(&self) -> &[PathBuf] {
        &self.left
    }

    pub(crate) fn named(&self) -> labels::Apart<'_> {
        labels::Apart { images: &self.all, namesakes: &self.left }
    }
}
