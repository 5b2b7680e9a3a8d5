use serde_json::Value;

use super::Annotation;

/// One written form of an annotation: a column in packed files and a field in JSON records.
pub(crate) struct Form {
    /// The form's name in both.
    pub(crate) tag: &'static str,
    /// The type of its packed values.
    pub(crate) dtype: Dtype,
    /// Values per item, such as 2 for a point. A row holds any number of items.
    pub(crate) width: usize,
    /// Reads the annotation in a row; `None` if the bytes are invalid.
    pub(crate) unpack: fn(&[u8]) -> Option<Annotation>,
    /// Reads the annotation in a JSON value; `None` if the value is invalid.
    pub(crate) parse: fn(&Value) -> Option<Annotation>,
}

impl Form {
    /// Bytes per item.
    pub(crate) fn item_bytes(&self) -> usize {
        self.width * self.dtype.size()
    }
}

/// The types of packed values, a subset of safetensors'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    U8,
    U32,
    F32,
}

impl Dtype {
    /// Its name in safetensors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U8 => "U8",
            Self::U32 => "U32",
            Self::F32 => "F32",
        }
    }

    fn size(self) -> usize {
        if self == Self::U8 { 1 } else { 4 }
    }
}

/// Appends numbers to a row, little-endian.
pub(super) fn extend(row: &mut Vec<u8>, numbers: &[f32]) {
    row.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

/// The inverse of [`extend`], as items of `N` numbers; `None` if the row does not hold a whole number of
/// items, or a number is not finite: no annotation has such a number.
pub(super) fn items<const N: usize>(row: &[u8]) -> Option<Vec<[f32; N]>> {
    let (numbers, rest) = row.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let (items, odd) = numbers.as_chunks::<N>();
    let is_whole = rest.is_empty() && odd.is_empty();
    (is_whole && numbers.iter().all(|number| number.is_finite())).then(|| items.to_vec())
}

/// As [`items`], but an item may be unknown: all of its numbers are NaN.
pub(super) fn known_items<const N: usize>(row: &[u8]) -> Option<Vec<[f32; N]>> {
    let (numbers, rest) = row.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let (items, odd) = numbers.as_chunks::<N>();
    let is_sound = |item: &[f32; N]| {
        item.iter().all(|number| number.is_finite()) || item.iter().all(|number| number.is_nan())
    };
    (rest.is_empty() && odd.is_empty() && items.iter().all(is_sound)).then(|| items.to_vec())
}

/// Reads finite numbers from `[1, 2]`, `["1", "2"]` or, as UnityEyes writes them, `"(1, 2)"`.
pub(crate) fn numbers(value: &Value) -> Option<Vec<f32>> {
    let numbers: Option<Vec<f32>> = match value {
        Value::Array(list) => list.iter().map(number).collect(),
        Value::String(text) => {
            let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
            inner.split(',').map(|number| number.trim().parse().ok()).collect()
        }
        _ => None,
    };
    numbers.filter(|numbers| numbers.iter().all(|number| number.is_finite()))
}

/// Reads a number, also one in quotes.
fn number(value: &Value) -> Option<f32> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64().map(|number| number as f32),
    }
}
