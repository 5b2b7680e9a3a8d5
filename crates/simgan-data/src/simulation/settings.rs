use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use crate::Hint;

/// Why a typed setting cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The value is of another kind than the setting.
    #[error("simulator setting `{assignment}`: {reason}")]
    Kind {
        /// The text as typed.
        assignment: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such setting.
    #[error("simulator setting `{assignment}`: there is no such setting")]
    Unknown {
        /// The text as typed.
        assignment: String,
        /// The names of all settings.
        known: Vec<String>,
    },
}

impl SettingError {
    /// How to fix the error; `None` where the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Unknown { known, .. } => Some(format!("there are {}", known.join(", ")).into()),
            Self::Kind { .. } => None,
        }
    }
}

/// Returns the configuration with one setting changed: a value (`crop_mm=30`), a range
/// (`gaze_yaw_deg=-20..20`, or one number for both ends) or a member of a group (`light.intensity=0.5..1`).
/// A [`Range`](super::Range) is known by its two fields.
///
/// It does not check whether the value is in range; opening the simulator does.
///
/// # Errors
/// There is no such setting, or the value is of another kind.
pub fn changed<T: Serialize + DeserializeOwned>(config: &T, assignment: &str) -> Result<T, SettingError> {
    let bad = |reason: String| SettingError::Kind { assignment: assignment.to_owned(), reason };
    let (key, text) = assignment.split_once('=').ok_or_else(|| bad("is not KEY=VALUE".to_owned()))?;
    let (key, text) = (key.trim(), text.trim());
    // Going through JSON reaches every setting by its name without a second list of them.
    let mut all = serde_json::to_value(config).map_err(|error| bad(error.to_string()))?;
    let keys = keys(&all, "");
    let slot = all
        .pointer_mut(&format!("/{}", key.replace('.', "/")))
        .filter(|_| keys.iter().any(|known| known == key))
        .ok_or_else(|| SettingError::Unknown { assignment: assignment.to_owned(), known: keys })?;
    *slot = parsed(slot, text).ok_or_else(|| bad(format!("is not {}", kind(slot))))?;
    serde_json::from_value(all).map_err(|error| bad(error.to_string()))
}

/// Lists every key, with a dot between a group and its member.
fn keys(value: &Value, prefix: &str) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    fields
        .iter()
        .flat_map(|(key, value)| {
            let key = format!("{prefix}{key}");
            if value.is_object() && !is_range(value) { keys(value, &format!("{key}.")) } else { vec![key] }
        })
        .collect()
}

fn is_range(value: &Value) -> bool {
    value.get("low").is_some() && value.get("high").is_some()
}

/// Parses the text as a value of the kind of `old`; `None` if it is of another kind.
fn parsed(old: &Value, text: &str) -> Option<Value> {
    match old {
        Value::Object(_) => {
            let (low, high) = text.split_once("..").unwrap_or((text, text));
            Some(serde_json::json!({ "low": float(low)?, "high": float(high)? }))
        }
        // Integers serialize as integers and floats as floats, 37.0 included, so the old value tells the
        // kind.
        Value::Number(number) if !number.is_f64() => text.parse::<u64>().ok().map(Value::from),
        Value::Number(_) => float(text).map(Value::Number),
        Value::String(_) => Some(Value::from(text)),
        _ => None,
    }
}

/// Parses a finite number; JSON has no others.
fn float(text: &str) -> Option<Number> {
    text.trim().parse().ok().and_then(Number::from_f64)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "a range as -20..20",
        Value::Number(number) if !number.is_f64() => "a whole number",
        Value::Number(_) => "a number",
        _ => "a setting that can be changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_setting_is_told_with_those_that_are() {
        let config = serde_json::json!({"n": 3, "span": {"low": 1.0, "high": 2.0}, "group": {"x": 0.5}});
        let change = |assignment| changed(&config, assignment);
        assert_eq!(change("span = 4").unwrap()["span"], serde_json::json!({"low": 4.0, "high": 4.0}));
        assert_eq!(change("group.x=-1.5").unwrap()["group"]["x"], -1.5);
        let Err(SettingError::Unknown { known, .. }) = change("group=1") else { panic!("a group was set") };
        assert_eq!(known, ["group.x", "n", "span"]);
        assert!(change("n=1.5").unwrap_err().to_string().contains("a whole number"));
    }
}
