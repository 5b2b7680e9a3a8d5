use crate::folder::FolderOptions;
use crate::{Crop, OnError, Size, Sizes};

/// A source as it is asked for: its name, and how to open it.
///
/// A layout heeds what concerns it and ignores the rest. Images are not resized here; [`Fitted`](crate::Fitted) does that.
#[derive(Clone, Debug)]
pub struct SourceRequest {
    /// A path, `LAYOUT:PATH`, or a name that a layout claims, such as a simulator's.
    pub spec: String,
    /// Which side of the training it is for.
    pub role: Role,
    /// The size that is wanted: a simulator renders it, a folder may then hold images of different sizes.
    pub size: Option<Size>,
    /// Which sizes the images of a folder may have if `size` is `None`.
    pub sizes: Sizes,
    /// 1 (gray) or 3 (RGB): what a simulator renders and a folder is read as; `None` keeps the source's own.
    ///
    /// With 1, JPEG files in colour may be read as the luma that they store, which is faster.
    pub channels: Option<usize>,
    /// What is cut out of UnityEyes' renders.
    pub crop: Crop,
    /// What a simulator's random numbers follow from.
    pub seed: u64,
    /// What to do about a file of many images that cannot be read.
    pub on_error: OnError,
}

/// Which side of the training a source is opened for; some data sets hold both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Images to be refined, labelled.
    #[default]
    Synthetic,
    /// Images that refined ones should look like.
    Real,
}

impl SourceRequest {
    /// Asks for a source to be refined, with its own size and channels and seed 0.
    #[must_use]
    pub fn new(spec: impl Into<String>) -> Self {
        Self {
            spec: spec.into(),
            role: Role::default(),
            size: None,
            sizes: Sizes::default(),
            channels: None,
            crop: Crop::default(),
            seed: 0,
            on_error: OnError::default(),
        }
    }

    /// How a folder of images is read.
    pub(crate) fn folder_options(&self) -> FolderOptions {
        let sizes = if self.size.is_some() { Sizes::Mixed } else { self.sizes };
        FolderOptions { sizes, channels: self.channels }
    }
}
