use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use simgan_data::{DataError, ValueRange};

/// `data.range`: the stored values that stand for −1 and 1 before the networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataRange {
    /// `"auto"`: measured over a sample of both domains.
    Auto,
    /// `"full"`: the whole scale of each image's bit depth. Serde's default: that of runs before this setting.
    #[default]
    Full,
    /// `"MIN..MAX"`, in the images' own unit.
    Fixed(ValueRange),
}

impl DataRange {
    /// The range; `None` for the whole scale, and for one not measured yet.
    #[must_use]
    pub fn fixed(self) -> Option<ValueRange> {
        match self {
            Self::Auto | Self::Full => None,
            Self::Fixed(range) => Some(range),
        }
    }

    /// The ends of [`Self::fixed`], as the files of networks hold them.
    #[must_use]
    pub fn ends(self) -> Option<[f32; 2]> {
        self.fixed().map(|range| [range.min, range.max])
    }

    /// The setting for a range; `None` is the whole scale.
    #[must_use]
    pub fn of(range: Option<ValueRange>) -> Self {
        range.map_or(Self::Full, Self::Fixed)
    }
}

impl fmt::Display for DataRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Full => f.write_str("full"),
            Self::Fixed(range) => range.fmt(f),
        }
    }
}

impl FromStr for DataRange {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "auto" => Ok(Self::Auto),
            "full" => Ok(Self::Full),
            text => text.parse().map(Self::Fixed),
        }
    }
}

impl TryFrom<String> for DataRange {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<DataRange> for String {
    fn from(range: DataRange) -> Self {
        range.to_string()
    }
}
