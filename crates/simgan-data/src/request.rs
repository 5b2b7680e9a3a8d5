use crate::folder::FolderOptions;
use crate::{Crop, OnError, Size, Sizes};

/// A request to open a source: which one, and how.
///
/// A layout reads the fields that concern it and ignores the rest. Opening does not resize images;
/// [`Fitted`](crate::Fitted) does.
#[derive(Clone, Debug)]
pub struct SourceRequest {
    /// A path, `LAYOUT:PATH`, or a name that a layout claims, such as a simulator's.
    pub spec: String,
    /// Which side of the training the source is for.
    pub role: Role,
    /// Requested size. A simulator renders at this size; a folder may then hold images of different sizes.
    pub size: Option<Size>,
    /// Which sizes a folder's images may have if `size` is `None`.
    pub sizes: Sizes,
    /// 1 (gray) or 3 (RGB): what a simulator renders and how a folder is read; `None` keeps the source's own.
    ///
    /// With 1, only the stored luma of colour JPEG files may be decoded, which is faster.
    pub channels: Option<usize>,
    /// How UnityEyes' renders are cropped.
    pub crop: Crop,
    /// Seed of a simulator's random numbers.
    pub seed: u64,
    /// What to do if one of the source's multi-image files cannot be read.
    pub on_error: OnError,
}

/// Which side of the training a source is opened for; some data sets hold both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Labelled images to be refined.
    #[default]
    Synthetic,
    /// Images that refined images should resemble.
    Real,
}

impl SourceRequest {
    /// Requests a synthetic source in its own size and channels, with seed 0.
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

    /// Whether each image must be cropped around what its record says. Photographs share the setting, but have
    /// no records and need no crop.
    pub(crate) fn needs_crop(&self) -> bool {
        matches!(self.crop, Crop::Fixed | Crop::EyeWidth) && self.role == Role::Synthetic
    }

    /// The options for reading a folder of images.
    pub(crate) fn folder_options(&self) -> FolderOptions {
        // Images that will be resized to one size may start from any.
        let sizes = if self.size.is_some() { Sizes::Mixed } else { self.sizes };
        FolderOptions { sizes, channels: self.channels, ..FolderOptions::default() }
    }
}
