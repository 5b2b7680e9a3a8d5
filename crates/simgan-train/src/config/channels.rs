use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `data.channels`: the channels of the networks' images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// `"auto"`: gray if every image is gray, else RGB.
    Auto,
    /// 1.
    Gray,
    /// 3.
    Rgb,
}

impl Channels {
    /// The number of channels; `None` for [`Channels::Auto`].
    #[must_use]
    pub fn number(self) -> Option<usize> {
        match self {
            Self::Auto => None,
            Self::Gray => Some(1),
            Self::Rgb => Some(3),
        }
    }

    /// The setting for a number of channels; `None` unless it is 1 or 3.
    #[must_use]
    pub fn of_number(number: usize) -> Option<Self> {
        [Self::Gray, Self::Rgb].into_iter().find(|channels| channels.number() == Some(number))
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            Some(number) => number.fmt(f),
            None => f.write_str("auto"),
        }
    }
}

impl Serialize for Channels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.number() {
            Some(number) => number.serialize(serializer),
            None => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A number, also in quotes, or a word.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(usize),
            Word(String),
        }

        let channels = match Written::deserialize(deserializer)? {
            Written::Word(word) if word == "auto" => Some(Self::Auto),
            Written::Word(word) => word.parse().ok().and_then(Self::of_number),
            Written::Number(number) => Self::of_number(number),
        };
        channels.ok_or_else(|| serde::de::Error::custom("neither \"auto\" nor 1 nor 3"))
    }
}
