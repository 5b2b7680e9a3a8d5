use std::borrow::Cow;
use std::fmt;

/// The kind of number that a channel value is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitDepth {
    /// 0..=255
    Eight,
    /// 0..=65535
    Sixteen,
    /// 32-bit floating point, in any unit; NaN and infinities mean "no measurement".
    Float,
}

/// Stored values in channel, row, column order (planar, like a tensor).
#[derive(Clone, Debug)]
pub enum Pixels {
    /// 8 bits per value.
    U8(Vec<u8>),
    /// 16 bits per value.
    U16(Vec<u16>),
    /// 32-bit floating point.
    F32(Vec<f32>),
}

impl BitDepth {
    /// Bits of one value: 8, 16 or 32.
    #[must_use]
    pub fn bits(self) -> u32 {
        8 * self.n_bytes() as u32
    }

    /// Bytes of one value.
    pub(crate) fn n_bytes(self) -> usize {
        match self {
            Self::Eight => 1,
            Self::Sixteen => 2,
            Self::Float => 4,
        }
    }
}

/// `8 bit`, `16 bit` or `float`.
impl fmt::Display for BitDepth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float => f.write_str("float"),
            depth => write!(f, "{} bit", depth.bits()),
        }
    }
}

impl Pixels {
    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    /// The kind of its values.
    pub(crate) fn depth(&self) -> BitDepth {
        match self {
            Self::U8(_) => BitDepth::Eight,
            Self::U16(_) => BitDepth::Sixteen,
            Self::F32(_) => BitDepth::Float,
        }
    }

    /// Converts between 8 and 16 bits: 255 becomes 65535, and back to the nearest of 256 levels. Floating point
    /// has units of its own, so that there is no other conversion (`None`).
    pub(crate) fn to_depth(&self, depth: BitDepth) -> Option<Self> {
        match (self, depth) {
            (Self::U8(values), BitDepth::Sixteen) => {
                Some(Self::U16(values.iter().map(|&value| 257 * u16::from(value)).collect()))
            }
            // 65535 / 257 = 255, so this rounds to nearest.
            (Self::U16(values), BitDepth::Eight) => {
                Some(Self::U8(values.iter().map(|&value| ((u32::from(value) + 128) / 257) as u8).collect()))
            }
            _ => (self.depth() == depth).then(|| self.clone()),
        }
    }

    /// The values as little-endian bytes on every machine.
    #[must_use]
    pub fn to_le_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::U8(values) => Cow::Borrowed(values),
            Self::U16(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    /// The inverse of [`Pixels::to_le_bytes`]; bytes after the last whole value are dropped.
    pub(crate) fn from_le_bytes(depth: BitDepth, bytes: Vec<u8>) -> Self {
        match depth {
            BitDepth::Eight => Self::U8(bytes),
            BitDepth::Sixteen => {
                Self::U16(bytes.as_chunks().0.iter().map(|value| u16::from_le_bytes(*value)).collect())
            }
            BitDepth::Float => {
                Self::F32(bytes.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect())
            }
        }
    }
}

/// Floating point is compared bit by bit, so that an image equals its copy even where nothing was measured.
impl PartialEq for Pixels {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::U8(own), Self::U8(other)) => own == other,
            (Self::U16(own), Self::U16(other)) => own == other,
            (Self::F32(own), Self::F32(other)) => {
                own.len() == other.len() && own.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            _ => false,
        }
    }
}

impl Eq for Pixels {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_values_again() {
        for pixels in [
            Pixels::U8(vec![0, 1, 255]),
            Pixels::U16(vec![0, 1, 65_535]),
            Pixels::F32(vec![-0.0, f32::NAN, f32::INFINITY, 1e-40]),
        ] {
            let bytes = pixels.to_le_bytes().into_owned();
            assert_eq!(bytes.len(), pixels.len() * pixels.depth().n_bytes());
            assert_eq!(Pixels::from_le_bytes(pixels.depth(), bytes), pixels);
        }
        assert_ne!(Pixels::F32(vec![0.0]), Pixels::F32(vec![-0.0]));
        let eight = Pixels::U8((0..=255).collect());
        assert_eq!(eight.to_depth(BitDepth::Sixteen).and_then(|p| p.to_depth(BitDepth::Eight)), Some(eight));
        assert_eq!(Pixels::U8(vec![1]).to_depth(BitDepth::Float), None);
        assert_ne!(Pixels::F32(vec![]), Pixels::U8(vec![]));
    }
}
