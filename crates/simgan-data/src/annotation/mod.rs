//! Annotations of an image, by name. Each kind of annotation has a file of its own.
//!
//! That file defines how the kind follows the pixels through a [`Transform`], how it is packed and how it is
//! written as JSON. A new kind needs such a file, a variant of [`Annotation`], its arm in `Annotation::kind`
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

/// An annotation's name; [`names`] lists those that this project uses.
pub type Name = Cow<'static, str>;

/// The annotations of an image, by name; [`AnnotationsExt`] has typed look-ups.
pub type Annotations = BTreeMap<Name, Annotation>;

/// One annotation of an image.
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
    /// A vector of numbers.
    Vector(Vector),
    /// A class for each pixel.
    Mask(Mask),
}

/// All packed and JSON forms of annotations.
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

/// The behaviour of one kind of annotation.
trait Kind {
    /// Its packed and JSON form, one of [`FORMS`].
    fn form(&self) -> &'static Form;

    /// Returns the annotation after `transform`.
    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale>;

    /// Appends its values to a row of a packed file, as whole items of [`Form::item_bytes`] bytes.
    fn pack(&self, row: &mut Vec<u8>);

    /// Returns its value in a JSON record.
    fn to_json(&self) -> Value;
}

/// An annotation cannot follow its image: the transform would make it wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Stale {
    /// Why it cannot.
    pub(crate) reason: String,
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

    /// Returns the annotation after `transform`.
    ///
    /// # Errors
    /// The transform would make the annotation wrong; each kind documents when.
    pub(crate) fn transformed(&self, transform: &Transform) -> Result<Self, Stale> {
        self.kind().transformed(transform)
    }

    /// The name of its kind, as JSON records tag it: `direction`, `points`, `class`, ….
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.form().tag
    }

    /// Its packed and JSON form.
    pub(crate) fn form(&self) -> &'static Form {
        self.kind().form()
    }

    /// Appends its values to a row of a packed file.
    pub(crate) fn pack(&self, row: &mut Vec<u8>) {
        self.kind().pack(row);
    }

    /// Writes it as records hold it: an object whose single field names its kind, `{"points": [[1.5, 2.0]]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object([(self.form().tag.to_owned(), self.kind().to_json())].into_iter().collect())
    }

    /// Reads an annotation from a JSON object whose single field names its kind. Returns `None` for any other
    /// object.
    ///
    /// # Errors
    /// The field does not hold a value of its kind.
    pub(crate) fn from_json(value: &Value) -> Option<Result<Self, String>> {
        let (tag, value) = value.as_object().filter(|fields| fields.len() == 1)?.iter().next()?;
        // No form of ours is a string: another program uses the same word, as in {"class": "person"}.
        if value.is_string() {
            return None;
        }
        let form = Form::of_tag(tag)?;
        Some((form.parse)(value).ok_or_else(|| format!("\"{tag}\" does not hold a value of that kind")))
    }
}

impl Form {
    /// Finds a form by its tag.
    pub(crate) fn of_tag(tag: &str) -> Option<&'static Self> {
        FORMS.into_iter().find(|form| form.tag == tag)
    }
}
