//! What is known about an image, by name: each kind of annotation has a file of its own.
//!
//! A kind's file says how it follows the pixels through a [`Transform`], how it is packed and how it is
//! written as JSON. A new kind takes such a file, a variant of [`Annotation`], its arm in `Annotation::kind`
//! and its row in [`FORMS`].

mod boxes;
mod class;
mod direction;
mod form;
mod lookup;
mod mask;
mod points;
#[cfg(test)]
mod tests;
mod vector;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

pub use self::boxes::{BoundingBox, Boxes};
pub use self::class::Class;
pub use self::direction::Direction;
pub(crate) use self::form::{Form, numbers};
pub use self::lookup::{AnnotationsExt, names};
pub use self::mask::Mask;
pub use self::points::Points;
pub use self::vector::{Vector, VectorKind};
use crate::Transform;

/// What an annotation is called; [`names`] lists those that this project knows.
pub type Name = Cow<'static, str>;

/// What is known about an image, by name; [`AnnotationsExt`] has typed look-ups.
pub type Annotations = BTreeMap<Name, Annotation>;

/// One thing that is known about an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Annotation {
    /// A direction in space.
    Direction(Direction),
    /// Points in the image.
    Points(Points),
    /// Rectangles around objects.
    Boxes(Boxes),
    /// One of several classes.
    Class(Class),
    /// Numbers.
    Vector(Vector),
    /// A class for each pixel.
    Mask(Mask),
}

/// All forms in which annotations are packed and written.
const FORMS: [&Form; 8] = [
    &direction::FORM,
    &points::FORM,
    &boxes::FORM,
    &class::FORM,
    &vector::ROTATION,
    &vector::SCALARS,
    &vector::UNKNOWN,
    &mask::FORM,
];

/// What each kind of annotation knows of itself.
trait Kind {
    /// How this annotation is packed and written; one of [`FORMS`].
    fn form(&self) -> &'static Form;

    /// This annotation of the image that `transform` makes.
    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale>;

    /// Appends its values, whole items of [`Form::item_bytes`] bytes, to a row of a packed file.
    fn pack(&self, row: &mut Vec<u8>);

    /// Its value in a JSON record.
    fn to_json(&self) -> Value;
}

/// Why an annotation cannot follow its image: what it says would no longer be true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Stale {
    /// What stands in the way.
    pub reason: String,
}

impl Annotation {
    fn kind(&self) -> &dyn Kind {
        match self {
            Self::Direction(direction) => direction,
            Self::Points(points) => points,
            Self::Boxes(boxes) => boxes,
            Self::Class(class) => class,
            Self::Vector(vector) => vector,
            Self::Mask(mask) => mask,
        }
    }

    /// This annotation of the image that `transform` makes.
    ///
    /// # Errors
    /// An annotation that would not be true there; each kind says when.
    pub fn transformed(&self, transform: &Transform) -> Result<Self, Stale> {
        self.kind().transformed(transform)
    }

    /// How it is packed and written.
    pub(crate) fn form(&self) -> &'static Form {
        self.kind().form()
    }

    /// Appends its values to a row of a packed file.
    pub(crate) fn pack(&self, row: &mut Vec<u8>) {
        self.kind().pack(row);
    }

    /// The JSON object that [`Annotation::from_json`] reads: `{"points": [[1.5, 2.0]]}`.
    pub(crate) fn to_json(&self) -> Value {
        Value::Object([(self.form().tag.to_owned(), self.kind().to_json())].into_iter().collect())
    }

    /// An annotation from a JSON object whose one field says which kind it is. Other objects have none:
    /// `None`.
    ///
    /// # Errors
    /// Says what the field should hold.
    pub(crate) fn from_json(value: &Value) -> Option<Result<Self, String>> {
        let (tag, value) = value.as_object().filter(|fields| fields.len() == 1)?.iter().next()?;
        let form = Form::of_tag(tag)?;
        Some((form.parse)(value).ok_or_else(|| format!("\"{tag}\" does not hold what its name says")))
    }
}

impl Form {
    /// The form that is called so.
    pub(crate) fn of_tag(tag: &str) -> Option<&'static Self> {
        FORMS.into_iter().find(|form| form.tag == tag)
    }
}
