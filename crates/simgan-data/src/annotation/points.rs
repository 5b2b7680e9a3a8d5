use serde_json::{Value, json};

use super::form::{self, Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::Transform;

/// Points in the data set's order, in pixels: x from the left edge, y down from the top edge. The centre of
/// the first pixel is (0.5, 0.5).
///
/// A point that is not known, such as a hidden joint, has NaN for coordinates; in JSON it is `null`. Points follow the pixels through every transform and may end up outside the image. Each keeps its place in
/// the list, even under a mirror, which makes a left eye look like a right one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points(pub Vec<[f32; 2]>);

/// Two numbers per point; in JSON `[[x, y], …]`.
pub(super) const FORM: Form = Form {
    tag: "points",
    dtype: Dtype::F32,
    width: 2,
    unpack: |row| form::known_items(row).map(|points| Points(points).into()),
    parse: |value| {
        let point = |value: &Value| match value {
            Value::Null => Some([f32::NAN; 2]),
            value => form::numbers(value)?.try_into().ok(),
        };
        let points: Option<Vec<[f32; 2]>> = value.as_array()?.iter().map(point).collect();
        points.map(|points| Points(points).into())
    },
};

impl Kind for Points {
    fn form(&self) -> &'static Form {
        &FORM
    }

    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale> {
        Ok(Self(self.0.iter().map(|point| transform.point(*point)).collect()).into())
    }

    fn pack(&self, row: &mut Vec<u8>) {
        form::extend(row, self.0.as_flattened());
    }

    fn to_json(&self) -> Value {
        let point = |point: &[f32; 2]| match point.iter().all(|value| value.is_finite()) {
            true => json!(point),
            false => Value::Null,
        };
        self.0.iter().map(point).collect()
    }
}

impl From<Points> for Annotation {
    fn from(points: Points) -> Self {
        Self::Points(points)
    }
}

impl From<Vec<[f32; 2]>> for Annotation {
    fn from(points: Vec<[f32; 2]>) -> Self {
        Self::Points(Points(points))
    }
}

impl Annotation {
    /// The points; `None` for another kind.
    #[must_use]
    pub fn as_points(&self) -> Option<&[[f32; 2]]> {
        if let Self::Points(points) = self { Some(&points.0) } else { None }
    }
}
