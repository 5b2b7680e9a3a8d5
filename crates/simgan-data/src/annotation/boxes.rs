use serde_json::{Value, json};

use super::form::{self, Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::Transform;

/// Upright rectangles around objects, in the data set's order.
///
/// Boxes follow the pixels through every transform. None is clipped or dropped: a box that a crop cuts off
/// extends beyond the image, so that each box keeps its place in the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Boxes(pub Vec<BoundingBox>);

/// An upright rectangle, in pixels from the image's top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Left and top edge.
    pub min: [f32; 2],
    /// Right and bottom edge.
    pub max: [f32; 2],
    /// Class of the object; 0 if there is only one class.
    pub class: u16,
}

/// Five numbers per box: left, top, right, bottom and class; in JSON
/// `[[left, top, right, bottom, class], …]`.
pub(super) const FORM: Form = Form {
    tag: "boxes",
    dtype: Dtype::F32,
    width: 5,
    unpack: |row| boxes(&form::items(row)?),
    parse: |value| {
        let item = |value: &Value| form::numbers(value)?.try_into().ok();
        boxes(&value.as_array()?.iter().map(item).collect::<Option<Vec<_>>>()?)
    },
};

fn boxes(items: &[[f32; 5]]) -> Option<Annotation> {
    items.iter().map(BoundingBox::from_numbers).collect::<Option<_>>().map(|boxes| Boxes(boxes).into())
}

impl BoundingBox {
    fn numbers(&self) -> [f32; 5] {
        let ([left, top], [right, bottom]) = (self.min, self.max);
        // An f32 represents every u16 exactly.
        [left, top, right, bottom, f32::from(self.class)]
    }

    fn from_numbers([left, top, right, bottom, class]: &[f32; 5]) -> Option<Self> {
        let is_class = class.fract() == 0.0 && (0.0..=f32::from(u16::MAX)).contains(class);
        is_class.then_some(Self { min: [*left, *top], max: [*right, *bottom], class: *class as u16 })
    }

    fn transformed(&self, transform: &Transform) -> Self {
        // A mirror swaps left and right, so sort the edges again.
        let (a, b) = (transform.point(self.min), transform.point(self.max));
        let both = |pick: fn(f32, f32) -> f32| [pick(a[0], b[0]), pick(a[1], b[1])];
        Self { min: both(f32::min), max: both(f32::max), class: self.class }
    }
}

impl Kind for Boxes {
    fn form(&self) -> &'static Form {
        &FORM
    }

    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale> {
        Ok(Self(self.0.iter().map(|item| item.transformed(transform)).collect()).into())
    }

    fn pack(&self, row: &mut Vec<u8>) {
        self.0.iter().for_each(|item| form::extend(row, &item.numbers()));
    }

    fn to_json(&self) -> Value {
        let item = |item: &BoundingBox| {
            let ([left, top], [right, bottom]) = (item.min, item.max);
            json!([left, top, right, bottom, item.class])
        };
        self.0.iter().map(item).collect()
    }
}

impl From<Boxes> for Annotation {
    fn from(boxes: Boxes) -> Self {
        Self::Boxes(boxes)
    }
}

impl Annotation {
    /// The boxes; `None` for another kind.
    #[must_use]
    pub fn as_boxes(&self) -> Option<&[BoundingBox]> {
        if let Self::Boxes(boxes) = self { Some(&boxes.0) } else { None }
    }
}
