use std::path::PathBuf;

use simgan_data::Hint;

/// What can go wrong in the simulator; [`EyesError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EyesError {
    /// A setting cannot be rendered.
    #[error("simulator setting `{setting}` is {value}: {reason}")]
    Setting {
        /// The field of the configuration.
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// What is allowed.
        reason: &'static str,
    },
    /// A setting was typed with a value that it cannot have.
    #[error("simulator setting `{assignment}`: {reason}")]
    Assignment {
        /// As it was typed.
        assignment: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting was typed that does not exist.
    #[error("simulator setting `{assignment}`: there is no such setting")]
    UnknownSetting {
        /// As it was typed.
        assignment: String,
        /// Every setting that there is.
        known: Vec<String>,
    },
    /// A name that no simulator has.
    #[error("there is no simulator `{name}`")]
    UnknownName {
        /// What was asked for.
        name: String,
    },
    /// A record cannot be rendered again.
    #[error("this record cannot be rendered: {reason}")]
    Record {
        /// What is wrong with it.
        reason: String,
    },
    /// UnityEyes' assets are missing.
    #[error("{path}: UnityEyes' assets are missing", path = .path.display())]
    NoAssets {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error(transparent)]
    Data(#[from] simgan_data::DataError),
    /// The folder for renders could not be made.
    #[error("{path}: {source}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An asset of UnityEyes is missing or not what it should be.
    #[error("{path}: {reason}", path = .path.display())]
    Asset {
        /// The asset file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A render could not be encoded.
    #[error("{path}: cannot encode the image: {source}", path = .path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
}

impl EyesError {
    /// What to do about it; `None` where the message says all there is to say.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Folder { source, .. } => Hint::of_io(source),
            Self::UnknownSetting { known, .. } => Some(format!("there are {}", known.join(", ")).into()),
            Self::UnknownName { .. } => Some(Hint::advice(
                "there are `builtin:eyes` (labelled, clean), `builtin:camera` (the \"real\" domain), `unityeyes` and \
                 `unityeyes:mpiigaze`",
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
            Self::Setting { .. } | Self::Assignment { .. } | Self::Record { .. } | Self::Encode { .. } => {
                None
            }
        }
    }
}

/// What UnityEyes' assets are called among the data sets that can be fetched.
const DATASET: &str = "unityeyes2";
