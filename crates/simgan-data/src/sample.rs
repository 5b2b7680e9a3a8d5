use std::sync::Arc;

use serde_json::Value;

use crate::annotation::Annotations;
use crate::{DataError, Image, Orientation, Transform};

/// The names of classes, in the order of their numbers from 0.
pub type ClassNames = Arc<[String]>;

/// One image with its annotations.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Path relative to the source's root with `/` as separator (`s01/0007.png`), or the index of a rendered
    /// sample.
    pub name: String,
    /// The pixels as stored.
    pub image: Image,
    /// Annotations by name; empty for an unlabelled photograph.
    pub annotations: Annotations,
    /// The names of the classes that the annotation [`names::CLASS`](crate::names::CLASS) numbers, where the
    /// label file tells them. Other files number other names.
    pub classes: Option<ClassNames>,
    /// The source's own record, for example UnityEyes' JSON, unchanged: its coordinates are those of the
    /// original file, not of `image`.
    pub record: Option<Value>,
}

impl Sample {
    /// A sample without annotations.
    #[must_use]
    pub fn new(name: impl Into<String>, image: Image) -> Self {
        Self { name: name.into(), image, annotations: Annotations::new(), classes: None, record: None }
    }

    /// Rotates and mirrors the sample; its annotations follow.
    ///
    /// # Errors
    /// [`DataError::Stale`] if an annotation cannot follow the image.
    pub fn oriented(self, orientation: Orientation) -> Result<Self, DataError> {
        let transform = Transform::orient(self.image.spec().size(), orientation);
        let image = self.image.oriented(orientation);
        Self { image, ..self }.followed(&transform)
    }

    /// Moves the annotations to where `transform` has already moved the pixels.
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
