use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::auto::{self, Written};

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
        auto::serialize(self.number().map(|number| number as u64), serializer)
    }
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let channels = match Written::deserialize(deserializer)? {
            Written::Auto => Some(Self::Auto),
            Written::Number(number) => usize::try_from(number).ok().and_then(Self::of_number),
            Written::Other => None,
        };
        channels.ok_or_else(|| serde::de::Error::custom("neither \"auto\" nor 1 nor 3"))
    }
}
