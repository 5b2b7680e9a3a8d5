use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use simgan_data::{read_regular, write_atomic};

use crate::EvalError;
use crate::evaluation::EVALUATION_VERSION;

/// Writes JSON atomically.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), EvalError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| damaged(path, &error))?;
    Ok(write_atomic(path, format!("{text}\n").as_bytes())?)
}

/// Maximum bytes of a result file.
const MAX_JSON: u64 = 1 << 30;

/// Reads a result file of this or an earlier version.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    let bytes = read_regular(path, MAX_JSON)?;
    let mut found: Value = serde_json::from_slice(&bytes).map_err(|error| damaged(path, &error))?;
    match found["format_version"].as_u64() {
        Some(1) => rename_mean(&mut found),
        Some(version) if version != u64::from(EVALUATION_VERSION) => {
            let reason = format!("format version {version}, this program reads {EVALUATION_VERSION}");
            return Err(EvalError::Damaged { path: path.to_owned(), reason });
        }
        _ => {}
    }
    serde_json::from_value(found).map_err(|error| damaged(path, &error))
}

/// Renames what version 1 called `mean_deg` in the errors of each repetition.
fn rename_mean(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(mean) = fields.remove("mean_deg") {
                fields.insert("error_deg".to_owned(), mean);
            }
            fields.values_mut().for_each(rename_mean);
        }
        Value::Array(items) => items.iter_mut().for_each(rename_mean),
        _ => {}
    }
}

fn damaged(path: &Path, error: &serde_json::Error) -> EvalError {
    EvalError::Damaged { path: path.to_owned(), reason: error.to_string() }
}
