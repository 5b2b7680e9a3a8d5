use serde_json::{Map, Value, json};

use crate::Sample;
use crate::annotation::{Annotation, Annotations, Class, Direction, Vector, VectorKind, names, numbers};
use crate::unityeyes::rotation_vector;

/// Annotations of points that have a record field of their own, as (name, field). In the field, y counts from
/// the image's bottom edge.
pub(crate) const POINT_FIELDS: [(&str, &str); 4] = [
    (names::LID_MARGIN, "interior_margin_2d"),
    (names::CARUNCLE, "caruncle_2d"),
    (names::IRIS, "iris_2d"),
    (names::JOINTS, "joints_2d"),
];
/// The field that holds all other annotations by name.
pub(crate) const OTHERS: &str = "annotations";

/// Reads the annotations in a JSON record of an image `height` pixels high.
///
/// Recognised fields, all optional:
/// - UnityEyes' `eye_details.look_vec` (or a top-level `look_vec`), as `"(x, y, z, 0.0)"` or as a list, with
///   y *up*: the gaze takes −y;
/// - `gaze`, a list of three numbers in the coordinates of [`Direction`], or of two: pitch and yaw in
///   radians, as MPIIGaze's and ETH-XGaze's tools write them;
/// - `head_pose`, a rotation vector as a list of three numbers, or of two: pitch and yaw in radians of where
///   the head points, read as a direction; UnityEyes' `"(x, y, z)"`, the camera's Euler angles in degrees,
///   becomes a rotation vector as MPIIGaze's;
/// - `gaze_x`, `gaze_y` and `gaze_z`, or `pitch` and `yaw` in radians, or `pitch_deg` and `yaw_deg`;
/// - `class` or `label`, a class index from 0;
/// - UnityEyes' `interior_margin_2d`, `caruncle_2d` and `iris_2d`, and `joints_2d` of hands: lists of points
///   whose y counts from the *bottom* edge, so that y becomes `height − y`;
/// - `annotations`, an object of further annotations by name. Each is an object with a single field, which
///   names its kind:
///
/// | field | holds |
/// |---|---|
/// | `direction` | `[x, y, z]`, camera coordinates |
/// | `points` | `[[x, y], …]` in pixels, y down from the top edge |
/// | `boxes` | `[[left, top, right, bottom, class], …]` in pixels, y down from the top edge |
/// | `class` | a class index from 0 |
/// | `rotation` | `[x, y, z]`, axis times angle in radians |
/// | `scalars` | numbers that no rotation or mirroring changes |
/// | `vector` | numbers of unknown meaning |
/// | `mask` | a list of rows of the image's size: one class from 0 to 255 per pixel |
///
/// All other fields are ignored.
///
/// # Errors
/// A field that does not hold what its name promises; the message names the field.
pub fn annotations_from_record(record: &Value, height: usize) -> Result<Annotations, String> {
    read_record(record, height).map_err(|fault| fault.reason)
}

/// A field of a record does not hold what its name promises.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The names that lead to the field.
    pub(crate) path: Vec<String>,
    /// What is wrong; it names the field.
    pub(crate) reason: String,
}

impl Fault {
    fn new(path: &[&str], reason: String) -> Self {
        Self { path: path.iter().map(|name| (*name).to_owned()).collect(), reason }
    }
}

/// [`annotations_from_record`], with the place of a fault.
pub(crate) fn read_record(record: &Value, height: usize) -> Result<Annotations, Fault> {
    let mut annotations = Annotations::new();
    let mut add = |name: &'static str, annotation: Annotation| annotations.insert(name.into(), annotation);
    for (name, field) in POINT_FIELDS {
        let points = points(record, field, height).map_err(|reason| Fault::new(&[field], reason))?;
        if !points.is_empty() {
            add(name, points.into());
        }
    }
    if let Some(gaze) = gaze(record)? {
        add(names::GAZE, gaze.into());
    }
    if let Some(pose) = head_pose(record).map_err(|reason| Fault::new(&["head_pose"], reason))? {
        add(names::HEAD_POSE, pose);
    }
    if let Some(class) = ["class", "label"].iter().find_map(|field| index(record.get(*field)?)) {
        add("class", Class(class).into());
    }
    for (name, value) in record.get(OTHERS).and_then(Value::as_object).into_iter().flatten() {
        // Other programs also write a field called `annotations`; skip entries that are not in our form.
        let Some(annotation) = Annotation::from_json(value) else { continue };
        let fault = |reason| Fault::new(&[OTHERS, name], format!("\"{OTHERS}\", \"{name}\": {reason}"));
        annotations.insert(name.clone().into(), annotation.map_err(fault)?);
    }
    Ok(annotations)
}

