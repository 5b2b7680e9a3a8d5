use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use simgan_data::{read_regular, write_atomic};

use crate::EvalError;

/// Writes JSON atomically.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), EvalError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| damaged(path, &error))?;
    Ok(write_atomic(path, format!("{text}\n").as_bytes())?)
}

/// Maximum bytes of a result file.
const MAX_JSON: u64 = 1 << 30;

/// Reads JSON.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    let bytes = read_regular(path, MAX_JSON)?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(path, &error))
}

fn damaged(path: &Path, error: &serde_json::Error) -> EvalError {
    EvalError::Damaged { path: path.to_owned(), reason: error.to_string() }
}
