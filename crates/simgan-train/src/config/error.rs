use std::path::PathBuf;

use simgan_settings::OutOfRange;

use super::CONFIG_VERSION;

/// Why a configuration was refused. Each message names the key and what it may be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("the configuration is not TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A key that no configuration has.
    #[error("unknown key `{key}`\nhint: {hint}")]
    UnknownKey {
        /// As it was given.
        key: String,
        /// The nearest key, or where to look.
        hint: String,
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
    #[error("`{0}` is not KEY=VALUE\nhint: for example --set schedule.k_g=2")]
    NotAnAssignment(String),
    /// A configuration of a later version of this program.
    #[error("the configuration has format version {found}, this program reads version {CONFIG_VERSION}")]
    Version {
        /// The file's.
        found: i64,
    },
    /// A run cannot go on with another value.
    #[error(
        "`{key}` is {now} but the run was started with {before}, and another value would be another run\n\
         hint: start a new run with --config {config} and the new value", config = .config.display()
    )]
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