impl Sample {
    /// Writes the annotations as a JSON record that [`annotations_from_record`] reads back, with the sample's
    /// own record as `source_record`; `None` if there is neither.
    #[must_use]
    pub fn to_record(&self) -> Option<Value> {
        let mut record = Map::new();
        let mut others = Map::new();
        let height = self.image.spec().height;
        for (name, annotation) in &self.annotations {
            match known_field(name, annotation, height) {
                Some((field, value)) => record.insert(field.to_owned(), value),
                None => others.insert(name.to_string(), annotation.to_json()),
            };
        }
        if !others.is_empty() {
            record.insert(OTHERS.to_owned(), Value::Object(others));
        }
        if let Some(own) = &self.record {
            record.insert("source_record".to_owned(), own.clone());
        }
        (!record.is_empty()).then_some(Value::Object(record))
    }
}

/// The dedicated record field of an annotation, with its value; `None` if it has none.
fn known_field(name: &str, annotation: &Annotation, height: usize) -> Option<(&'static str, Value)> {
    if let Some((_, field)) = POINT_FIELDS.iter().find(|(known, _)| *known == name) {
        let points = annotation.as_points().filter(|points| !points.is_empty())?;
        let points: Vec<_> = points.iter().map(|[x, y]| [*x, height as f32 - y]).collect();
        return Some((field, json!(points)));
    }
    match name {
        names::GAZE => Some((names::GAZE, json!(annotation.as_direction()?.vector()))),
        names::HEAD_POSE => {
            let pose = annotation.as_vector()?;
            // A vector of another kind goes under `annotations`, which records its kind.
            let is_rotation = pose.kind() == VectorKind::Rotation;
            is_rotation.then(|| (names::HEAD_POSE, json!(pose.values())))
        }
        _ => None,
    }
}

fn gaze(record: &Value) -> Result<Option<Direction>, Fault> {
    let eye = record.pointer("/eye_details/look_vec").map(|value| (&["eye_details", "look_vec"][..], value));
    let look_vec = eye.or_else(|| record.get("look_vec").map(|value| (&["look_vec"][..], value)));
    let (path, value) = match (look_vec, record.get("gaze")) {
        (Some((path, value)), _) => (path, value),
        // A `gaze` that is not a list is some other program's field.
        (None, Some(value)) if value.is_array() => (&["gaze"][..], value),
        _ => return gaze_of_parts(record),
    };
    let field = path[path.len() - 1];
    let direction = |numbers: Vec<f32>| match numbers[..] {
        [pitch, yaw] if field == "gaze" => direction_of_angles(pitch, yaw),
        [x, y, z] | [x, y, z, _] if field == "look_vec" => Direction::from_vector([x, -y, z]),
        [x, y, z] | [x, y, z, _] => Direction::from_written([x, y, z]),
        _ => None,
    };
    let fault = || Fault::new(path, format!("\"{field}\" is not a direction: {value}"));
    numbers(value).and_then(direction).map(Some).ok_or_else(fault)
}

/// Reads a gaze whose numbers are fields of their own.
fn gaze_of_parts(record: &Value) -> Result<Option<Direction>, Fault> {
    for fields in GAZE_FIELDS {
        if fields.iter().all(|field| record.get(*field).is_some()) {
            let values: Value = fields.iter().map(|field| record[*field].clone()).collect();
            let fault = || {
                let names = fields.join("\", \"");
                Fault::new(&fields[..1], format!("\"{names}\" are not a direction: {values}"))
            };
            return numbers(&values).and_then(|all| direction_of(fields, &all)).map(Some).ok_or_else(fault);
        }
    }
    Ok(None)
}

