use std::path::PathBuf;

use simgan_data::{Hint, nearest};
use simgan_settings::OutOfRange;

use super::{CONFIG_VERSION, Recipe};

/// Why a configuration was refused. Each message names the key and what it may be; [`ConfigError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("the configuration is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A key that no configuration has.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// As it was given.
        key: String,
        /// The nearest key, or where to look.
        hint: Hint,
    },
    /// A name that no recipe has.
    #[error("`recipe` cannot be \"{name}\": one of {}", Recipe::ALL.map(|recipe| format!("\"{recipe}\"")).join(", "))]
    UnknownRecipe {
        /// As it was given.
        name: String,
    },
    /// A value of another type than its key's.
    #[error("`{key}` cannot be {value}: {allowed}")]
    Type {
        /// The key, `section.name`.
        key: String,
        /// As it was given.
        value: String,
        /// What is allowed.
        allowed: String,
        /// A value that is allowed.
        example: String,
    },
    /// A value that its key cannot take.
    #[error("`{key}` cannot be {value}: {allowed}")]
    Value {
        /// The key, `section.name`.
        key: String,
        /// As it was given.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// An argument without an equals sign.
    #[error("`{0}` is not KEY=VALUE")]
    NotAnAssignment(String),
    /// A configuration of a later version of this program.
    #[error("the configuration has format version {found}, this program reads version {CONFIG_VERSION}")]
    Version {
        /// The file's.
        found: i64,
    },
    /// A run cannot go on with another value.
    #[error("`{key}` is {now} but the run was started with {before}; another value makes another run")]
    Resumed {
        /// The key.
        key: String,
        /// The run's value.
        before: String,
        /// The value asked for.
        now: String,
        /// The run's configuration.
        config: PathBuf,
    },
}

impl ConfigError {
    /// What to do about it; `None` where the message says all there is to say.
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
            Self::Syntax(_) | Self::Value { .. } | Self::Version { .. } => None,
        }
    }

    /// An error about `key`, whose value is shown, unless it `fits`.
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
