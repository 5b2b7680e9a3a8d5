use serde_json::Value;

use crate::annotation::Annotations;
use crate::{DataError, Image, Orientation, Transform};

/// One image with what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Path relative to the source's root, `/` between its parts (`s01/0007.png`), or the index of a rendered
    /// sample.
    pub name: String,
    /// The pixels as they were stored.
    pub image: Image,
    /// What is known about the image, by name; empty for an unlabelled photograph.
    pub annotations: Annotations,
    /// The source's own record (UnityEyes' JSON, for example), unchanged: its coordinates are those of the
    /// file.
    pub record: Option<Value>,
}

impl Sample {
    /// An image of which nothing is known.
    #[must_use]
    pub fn new(name: impl Into<String>, image: Image) -> Self {
        Self { name: name.into(), image, annotations: Annotations::new(), record: None }
    }

    /// The sample turned and mirrored; its annotations follow.
    ///
    /// # Errors
    /// An annotation that would not be true of the new image.
    pub fn oriented(self, orientation: Orientation) -> Result<Self, DataError> {
        let transform = Transform::orient(self.image.spec().size(), orientation);
        let image = self.image.oriented(orientation);
        Self { image, ..self }.followed(&transform)
    }

    /// The sample with its annotations moved as its pixels were already.
    pub(crate) fn followed(mut self, transform: &Transform) -> Result<Self, DataError> {
        for (name, annotation) in &mut self.annotations {
            *annotation = annotation.transformed(transform).map_err(|stale| DataError::Stale {
                sample: self.name.clone(),
                annotation: name.to_string(),
                reason: stale.reason,
            })?;
        }
        Ok(self)
    }
}