/// Fields or columns that give a gaze one number each.
pub(crate) const GAZE_FIELDS: [&[&str]; 5] = [
    &["gaze_x", "gaze_y", "gaze_z"],
    &["gaze_pitch", "gaze_yaw"],
    &["pitch", "yaw"],
    &["gaze_pitch_deg", "gaze_yaw_deg"],
    &["pitch_deg", "yaw_deg"],
];

/// The direction that some of [`GAZE_FIELDS`] give.
pub(crate) fn direction_of(fields: &[&str], numbers: &[f32]) -> Option<Direction> {
    match numbers {
        [x, y, z] => Direction::from_written([*x, *y, *z]),
        [pitch, yaw] if fields[0].ends_with("_deg") => {
            direction_of_angles(pitch.to_radians(), yaw.to_radians())
        }
        [pitch, yaw] => direction_of_angles(*pitch, *yaw),
        _ => None,
    }
}

/// The direction of pitch and yaw in radians; `None` if they are beyond a circle, as degrees are.
fn direction_of_angles(pitch: f32, yaw: f32) -> Option<Direction> {
    let limit = std::f32::consts::PI * 1.001;
    let is_angle = pitch.abs() <= limit / 2.0 && yaw.abs() <= limit;
    is_angle.then(|| Direction::from_pitch_yaw(pitch, yaw))
}

