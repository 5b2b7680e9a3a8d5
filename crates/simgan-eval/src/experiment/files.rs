use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use simgan_data::{read_regular, write_atomic};

use crate::EvalError;
use crate::evaluation::EVALUATION_VERSION;

/// Writes JSON atomically.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), EvalError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| EvalError::damaged(path, &error))?;
    Ok(write_atomic(path, format!("{text}\n").as_bytes())?)
}

/// Maximum bytes of a result file.
const MAX_JSON: u64 = 1 << 30;

/// Reads a result file of this or an earlier version.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    let bytes = read_regular(path, MAX_JSON)?;
    let mut found: Value =
        serde_json::from_slice(&bytes).map_err(|error| EvalError::damaged(path, &error))?;
    match found["format_version"].as_u64() {
        Some(1) => upgrade(&mut found),
        Some(version) if version == u64::from(EVALUATION_VERSION) => {}
        version => {
            let version = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
            let reason = format!("format version {version}, this program reads {EVALUATION_VERSION}");
            return Err(EvalError::damaged(path, &reason));
        }
    }
    serde_json::from_value(found).map_err(|error| EvalError::damaged(path, &error))
}

/// What version 1 called otherwise: the mean error of each repetition, and the offsets of the agreement.
const RENAMED: [[&str; 2]; 3] =
    [["mean_deg", "error_deg"], ["pitch_deg", "pitch_offset_deg"], ["yaw_deg", "yaw_offset_deg"]];

/// Brings a file of version 1 to this version.
fn upgrade(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for [before, now] in RENAMED {
                if let Some(figure) = fields.remove(before) {
                    fields.insert(now.to_owned(), figure);
                }
            }
            fields.values_mut().for_each(upgrade);
        }
        Value::Array(items) => items.iter_mut().for_each(upgrade),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Baselines, Evaluation, Method, MethodKind};

    /// Figures as version 1 wrote them, in part.
    const OLD: &str = r#"{"format_version": 1,
        "config": {"images": 40, "fold": 1, "seeds": 1, "network": "quarter", "augment": false, "neighbours": 5,
            "training": {"steps": 3, "batch": 8, "lr": 0.001, "seed": 0, "augment": false}, "fourier_beta": 0.05,
            "calibration": 9, "realism": {"steps": 3, "batch": 8, "lr": 0.001, "seed": 0}},
        "data": {"height": 20, "width": 24, "channels": 1, "n_images": 40, "n_probe": 40, "n_test": 30,
            "n_persons": 1, "n_real": 40, "n_labelled_real": 40, "n_repeated": 0},
        "pupil_shift_px": {"mean": 0.5, "sd": 0.1, "drift_x": {"mean": 0.1, "sd": 0.0},
            "drift_y": {"mean": 0.2, "sd": 0.0}, "n_pairs": 40, "n_lost": 0,
            "error": {"still_px": 0.1, "median_px": 0.2, "p90_px": 0.3, "gain": [0.9, 0.8]}},
        "agreement": {"difference_deg": {"mean": 1.5, "sd": 0.0}, "pitch_deg": {"mean": 0.25, "sd": 0.0},
            "yaw_deg": {"mean": 0.75, "sd": 0.0}, "own_error_deg": {"mean": 3.0, "sd": 0.0}, "n_images": 40},
        "synthetic": {"n_images": 40, "error_deg": {"mean": 9.5, "sd": 0.0}, "median_deg": {"mean": 9.0, "sd": 0.0},
            "within_7deg": {"mean": 0.4, "sd": 0.0}, "pitch_offset_deg": {"mean": 1.0, "sd": 0.0},
            "yaw_offset_deg": {"mean": 2.0, "sd": 0.0}, "calibrated": {"error_deg": {"mean": 8.0, "sd": 0.0},
            "median_deg": {"mean": 7.5, "sd": 0.0}, "within_7deg": {"mean": 0.5, "sd": 0.0}},
            "runs": [{"seed": 0, "errors": {"n_images": 30, "mean_deg": 9.5, "median_deg": 9.0, "within_7deg": 0.4,
                "pitch_offset_deg": 1.0, "yaw_offset_deg": 2.0}}]}}"#;

    #[test]
    fn files_of_the_first_version_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), OLD).unwrap();
        let found: Evaluation = read_json(file.path()).unwrap();
        assert_eq!(found.data.task, crate::TaskSpec::gaze());
        let synthetic = &found.methods[&Method::once(MethodKind::Synthetic)];
        assert_eq!(synthetic.runs[0].errors.figure("error_deg"), Some(9.5));
        assert_eq!(synthetic.figure("median_deg").unwrap().mean, 9.0);
        assert_eq!(synthetic.calibrated.as_ref().unwrap()["error_deg"].mean, 8.0);
        let agreement = found.agreement.unwrap();
        assert_eq!((agreement.difference.mean, agreement.offsets["yaw_offset_deg"].mean), (1.5, 0.75));
        assert_eq!(found.shifts.any().unwrap().error.gain, Some([0.9, 0.8]));
        std::fs::write(file.path(), OLD.replace("\"format_version\": 1", "\"format_version\": 9")).unwrap();
        let error = read_json::<Evaluation>(file.path()).unwrap_err().to_string();
        assert!(error.contains("format version 9"), "{error}");
        std::fs::write(file.path(), "{}").unwrap();
        assert!(read_json::<Baselines>(file.path()).unwrap_err().to_string().contains("format version none"));
    }
}
