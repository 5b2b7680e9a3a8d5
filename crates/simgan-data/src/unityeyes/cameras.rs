use serde_json::{Map, Value};

/// Rewrites a UnityEyes2 record of several cameras as the record of one of them, with that camera's fields at
/// the top level.
///
/// `eye_details.look_vec` is in the coordinates of whichever camera was active. It is therefore replaced by
/// the camera's own `ground_truth.gaze_vec`; without one, it is dropped unless all cameras have the same
/// rotation.
pub(super) fn seen_by(mut record: Value, camera: &str) -> Result<Value, String> {
    let cameras = record.get_mut("cameras").map(Value::take);
    let cameras = cameras.as_ref().and_then(Value::as_object);
    let own = cameras.and_then(|cameras| cameras.get(camera)?.as_object());
    let (Some(cameras), Some(own), Some(fields)) = (cameras, own, record.as_object_mut()) else {
        return Err(format!("it has no \"cameras\" with \"{camera}\""));
    };
    fields.remove("cameras");
    fields.extend(own.clone());
    let gaze = own.get("ground_truth").and_then(|truth| truth.get("gaze_vec"));
    if let Some(eye) = fields.get_mut("eye_details").and_then(Value::as_object_mut) {
        match gaze {
            Some(gaze) => {
                eye.insert("look_vec".to_owned(), gaze.clone());
            }
            None if are_turned_alike(cameras) => {}
            None => {
                eye.remove("look_vec");
            }
        }
    }
    Ok(record)
}

/// Whether all cameras have the same rotation, which UnityEyes2 calls `head_pose`.
fn are_turned_alike(cameras: &Map<String, Value>) -> bool {
    let mut poses = cameras.values().map(|camera| camera.get("head_pose"));
    let first = poses.next().flatten();
    cameras.len() == 1 || first.is_some() && poses.all(|pose| pose == first)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gaze_is_each_cameras_own_or_left_out() {
        let record = |poses: [&str; 2]| {
            json!({
                "eye_details": {"look_vec": "(0, 0, -1, 0)"},
                "cameras": {"cam0": {"head_pose": poses[0], "iris_2d": ["(1, 2, 3)"]},
                    "cam1": {"head_pose": poses[1], "ground_truth": {"gaze_vec": "(0, 0.6, -0.8, 0)"}}},
            })
        };
        let gaze = |record: Value, camera| {
            let record = seen_by(record, camera).unwrap();
            assert_eq!(record.get("iris_2d").is_some(), camera == "cam0");
            record.pointer("/eye_details/look_vec").cloned()
        };
        let (alike, turned) = (record(["(0, 180, 0)"; 2]), record(["(0, 180, 0)", "(0, 170, 0)"]));
        assert_eq!(gaze(alike.clone(), "cam0"), Some(json!("(0, 0, -1, 0)")));
        assert_eq!(gaze(turned.clone(), "cam0"), None);
        for record in [alike, turned] {
            assert_eq!(gaze(record.clone(), "cam1"), Some(json!("(0, 0.6, -0.8, 0)")));
            assert!(seen_by(record, "cam2").unwrap_err().contains("\"cam2\""));
        }
    }
}