/// A class index. A class that is a name is some other program's field.
fn index(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// Reads `head_pose`: a list, or UnityEyes' string of Euler angles. Other strings are some other program's.
fn head_pose(record: &Value) -> Result<Option<Annotation>, String> {
    let Some(value) = record.get("head_pose") else { return Ok(None) };
    let pose = match (value, numbers(value).as_deref()) {
        (Value::String(_), Some([x, y, z])) => Some(Vector::rotation(rotation_vector([*x, *y, *z])).into()),
        (Value::Array(_), Some([x, y, z])) => Some(Vector::rotation([*x, *y, *z]).into()),
        (Value::Array(_), Some([pitch, yaw])) => direction_of_angles(*pitch, *yaw).map(Annotation::Direction),
        (Value::Array(_), _) => None,
        _ => return Ok(None),
    };
    pose.map(Some).ok_or_else(|| format!("\"head_pose\" is not a rotation vector: {value}"))
}

/// Reads the points in `field`; empty if the field is absent.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnnotationsExt, BoundingBox, Boxes, Image, Mask, Pixels, Size};

    #[test]
    fn a_unityeyes_record_is_turned_the_right_way_up() {
        let record = json!({
            "interior_margin_2d": ["(371.5, 296.25, 8.8595)"],
            "iris_2d": ["(389.0, 332.5, 8.8831)", "(388.5, 339.0, 8.9)"],
            "eye_details": {"look_vec": "(0.0, 0.6, -0.8, 0.0000)"},
        });
        let label = annotations_from_record(&record, 600).unwrap();
        assert_eq!(label.gaze().unwrap().vector(), [0.0, -0.6, -0.8]);
        assert!(label.gaze().unwrap().pitch() > 0.0, "it looks up");
        assert_eq!(label.lid_margin().unwrap(), [[371.5, 303.75]]);
        assert_eq!(label.iris().unwrap(), [[389.0, 267.5], [388.5, 261.0]]);
        assert_eq!((label.len(), label.caruncle()), (3, None));
    }

    fn sample(annotations: Annotations) -> Sample {
        let image = Image::new(1, 36, 1, Pixels::U8(vec![0; 36]));
        Sample { annotations, ..Sample::new("a", image) }
    }

    /// Writes a sample's record and reads it back.
    fn reread(sample: &Sample) -> Annotations {
        let text = sample.to_record().unwrap().to_string();
        annotations_from_record(&serde_json::from_str(&text).unwrap(), 36).unwrap()
    }

    #[test]
    fn a_label_survives_as_a_record() {
        let annotations = Annotations::from([
            (names::GAZE.into(), Direction::from_vector([0.3, -0.2, -0.9]).unwrap().into()),
            (names::IRIS.into(), vec![[1.5, 2.25]; 3].into()),
            (names::HEAD_POSE.into(), Vector::rotation([0.1, -0.7, 0.3]).into()),
        ]);
        let sample = Sample { record: Some(json!({"person": "p00"})), ..sample(annotations) };
        assert_eq!(reread(&sample), sample.annotations);
        let record = sample.to_record().unwrap();
        assert_eq!(record["source_record"]["person"], "p00");
        assert_eq!(
            record["iris_2d"][0],
            json!([1.5, 33.75]),
            "as it was before there were other annotations"
        );
        assert!(record.get("annotations").is_none());
        assert_eq!(Sample { annotations: Annotations::new(), record: None, ..sample }.to_record(), None);
        let error = annotations_from_record(&json!({"head_pose": [1]}), 1).unwrap_err();
        assert!(error.contains("head_pose"));
    }

    #[test]
    fn other_annotations_survive_as_well() {
        let sides = BoundingBox { min: [0.5, 1.0], max: [7.25, 9.0], class: 65535 };
        let all: [(&str, Annotation); 8] = [
            ("left", Direction::from_vector([0.1, 0.2, 0.3]).unwrap().into()),
            ("corners", vec![[1.5, -2.25], [0.1, 7.0]].into()),
            ("none", vec![].into()),
            ("things", Boxes(vec![sides]).into()),
            ("person", Class(14).into()),
            ("age", Vector::scalars(vec![31.5]).into()),
            ("gaze", Vector::unknown(vec![1.0, 2.0]).into()),
            ("parts", Mask::new(Size { width: 2, height: 1 }, vec![0, 255]).unwrap().into()),
        ];
        let sample = sample(all.map(|(name, annotation)| (name.to_owned().into(), annotation)).into());
        assert_eq!(reread(&sample), sample.annotations);
        assert_eq!(sample.to_record().unwrap()["annotations"]["person"], json!({"class": 14}));
    }

    #[test]
    fn lists_and_our_own_coordinates_are_read() {
        let gaze = |record: Value| annotations_from_record(&record, 1).unwrap().gaze().map(Direction::vector);
        assert_eq!(gaze(json!({"look_vec": [0.6, 0.0, -0.8]})), Some([0.6, 0.0, -0.8]));
        assert_eq!(gaze(json!({"gaze": [0.0, 0.6, -0.8]})), Some([0.0, 0.6, -0.8]));
        let foreign =
            json!({"age": 7, "gaze": "unknown", "iris_2d": [], "annotations": {"area": {"iscrowd": 0}}});
        assert_eq!(annotations_from_record(&foreign, 1).unwrap(), Annotations::new());
        assert!(annotations_from_record(&json!({"annotations": [{"class": -1}]}), 1).unwrap().is_empty());
    }

    #[test]
    fn a_field_without_its_meaning_is_named() {
        let error = |record: Value| annotations_from_record(&record, 1).unwrap_err();
        for look_vec in
            [json!("(1, 2)"), json!("(0, 0, 0, 0)"), json!("(nan, 0, 1)"), json!("1, 2, 3"), json!(3)]
        {
            assert!(error(json!({"eye_details": {"look_vec": look_vec}})).contains("look_vec"));
        }
        for iris in [json!("(1, 2)"), json!(["(1)"]), json!([[1, "two"]]), json!([null])] {
            assert!(error(json!({"iris_2d": iris})).contains("iris_2d"));
        }
        for odd in [
            json!({"class": -1}),
            json!({"points": [[1, 2, 3]]}),
            json!({"boxes": [[1, 2, 3, 4, 0.5]]}),
            json!({"direction": [0, 0, 0]}),
            json!({"mask": [[1], [1, 2]]}),
            json!({"rotation": [1, 2]}),
        ] {
            assert!(error(json!({"annotations": {"odd": odd}})).contains("\"odd\""), "{odd}");
        }
    }
}
