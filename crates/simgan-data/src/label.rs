use serde_json::{Map, Value, json};

use crate::Gaze;
use crate::image::Window;

/// What is known about an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Label {
    /// Where the eye looks, in camera coordinates.
    pub gaze: Option<Gaze>,
    /// Points on the eye, where the source knows them.
    pub landmarks: Option<Landmarks>,
    /// How the head is turned, in camera coordinates: a rotation vector (axis times angle in radians).
    pub head_pose: Option<[f32; 3]>,
    /// The source's own record (UnityEyes' JSON, for example), unchanged.
    pub record: Option<Value>,
}

/// Points on the eye in pixels: x from the left edge, y down from the top edge of the image, so that the centre of the
/// first pixel is (0.5, 0.5).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Landmarks {
    /// Along the lids' inner margin: inner corner, upper lid, outer corner, lower lid (UnityEyes: 16 points).
    pub lid_margin: Vec<[f32; 2]>,
    /// Around the caruncle, the pink corner at the nose (UnityEyes: 7 points).
    pub caruncle: Vec<[f32; 2]>,
    /// Around the iris (UnityEyes: 32 points).
    pub iris: Vec<[f32; 2]>,
    /// The joints of a hand, in the data set's order (NYU: 36).
    pub joints: Vec<[f32; 2]>,
}

impl Label {
    /// The label that a JSON record holds, for an image of `height` rows.
    ///
    /// Understood are, each alone or together:
    /// - UnityEyes' `eye_details.look_vec` (or `look_vec` at the top), as `"(x, y, z, 0.0)"` or as a list, with y *up*:
    ///   y is negated into [`Gaze`];
    /// - `gaze`, a list of three numbers that is already in the coordinates of [`Gaze`];
    /// - `head_pose`, a list of three numbers that is already a rotation vector;
    /// - UnityEyes' `interior_margin_2d`, `caruncle_2d` and `iris_2d`, and `joints_2d` of hands, lists of points with y
    ///   counted from the *bottom* edge: y becomes `height − y`.
    ///
    /// Everything else stays in `record` alone.
    ///
    /// # Errors
    /// Says which of these fields does not hold what it should.
    pub fn from_record(record: Value, height: usize) -> Result<Self, String> {
        let landmarks = Landmarks {
            lid_margin: points(&record, "interior_margin_2d", height)?,
            caruncle: points(&record, "caruncle_2d", height)?,
            iris: points(&record, "iris_2d", height)?,
            joints: points(&record, "joints_2d", height)?,
        };
        let has_landmarks = landmarks != Landmarks::default();
        Ok(Self {
            gaze: gaze(&record)?,
            head_pose: head_pose(&record)?,
            landmarks: has_landmarks.then_some(landmarks),
            record: Some(record),
        })
    }

    /// A JSON record of an image of `height` rows from which [`Label::from_record`] reads this label again, with the
    /// source's own record as `source_record`; `None` if nothing is known.
    #[must_use]
    pub fn to_record(&self, height: usize) -> Option<Value> {
        let mut record = Map::new();
        let mut add = |field: &str, value: Value| record.insert(field.to_owned(), value);
        if let Some(gaze) = self.gaze {
            add("gaze", json!(gaze.vector()));
        }
        if let Some(head_pose) = self.head_pose {
            add("head_pose", json!(head_pose));
        }
        let Landmarks { lid_margin, caruncle, iris, joints } = self.landmarks.clone().unwrap_or_default();
        for (field, points) in [
            ("interior_margin_2d", lid_margin),
            ("caruncle_2d", caruncle),
            ("iris_2d", iris),
            ("joints_2d", joints),
        ] {
            if !points.is_empty() {
                let points: Vec<_> = points.into_iter().map(|[x, y]| [x, height as f32 - y]).collect();
                add(field, json!(points));
            }
        }
        if let Some(own) = &self.record {
            add("source_record", own.clone());
        }
        (!record.is_empty()).then_some(Value::Object(record))
    }
}

impl Landmarks {
    /// Where the points are in an image cut out of and scaled from this one.
    pub(crate) fn through(mut self, window: &Window) -> Self {
        let all = [&mut self.lid_margin, &mut self.caruncle, &mut self.iris, &mut self.joints];
        for point in all.into_iter().flatten() {
            *point = window.map(*point);
        }
        self
    }
}

fn gaze(record: &Value) -> Result<Option<Gaze>, String> {
    let look_vec = record.pointer("/eye_details/look_vec").or_else(|| record.get("look_vec"));
    let (field, value, y_sign) = match (look_vec, record.get("gaze")) {
        (Some(value), _) => ("look_vec", value, -1.0),
        (None, Some(value)) if value.is_array() => ("gaze", value, 1.0),
        _ => return Ok(None),
    };
    numbers(value)
        .and_then(|numbers| match numbers[..] {
            [x, y, z] | [x, y, z, _] => {
                let vector = [x, y_sign * y, z];
                // What was written as a unit vector stays what it was, to the bit.
                let own = Gaze::from_unit_vector(vector).filter(|_| field == "gaze");
                own.or_else(|| Gaze::from_vector(vector))
            }
            _ => None,
        })
        .map(Some)
        .ok_or_else(|| format!("\"{field}\" is not a direction: {value}"))
}

