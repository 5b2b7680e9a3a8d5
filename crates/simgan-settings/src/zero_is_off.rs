//! `#[serde(with = "zero_is_off")]`: an `Option` in code, and in a file a number of which 0 means off.
//!
//! TOML has no null, and a missing key is more easily overlooked than a 0.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes `None` as 0.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<T, S>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + Default + Copy,
    S: Serializer,
{
    value.unwrap_or_default().serialize(serializer)
}

/// Reads 0 as `None`.
///
/// # Errors
///
/// Those of the deserializer.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de> + Default + PartialEq,
    D: Deserializer<'de>,
{
    Ok(Some(T::deserialize(deserializer)?).filter(|value| *value != T::default()))
}
