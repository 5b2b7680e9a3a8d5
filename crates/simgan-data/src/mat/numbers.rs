use super::MatError;
use super::bytes::{Bytes, Element, kind};

/// Numbers of one of MATLAB's numeric classes.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// `double`
    F64(Vec<f64>),
    /// `single`
    F32(Vec<f32>),
    /// `int8`
    I8(Vec<i8>),
    /// `uint8`
    U8(Vec<u8>),
    /// `int16`
    I16(Vec<i16>),
    /// `uint16`
    U16(Vec<u16>),
    /// `int32`
    I32(Vec<i32>),
    /// `uint32`
    U32(Vec<u32>),
    /// `int64`
    I64(Vec<i64>),
    /// `uint64`
    U64(Vec<u64>),
}

impl Numbers {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U64(values) => values.len(),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Converts the numbers to `f64`; 64-bit integers beyond 2⁵³ are rounded.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F64(values) => values.clone(),
            Self::F32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::I8(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::U8(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::I16(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::U16(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::I32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::U32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Self::I64(values) => values.iter().map(|&v| v as f64).collect(),
            Self::U64(values) => values.iter().map(|&v| v as f64).collect(),
        }
    }
}

/// Reads numbers of class `class` (6 to 15) from any stored type; values that do not fit the class are
/// clamped.
pub(super) fn numbers(class: u32, stored: Element<'_>) -> Result<Numbers, MatError> {
    let numbers = as_stored(stored)?;
    if class_of(&numbers) == class {
        return Ok(numbers);
    }
    // MATLAB substitutes only smaller integer types, up to 32 bits, which `f64` holds exactly.
    let numbers = numbers.to_f64();
    Ok(match class {
        6 => Numbers::F64(numbers),
        7 => Numbers::F32(numbers.into_iter().map(|v| v as f32).collect()),
        8 => Numbers::I8(numbers.into_iter().map(|v| v as i8).collect()),
        9 => Numbers::U8(numbers.into_iter().map(|v| v as u8).collect()),
        10 => Numbers::I16(numbers.into_iter().map(|v| v as i16).collect()),
        11 => Numbers::U16(numbers.into_iter().map(|v| v as u16).collect()),
        12 => Numbers::I32(numbers.into_iter().map(|v| v as i32).collect()),
        13 => Numbers::U32(numbers.into_iter().map(|v| v as u32).collect()),
        14 => Numbers::I64(numbers.into_iter().map(|v| v as i64).collect()),
        15 => Numbers::U64(numbers.into_iter().map(|v| v as u64).collect()),
        _ => return Err(stored.data.error(format!("class {class} has no numbers"))),
    })
}

fn class_of(numbers: &Numbers) -> u32 {
    match numbers {
        Numbers::F64(_) => 6,
        Numbers::F32(_) => 7,
        Numbers::I8(_) => 8,
        Numbers::U8(_) => 9,
        Numbers::I16(_) => 10,
        Numbers::U16(_) => 11,
        Numbers::I32(_) => 12,
        Numbers::U32(_) => 13,
        Numbers::I64(_) => 14,
        Numbers::U64(_) => 15,
    }
}

/// Bytes of memory per number while it is read; `None` if the element holds no numbers.
pub(super) fn size_in_memory(class: u32, stored: Element<'_>) -> Option<usize> {
    let same = matches!(
        (class, stored.kind),
        (8, kind::INT8) | (9, kind::UINT8) | (10, kind::INT16) | (11, kind::UINT16) | (7, kind::SINGLE)
    );
    // Numbers stored as another type go through `f64`.
    size_of_kind(stored.kind).map(|size| if same { size } else { 8 })
}

/// Bytes per stored number; `None` if elements of this kind hold no numbers.
pub(super) fn size_of_kind(kind: u32) -> Option<usize> {
    Some(match kind {
        kind::INT8 | kind::UINT8 | kind::UTF8 => 1,
        kind::INT16 | kind::UINT16 | kind::UTF16 => 2,
        kind::INT32 | kind::UINT32 | kind::SINGLE | kind::UTF32 => 4,
        kind::DOUBLE | kind::INT64 | kind::UINT64 => 8,
        _ => return None,
    })
}

fn as_stored(stored: Element<'_>) -> Result<Numbers, MatError> {
    let bytes = stored.data;
    Ok(match stored.kind {
        kind::INT8 => Numbers::I8(decode(bytes, i8::from_le_bytes, i8::from_be_bytes)),
        kind::UINT8 => Numbers::U8(bytes.as_slice().to_vec()),
        kind::INT16 => Numbers::I16(decode(bytes, i16::from_le_bytes, i16::from_be_bytes)),
        kind::UINT16 => Numbers::U16(decode(bytes, u16::from_le_bytes, u16::from_be_bytes)),
        kind::INT32 => Numbers::I32(decode(bytes, i32::from_le_bytes, i32::from_be_bytes)),
        kind::UINT32 => Numbers::U32(decode(bytes, u32::from_le_bytes, u32::from_be_bytes)),
        kind::SINGLE => Numbers::F32(decode(bytes, f32::from_le_bytes, f32::from_be_bytes)),
        kind::DOUBLE => Numbers::F64(decode(bytes, f64::from_le_bytes, f64::from_be_bytes)),
        kind::INT64 => Numbers::I64(decode(bytes, i64::from_le_bytes, i64::from_be_bytes)),
        kind::UINT64 => Numbers::U64(decode(bytes, u64::from_le_bytes, u64::from_be_bytes)),
        kind => return Err(bytes.error(format!("an element of type {kind} holds no numbers"))),
    })
}

fn decode<T, const N: usize>(
    bytes: Bytes<'_>,
    little: impl Fn([u8; N]) -> T,
    big: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let numbers = bytes.as_slice().as_chunks().0.iter();
    if bytes.big_endian {
        numbers.map(|number| big(*number)).collect()
    } else {
        numbers.map(|number| little(*number)).collect()
    }
}
