//! What a label file says of one image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::json::Json;
use super::text::line_of;
use crate::record::read_record;
use crate::{Annotation, Annotations, BoundingBox, Boxes, ClassNames, Size};

/// What a label file says of one image, until the image's size is known.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// Annotations in pixels, and the size of the image that the file recorded.
    Known(Annotations, Option<Size>),
    /// Annotations as fractions of the image's width and height.
    Fractions(Annotations),
    /// Boxes in pixels, each with the name of its class, and the size of the image that the file recorded.
    Named(Vec<(String, BoundingBox)>, Option<Size>),
    /// A JSON record, and where it stands: "line 3".
    Record(Value, String),
    /// What is said, and the names of the classes that its annotation `class` numbers.
    Classed(Box<Self>, ClassNames),
}

impl Said {
    pub(super) fn known(annotations: Annotations, frame: Option<Size>) -> Self {
        Self::Known(annotations, frame)
    }

    /// Adds the names of classes, if they are known.
    pub(super) fn classed(self, names: Option<&ClassNames>) -> Self {
        match names {
            Some(names) => Self::Classed(Box::new(self), Arc::clone(names)),
            None => self,
        }
    }

    /// The names of the classes that its annotation `class` numbers.
    pub(super) fn classes(&self) -> Option<&ClassNames> {
        if let Self::Classed(_, names) = self { Some(names) } else { None }
    }

    /// The annotations of an image of this upright size.
    ///
    /// # Errors
    /// A field does not hold what its name promises, or the file is about an image of another size.
    pub(super) fn annotations(&self, size: Size) -> Result<Annotations, String> {
        match self {
            Self::Classed(said, _) => said.annotations(size),
            Self::Named(..) => self.clone().numbered(&self.class_names())?.annotations(size),
            Self::Known(annotations, frame) => match frame.filter(|frame| *frame != size) {
                Some(frame) => Err(format!("it is about an image of {frame} pixels, but this has {size}")),
                None => Ok(annotations.clone()),
            },
            Self::Fractions(annotations) => {
                Ok(annotations.iter().map(|(name, own)| (name.clone(), scaled(own, size))).collect())
            }
            Self::Record(value, place) => {
                read_record(value, size.height).map_err(|fault| format!("{place}{}", fault.reason))
            }
        }
    }

    /// The names of boxes' classes that stand for numbers, sorted.
    pub(super) fn class_names(&self) -> BTreeSet<String> {
        match self {
            Self::Named(boxes, _) => boxes.iter().map(|(name, _)| name.clone()).collect(),
            _ => BTreeSet::new(),
        }
    }

    /// Replaces names of classes by their places among `names`.
    ///
    /// # Errors
    /// A name is not among them.
    pub(super) fn numbered(self, names: &BTreeSet<String>) -> Result<Self, String> {
        let Self::Named(boxes, frame) = self else { return Ok(self) };
        let numbers: BTreeMap<&String, u16> = names.iter().zip(0..).collect();
        let boxes: Result<Vec<_>, String> = boxes
            .into_iter()
            .map(|(name, own)| match numbers.get(&name) {
                Some(class) => Ok(BoundingBox { class: *class, ..own }),
                None => Err(format!("the class \"{name}\" came after the labels were first read")),
            })
            .collect();
        Ok(Self::Known(Annotations::from([("boxes".into(), Boxes(boxes?).into())]), frame))
    }

    /// The record, if it is one.
    pub(super) fn record(&self) -> Option<&Value> {
        if let Self::Record(value, _) = self { Some(value) } else { None }
    }
}

/// Scales points and boxes from fractions to pixels.
fn scaled(annotation: &Annotation, size: Size) -> Annotation {
    let point = |[x, y]: [f32; 2]| [x * size.width as f32, y * size.height as f32];
    match annotation.clone() {
        Annotation::Points(mut points) => {
            points.0.iter_mut().for_each(|own| *own = point(*own));
            points.into()
        }
        Annotation::Boxes(mut boxes) => {
            boxes.0.iter_mut().for_each(|own| (own.min, own.max) = (point(own.min), point(own.max)));
            boxes.into()
        }
        other => other,
    }
}

/// The key points of an image, if exactly one object has some and any of them is labelled; those that are not
/// are unknown.
pub(super) fn keypoints(objects: &[Vec<[f64; 3]>]) -> Option<Annotation> {
    let [points] = objects else { return None };
    let point = |[x, y, v]: &[f64; 3]| if *v > 0.0 { [*x as f32, *y as f32] } else { [f32::NAN; 2] };
    let is_labelled = points.iter().any(|point| point[2] > 0.0);
    is_labelled.then(|| points.iter().map(point).collect::<Vec<_>>().into())
}

/// Maximum number of classes that a warning names.
const MOST_NAMED: usize = 6;

/// Says how the names of boxes' classes are numbered, which holds for this file or folder alone.
pub(super) fn warn_of_names<'a>(path: &Path, names: impl ExactSizeIterator<Item = &'a str>) {
    let n_others = names.len().saturating_sub(MOST_NAMED);
    let told: Vec<_> =
        names.take(MOST_NAMED).enumerate().map(|(number, name)| format!("{number} = {name}")).collect();
    let others = if n_others > 0 { format!(" and {n_others} more") } else { String::new() };
    tracing::warn!(
        "{}: classes of boxes are numbered by name: {}{others}; sources with other names are numbered otherwise",
        path.display(),
        told.join(", ")
    );
}

/// Reads a JSON text as a record and its annotations, for an image `height` pixels high.
///
/// # Errors
/// The text is damaged, or a field does not hold what its name promises; the message names line and field.
pub(crate) fn json_record(bytes: &[u8], height: usize) -> Result<(Annotations, Value), String> {
    let text = super::text::Text::decode(bytes)?.text;
    let value = parse(&text)?;
    match read_record(&value, height) {
        Ok(annotations) => Ok((annotations, value)),
        Err(fault) => Err(format!("line {}: {}", line_of_field(&text, &fault.path), fault.reason)),
    }
}

/// Reads a JSON text in any encoding that label files have.
///
/// # Errors
/// It is damaged.
pub(crate) fn json_value(bytes: &[u8]) -> Result<Value, String> {
    parse(&super::text::Text::decode(bytes)?.text)
}

/// Parses JSON; `NaN`, as Python writes it, becomes the string "NaN".
pub(super) fn parse(text: &str) -> Result<Value, String> {
    // serde_json is faster, and its messages are better.
    serde_json::from_str(text).or_else(|error| match Json::parse(text) {
        Ok(json) => Ok(json.root().to_value()),
        Err(_) => Err(format!("not JSON: {error}")),
    })
}

/// The line on which a field's value begins.
fn line_of_field(text: &str, path: &[String]) -> usize {
    let Ok(json) = Json::parse(text) else { return 1 };
    let mut value = json.root();
    for name in path {
        let Some(inner) = value.get(name) else { break };
        value = inner;
    }
    line_of(text, value.span().start)
}
