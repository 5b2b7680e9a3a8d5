use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use simgan_data::{DataError, Size};

/// `data.flip`: which images training mirrors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    /// None.
    #[default]
    None,
    /// Half of them, left to right.
    Horizontal,
}

/// `data.random_crop`: the size of the parts that training cuts out of images; `None` for whole images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RandomCrop(pub Option<Size>);

impl fmt::Display for RandomCrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("none"),
            Some(size) => size.fmt(f),
        }
    }
}

impl FromStr for RandomCrop {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|size| Self(Some(size))) }
    }
}

impl TryFrom<String> for RandomCrop {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<RandomCrop> for String {
    fn from(crop: RandomCrop) -> Self {
        crop.to_string()
    }
}
