use serde::{Deserialize, Deserializer, Serialize, Serializer};
use simgan_settings::Range;
use toml::Value;

use super::STEPS;
use super::auto::{self, Written};

/// `selection.every`: when checkpoints are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// `"auto"`: about four times in the adversarial phase if labels say where to look, else never.
    Auto,
    /// 0.
    Never,
    /// A number of steps.
    Steps(u64),
}

/// Judgements of a run with [`Every::Auto`].
const JUDGEMENTS: u64 = 4;
/// Its minimum number of steps between them: a judgement takes as long as dozens of steps of the demo.
const CLOSEST: u64 = 400;

impl Every {
    pub(super) const RANGE: Range =
        Range::Form("\"auto\", or a whole number from 0 to 9007199254740992", |value| {
            value.as_str() == Some("auto") || matches!(value, Value::Integer(0..=STEPS_SIGNED))
        });

    /// The number of steps between two judgements; `None` if there are none, or it has not been settled.
    #[must_use]
    pub fn steps(self) -> Option<u64> {
        match self {
            Self::Auto | Self::Never => None,
            Self::Steps(steps) => Some(steps),
        }
    }

    /// What [`Every::Auto`] comes to in an adversarial phase of `steps` steps, if labels have places.
    #[must_use]
    pub(crate) fn settled(self, steps: u64, has_places: impl FnOnce() -> bool) -> Self {
        match self {
            Self::Auto if steps >= CLOSEST && has_places() => Self::Steps((steps / JUDGEMENTS).max(CLOSEST)),
            Self::Auto => Self::Never,
            settled => settled,
        }
    }
}

const STEPS_SIGNED: i64 = STEPS as i64;

impl Serialize for Every {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        auto::serialize((*self != Self::Auto).then(|| self.steps().unwrap_or(0)), serializer)
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Auto => Ok(Self::Auto),
            Written::Number(0) => Ok(Self::Never),
            Written::Number(steps) => Ok(Self::Steps(steps)),
            Written::Other => Err(serde::de::Error::custom("neither \"auto\" nor a number of steps")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_judges_four_times_where_labels_have_places() {
        assert_eq!(Every::Auto.settled(10_000, || true), Every::Steps(2500));
        assert_eq!(Every::Auto.settled(400, || true), Every::Steps(400));
        assert_eq!(Every::Auto.settled(10_000, || false), Every::Never);
        assert_eq!(Every::Auto.settled(399, || true), Every::Never, "too short to choose from");
        for settled in [Every::Never, Every::Steps(7)] {
            assert_eq!(settled.settled(10_000, || true), settled);
        }
    }
}
