use std::path::PathBuf;

/// What can go wrong in the simulator. Each message says what to do.
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
    /// A setting was typed that does not exist, or with a value that it cannot have.
    #[error("simulator setting `{assignment}`: {reason}")]
    Assignment {
        /// As it was typed.
        assignment: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is no simulator.
    #[error(
        "`{name}` is no simulator; hint: there are `builtin:eyes` (labelled, clean), `builtin:camera` (the \"real\" domain), \
         `unityeyes` and `unityeyes:mpiigaze`"
    )]
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
    /// UnityEyes' assets are not there.
    #[error(
        "{path}: UnityEyes' assets are not there; hint: cargo xtask fetch-data unityeyes2\nhint: a copy elsewhere is found by the \
         environment variable SIMGAN_UNITYEYES2; `builtin:eyes` needs no assets",
        path = .path.display()
    )]
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
    #[error(
        "{path}: {reason}; hint: UnityEyes' assets are the folder `Assets` of \
         https://github.com/alexanderdsmith/UnityEyes2 at commit 156a24a4956239629d5e9556c2ca6234699fbef3; fetch them again with \
         cargo xtask fetch-data unityeyes2",
        path = .path.display()
    )]
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
