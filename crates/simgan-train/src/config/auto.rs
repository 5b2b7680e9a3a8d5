use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A setting that a file spells `"auto"` or as a number, also in quotes.
pub(super) enum Written {
    Auto,
    Number(u64),
    /// Another word.
    Other,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Word(String),
        }

        Ok(match Form::deserialize(deserializer)? {
            Form::Word(word) if word == "auto" => Self::Auto,
            Form::Word(word) => word.parse().map_or(Self::Other, Self::Number),
            Form::Number(number) => Self::Number(number),
        })
    }
}

/// Writes a number, or `"auto"` for none.
pub(super) fn serialize<S: Serializer>(number: Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => number.serialize(serializer),
        None => serializer.serialize_str("auto"),
    }
}
