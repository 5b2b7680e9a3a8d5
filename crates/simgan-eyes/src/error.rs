use std::path::PathBuf;

use simgan_data::Hint;
use simgan_data::simulation::SettingError;

/// Errors of the simulators. [`EyesError::hint`] says how to fix one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EyesError {
    /// A setting cannot be rendered.
    #[error("simulator setting `{setting}` is {value}: {reason}")]
    Setting {
        /// The field of the configuration.
        setting: &'static str,
        /// The value.
        value: String,
        /// The allowed values.
        reason: &'static str,
    },
    /// A typed setting does not exist, or has a value of the wrong kind.
    #[error(transparent)]
    Typed(#[from] SettingError),
    /// No simulator has this name.
    #[error("there is no simulator `{name}`")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A record does not describe an image that can be rendered.
    #[error("this record cannot be rendered: {reason}")]
    Record {
        /// What is wrong with it.
        reason: String,
    },
    /// UnityEyes' assets are missing.
    #[error("{path}: UnityEyes' assets are missing", path = .path.display())]
    NoAssets {
        /// The folder that should hold them.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Data(#[from] simgan_data::DataError),
    /// A folder cannot be created.
    #[error("{path}: {source}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// An asset file of UnityEyes is missing, damaged or different from the one expected.
    #[error("{path}: {reason}", path = .path.display())]
    Asset {
        /// The asset file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An image cannot be encoded.
    #[error("{path}: cannot encode the image: {source}", path = .path.display())]
    Encode {
        /// The file to be written.
        path: PathBuf,
        /// The encoder's error.
        source: image::ImageError,
    },
}

impl EyesError {
    /// How to fix the error; `None` where the message says it all.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Folder { source, .. } => Hint::of_io(source),
            Self::Typed(error) => error.hint(),
            Self::UnknownName { .. } => Some(Hint::advice(
                "there are `builtin:eyes` (labelled, clean), `builtin:camera` (the \"real\" domain), `unityeyes`, \
                 `unityeyes:mpiigaze` and `unityeyes:laptop`",
            )),
            Self::NoAssets { .. } => Some(Hint::any_of([
                Hint::Fetch(DATASET),
                Hint::advice("name a copy in the environment variable SIMGAN_UNITYEYES2"),
                Hint::advice("take `builtin:eyes`, which needs no assets"),
            ])),
            Self::Asset { .. } => Some(Hint::any_of([
                Hint::Fetch(DATASET),
                Hint::advice(
                    "take the folder `Assets` of https://github.com/alexanderdsmith/UnityEyes2 at commit \
                     156a24a4956239629d5e9556c2ca6234699fbef3",
                ),
            ])),
            Self::Setting { .. } | Self::Record { .. } | Self::Encode { .. } => None,
        }
    }
}

/// The name of UnityEyes' assets among the data sets that can be fetched.
const DATASET: &str = "unityeyes2";
