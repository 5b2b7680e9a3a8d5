use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// Width and height in pixels, written `WIDTHxHEIGHT` (`55x35`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

impl Size {
    /// Maximum width and height.
    pub const MAX: usize = 16384;
}

impl FromStr for Size {
    type Err = DataError;

    /// Parses `WIDTHxHEIGHT`, each from 1 to [`Size::MAX`].
    fn from_str(text: &str) -> Result<Self, DataError> {
        let side = |part: &str| part.parse().ok().filter(|side| (1..=Self::MAX).contains(side));
        text.split_once('x')
            .and_then(|(width, height)| Some(Self { width: side(width)?, height: side(height)? }))
            .ok_or_else(|| DataError::Size { text: text.to_owned() })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl TryFrom<String> for Size {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        let size: Size = "55x35".parse().unwrap();
        assert_eq!(size, Size { width: 55, height: 35 });
        assert_eq!(serde_json::to_string(&size).unwrap(), "\"55x35\"");
        assert_eq!(serde_json::from_str::<Size>("\"1x16384\"").unwrap(), Size { width: 1, height: 16384 });
    }

    #[test]
    fn what_is_no_size_is_said() {
        for text in ["", "x", "55", "55x", "0x35", "55x0", "-1x5", "55x35x3", "55X35", "1x16385", "5 x 5"] {
            let error = text.parse::<Size>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{text}\" is not a size")), "{error}");
        }
    }
}
