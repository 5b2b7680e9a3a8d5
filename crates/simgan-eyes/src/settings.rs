//! Settings typed as `key=value`.

use serde_json::{Number, Value};

use crate::{EyesError, SimulatorConfig};

impl SimulatorConfig {
    /// Changes one setting: a value (`crop_mm=30`), a range (`gaze_yaw_deg=-20..20`, or one number for both
    /// ends) or a member of a group (`light.intensity=0.5..1`).
    ///
    /// Opening the simulator checks whether the value can be rendered.
    ///
    /// # Errors
    /// Fails if there is no such setting or if the value is of another kind.
    pub fn set(&mut self, assignment: &str) -> Result<(), EyesError> {
        let bad = |reason: String| EyesError::Assignment { assignment: assignment.to_owned(), reason };
        let (key, text) = assignment.split_once('=').ok_or_else(|| bad("is not KEY=VALUE".to_owned()))?;
        let (key, text) = (key.trim(), text.trim());
        // Going through JSON reaches every setting by its name without a second list of them.
        let mut all = serde_json::to_value(&*self).map_err(|error| bad(error.to_string()))?;
        let keys = keys(&all, "");
        let slot = all
            .pointer_mut(&format!("/{}", key.replace('.', "/")))
            .filter(|_| keys.iter().any(|known| known == key))
            .ok_or_else(|| EyesError::UnknownSetting { assignment: assignment.to_owned(), known: keys })?;
        *slot = parsed(slot, text).ok_or_else(|| bad(format!("is not {}", kind(slot))))?;
        *self = serde_json::from_value(all).map_err(|error| bad(error.to_string()))?;
        Ok(())
    }
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
    use crate::{Aim, Range, SimulatorName};

    #[test]
    fn every_kind_of_setting_is_changed() {
        let mut config = "unityeyes".parse::<SimulatorName>().unwrap().config();
        let before = config.clone();
        for assignment in [
            "crop_mm=30",
            "width = 64",
            "gaze_yaw_deg=-20..2.5",
            "head_roll_deg=3",
            "aim=eyeball",
            "light.ambient=0..1",
        ] {
            config.set(assignment).unwrap();
        }
        let light = before.light.map(|light| crate::LightRanges { ambient: Range::new(0.0, 1.0), ..light });
        let expected = SimulatorConfig {
            crop_mm: 30.0,
            width: 64,
            gaze_yaw_deg: Range::new(-20.0, 2.5),
            head_roll_deg: Range::new(3.0, 3.0),
            aim: Aim::Eyeball,
            light,
            ..before
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn what_cannot_be_set_is_told() {
        let mut config = "unityeyes".parse::<SimulatorName>().unwrap().config();
        for (assignment, expected) in [
            ("crop=3", "no such setting"),
            ("light=3", "no such setting"),
            ("light.ambient.low=3", "no such setting"),
            ("crop_mm", "KEY=VALUE"),
            ("crop_mm=wide", "not a number"),
            ("crop_mm=inf", "not a number"),
            ("width=1.5", "whole number"),
            ("gaze_yaw_deg=3..x", "-20..20"),
            ("aim=nose", "corners"),
        ] {
            let before = config.clone();
            let error = config.set(assignment).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(assignment), "{error}");
            assert_eq!(config, before);
        }
        let hint = config.set("light=3").unwrap_err().hint().unwrap().to_string();
        assert!(hint.contains("crop_mm") && hint.contains("light.ambient"), "{hint}");
    }
}
