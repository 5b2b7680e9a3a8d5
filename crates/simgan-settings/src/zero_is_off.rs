//! `#[serde(with = "zero_is_off")]`: in code an `Option`, in a file a number in which 0 means off.
//!
//! TOML has no null, and a key that is missing is more easily overlooked than one that says 0.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `None` is written as 0.
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

/// 0 is read as `None`.
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