/// UnityEyes' `head_pose` is a text of Euler angles, and not taken.
fn head_pose(record: &Value) -> Result<Option<[f32; 3]>, String> {
    let Some(value) = record.get("head_pose").filter(|value| value.is_array()) else { return Ok(None) };
    let pose = numbers(value).and_then(|numbers| <[f32; 3]>::try_from(numbers).ok());
    pose.map(Some).ok_or_else(|| format!("\"head_pose\" is not a rotation vector: {value}"))
}

/// The points in `field`, none if it is absent.
fn points(record: &Value, field: &str, height: usize) -> Result<Vec<[f32; 2]>, String> {
    let Some(value) = record.get(field) else { return Ok(Vec::new()) };
    let point = |value: &Value| match numbers(value)?[..] {
        [x, y] | [x, y, _] => Some([x, height as f32 - y]),
        _ => None,
    };
    value
        .as_array()
        .and_then(|list| list.iter().map(point).collect())
        .ok_or_else(|| format!("\"{field}\" is not a list of points \"(x, y, depth)\""))
}

/// Finite numbers from `[1, 2]` or `"(1, 2)"`.
fn numbers(value: &Value) -> Option<Vec<f32>> {
    let numbers: Option<Vec<f32>> = match value {
        Value::Array(list) => list.iter().map(|number| number.as_f64().map(|number| number as f32)).collect(),
        Value::String(text) => {
            let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
            inner.split(',').map(|number| number.trim().parse().ok()).collect()
        }
        _ => None,
    };
    numbers.filter(|numbers| numbers.iter().all(|number| number.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_unityeyes_record_is_turned_the_right_way_up() {
        let record = json!({
            "interior_margin_2d": ["(371.5, 296.25, 8.8595)"],
            "iris_2d": ["(389.0, 332.5, 8.8831)", "(388.5, 339.0, 8.9)"],
            "eye_details": {"look_vec": "(0.0, 0.6, -0.8, 0.0000)"},
        });
        let label = Label::from_record(record.clone(), 600).unwrap();
        assert_eq!(label.gaze.unwrap().vector(), [0.0, -0.6, -0.8]);
        assert!(label.gaze.unwrap().pitch() > 0.0, "it looks up");
        let landmarks = label.landmarks.unwrap();
        assert_eq!(landmarks.lid_margin, [[371.5, 303.75]]);
        assert_eq!(landmarks.iris, [[389.0, 267.5], [388.5, 261.0]]);
        assert_eq!(label.record, Some(record));
    }

    #[test]
    fn a_label_survives_as_a_record() {
        let label = Label {
            gaze: Gaze::from_vector([0.3, -0.2, -0.9]),
            landmarks: Some(Landmarks { iris: vec![[1.5, 2.25]; 3], ..Landmarks::default() }),
            head_pose: Some([0.1, -0.7, 0.3]),
            record: Some(json!({"person": "p00"})),
        };
        let record = label.to_record(36).unwrap();
        let text: Value = serde_json::from_str(&record.to_string()).unwrap();
        let again = Label::from_record(text, 36).unwrap();
        assert_eq!(
            (again.gaze, again.landmarks, again.head_pose),
            (label.gaze, label.landmarks, label.head_pose)
        );
        assert_eq!(again.record.unwrap()["source_record"]["person"], "p00");
        assert_eq!(Label::default().to_record(36), None);
        assert!(Label::from_record(json!({"head_pose": [1, 2]}), 1).unwrap_err().contains("head_pose"));
    }

    #[test]
    fn lists_and_our_own_coordinates_are_read() {
        let label = Label::from_record(json!({"look_vec": [0.6, 0.0, -0.8]}), 1).unwrap();
        assert_eq!(label.gaze.unwrap().vector(), [0.6, 0.0, -0.8]);
        let label = Label::from_record(json!({"gaze": [0.0, 0.6, -0.8]}), 1).unwrap();
        assert_eq!(label.gaze.unwrap().vector(), [0.0, 0.6, -0.8]);
        let label = Label::from_record(json!({"age": 7, "gaze": "unknown"}), 1).unwrap();
        assert_eq!((label.gaze, label.landmarks), (None, None));
    }

    #[test]
    fn a_field_without_its_meaning_is_named() {
        for look_vec in
            [json!("(1, 2)"), json!("(0, 0, 0, 0)"), json!("(nan, 0, 1)"), json!("1, 2, 3"), json!(3)]
        {
            let error = Label::from_record(json!({"eye_details": {"look_vec": look_vec}}), 1).unwrap_err();
            assert!(error.contains("look_vec"), "{error}");
        }
        for iris in [json!("(1, 2)"), json!(["(1)"]), json!([[1, "2"]]), json!([null])] {
            let error = Label::from_record(json!({"iris_2d": iris}), 1).unwrap_err();
            assert!(error.contains("iris_2d"), "{error}");
        }
    }
}
