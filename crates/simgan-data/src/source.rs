use serde_json::Value;

use crate::{DataError, Gaze, Image, ImageSpec};

/// Random access to the images of one domain.
pub trait Source: Send + Sync {
    /// How many samples there are; never zero.
    fn len(&self) -> usize;

    /// Always false: a source without samples is an error when it is opened.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What every image of the source has in common.
    fn spec(&self) -> ImageSpec;

    /// The sample at `index`, the same at each call.
    ///
    /// # Errors
    /// A file that cannot be read or decoded; the error names it.
    ///
    /// # Panics
    /// If `index >= self.len()`, as slices do.
    fn sample(&self, index: usize) -> Result<Sample, DataError>;
}

/// One image with what is known about it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Path relative to the source's root, `/` between its parts (`s01/0007.png`), or the index of a rendered sample.
    pub name: String,
    /// The pixels as they were stored.
    pub image: Image,
    /// What is known about the image; empty for an unlabelled photograph.
    pub label: Label,
}

/// What is known about an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// Where the eye looks, in camera coordinates.
    pub gaze: Option<Gaze>,
    /// The source's own record (UnityEyes' JSON, for example), unchanged.
    pub record: Option<Value>,
}
