use simgan_data::simulation::SettingError;
use simgan_data::{DataError, Hint};

/// Errors of the simulator. [`HandsError::hint`] says how to fix one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandsError {
    /// A setting cannot be rendered.
    #[error("simulator setting `{setting}` is {value}: it must be {allowed}")]
    Setting {
        /// The field of the configuration.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The allowed values.
        allowed: &'static str,
    },
    /// A typed setting cannot be applied.
    #[error(transparent)]
    Typed(#[from] SettingError),
    /// No simulator has this name.
    #[error("there is no simulator `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
}

impl HandsError {
    /// How to fix the error; `None` where the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Typed(error) => error.hint(),
            Self::UnknownName { .. } => Some(Hint::advice(
                "there are `builtin:hands` (labelled, clean) and `builtin:kinect` (the \"real\" domain)",
            )),
            Self::Setting { .. } => None,
        }
    }
}

impl From<HandsError> for DataError {
    fn from(error: HandsError) -> Self {
        // The hint must be a value of its own: `DataError` sees only a boxed error.
        Self::Layout { hint: error.hint(), source: Box::new(error) }
    }
}
