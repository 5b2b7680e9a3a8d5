use simgan_data::simulation::SettingError;
use simgan_data::{DataError, Hint};

/// Errors of the digit simulator. [`DigitsError::hint`] says how to fix one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigitsError {
    /// A setting cannot be drawn.
    #[error("simulator setting `{setting}` is {value}: it must be {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The allowed values.
        reason: String,
    },
    /// A typed setting does not exist, or has a value of the wrong kind.
    #[error(transparent)]
    Typed(#[from] SettingError),
    /// The name is not this simulator's.
    #[error("there is no simulator `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
}

impl DigitsError {
    /// How to fix the error; `None` where the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Typed(error) => error.hint(),
            Self::UnknownName { .. } => Some("this simulator is `builtin:digits`".into()),
            Self::Setting { .. } => None,
        }
    }
}

impl From<DigitsError> for DataError {
    fn from(error: DigitsError) -> Self {
        let hint = error.hint();
        match (error, hint) {
            (DigitsError::UnknownName { name }, Some(hint)) => Self::UnknownSource { spec: name, hint },
            // The hint must be a value of its own: `DataError` sees only a boxed error.
            (error, hint) => Self::Layout { hint, source: Box::new(error) },
        }
    }
}
