use std::path::PathBuf;

use simgan_data::{Hint, nearest};
use simgan_settings::OutOfRange;

use super::{CONFIG_VERSION, Recipe};

/// Why a configuration was rejected. The message names the key and its allowed values; [`ConfigError::hint`]
/// suggests a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("the configuration is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// An unknown key.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The key as given.
        key: String,
        /// The nearest key, or the list of sections.
        hint: Hint,
    },
    /// An unknown recipe.
    #[error("`recipe` cannot be \"{name}\": one of {}", Recipe::ALL.map(|recipe| format!("\"{recipe}\"")).join(", "))]
    UnknownRecipe {
        /// The name as given.
        name: String,
    },
    /// A value of the wrong type.
    #[error("`{key}` cannot be {value}: {allowed}")]
    Type {
        /// The key, `section.name`.
        key: String,
        /// The value as given.
        value: String,
        /// The allowed values, in words.
        allowed: String,
        /// An allowed value.
        example: String,
    },
    /// A value outside its key's range.
    #[error("`{key}` cannot be {value}: {allowed}")]
    Value {
        /// The key, `section.name`.
        key: String,
        /// The value as given.
        value: String,
        /// The allowed values, in words.
        allowed: String,
    },
    /// A value that TOML cannot express, such as a number beyond its range.
    #[error("the configuration cannot be written as TOML: {0}")]
    Unwritable(String),
    /// An argument without an equals sign.
    #[error("`{0}` is not KEY=VALUE")]
    NotAnAssignment(String),
    /// A configuration in another format version.
    #[error("the configuration has format version {found}, this program reads version {CONFIG_VERSION}")]
    Version {
        /// The file's version.
        found: i64,
    },
    /// A resumed run was given a different value for a setting that must not change.
    #[error("`{key}` is {now} but the run was started with {before}; a different value needs a new run")]
    Resumed {
        /// The key.
        key: String,
        /// The run's value.
        before: String,
        /// The requested value.
        now: String,
        /// The run's configuration.
        config: PathBuf,
    },
}

impl ConfigError {
    /// Returns a suggested remedy; `None` if the message suffices.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::UnknownKey { hint, .. } => Some(hint.clone()),
            Self::UnknownRecipe { name } => {
                nearest(name, Recipe::ALL.map(Recipe::name)).map(|name| Hint::DidYouMean(name.to_owned()))
            }
            Self::Type { key, example, .. } => Some(format!("for example {key}={example}").into()),
            Self::NotAnAssignment(_) => Some("for example schedule.k_g=2".into()),
            Self::Resumed { config, .. } => Some(Hint::NewRun { config: config.clone() }),
            Self::Syntax(_) | Self::Value { .. } | Self::Unwritable(_) | Self::Version { .. } => None,
        }
    }

    /// Returns an error about `key` that shows its value, unless `fits`.
    pub(super) fn unless(
        fits: bool,
        key: &str,
        value: impl std::fmt::Display,
        allowed: &str,
    ) -> Result<(), Self> {
        if fits {
            return Ok(());
        }
        let (key, value, allowed) = (key.to_owned(), value.to_string(), allowed.to_owned());
        Err(Self::Value { key, value, allowed })
    }
}

impl From<OutOfRange> for ConfigError {
    fn from(OutOfRange { key, value, allowed }: OutOfRange) -> Self {
        Self::Value { key, value, allowed }
    }
}
