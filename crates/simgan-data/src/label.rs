use serde_json::Value;

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
}

impl Label {
    /// The label that a JSON record holds, for an image of `height` rows.
    ///
    /// Understood are, each alone or together:
    /// - UnityEyes' `eye_details.look_vec` (or `look_vec` at the top), as `"(x, y, z, 0.0)"` or as a list, with y *up*:
    ///   y is negated into [`Gaze`];
    /// - `gaze`, a list of three numbers that is already in the coordinates of [`Gaze`];
    /// - UnityEyes' `interior_margin_2d`, `caruncle_2d` and `iris_2d`, lists of points with y counted from the
    ///   *bottom* edge: y becomes `height − y`.
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
        };
        let has_landmarks = landmarks != Landmarks::default();
        Ok(Self {
            gaze: gaze(&record)?,
            landmarks: has_landmarks.then_some(landmarks),
            record: Some(record),
            ..Self::default()
        })
    }
}

impl Landmarks {
    /// Where the points are in an image cut out of and scaled from this one.
    pub(crate) fn through(mut self, window: &Window) -> Self {
        for point in [&mut self.lid_margin, &mut self.caruncle, &mut self.iris].into_iter().flatten() {
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
            [x, y, z] | [x, y, z, _] => Gaze::from_vector([x, y_sign * y, z]),
            _ => None,
        })
        .map(Some)
        .ok_or_else(|| format!("\"{field}\" is not a direction: {value}"))
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
