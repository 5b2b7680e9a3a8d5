use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use simgan_data::{DataError, Size};

/// `data.size`: the size of the networks' images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DataSize {
    /// `"auto"`: the images' own size if they share one that is small enough, else one chosen to train well on.
    Auto,
    /// `"source"`: the images' own size, which must then be the same for all.
    Source,
    /// `"WIDTHxHEIGHT"`, in pixels.
    Pixels(Size),
}

impl fmt::Display for DataSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Source => f.write_str("source"),
            Self::Pixels(size) => size.fmt(f),
        }
    }
}

impl FromStr for DataSize {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "auto" => Ok(Self::Auto),
            "source" => Ok(Self::Source),
            text => text.parse().map(Self::Pixels),
        }
    }
}

impl TryFrom<String> for DataSize {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<DataSize> for String {
    fn from(size: DataSize) -> Self {
        size.to_string()
    }
}
