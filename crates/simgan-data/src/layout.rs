use std::sync::Arc;

use crate::{DataError, Listing, Source, SourceRequest};

/// One way of storing images on disk, or a simulator that renders them: how to recognise and open it.
///
/// [`Registry`](crate::Registry) shows how another crate adds its own.
pub trait Layout: Send + Sync {
    /// One word; `NAME:PATH` selects this layout explicitly.
    fn name(&self) -> &str;

    /// What a user can give, as a list item in a sentence: "a folder of PNG images".
    fn help(&self) -> String;

    /// Judges how well the files at a path fit this layout.
    ///
    /// The answer must depend only on names, or on files selected by name, never on the order of the listing.
    fn recognise(&self, _at: &Listing) -> Match {
        Match::No
    }

    /// Whether `spec` is one of this layout's own names rather than a path, such as `builtin:eyes`.
    fn claims(&self, _spec: &str) -> bool {
        false
    }

    /// The names that this layout claims; a mistyped name is matched against them.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the images are files in a folder that [`Folder`](crate::Folder) can also read. Only such a layout
    /// obeys [`SourceRequest::crop`], or refuses it.
    fn is_image_folder(&self) -> bool {
        false
    }

    /// Opens a source. `request.spec` is a claimed name, or the path that `at` lists, without a `LAYOUT:`
    /// prefix.
    ///
    /// # Errors
    /// The data are damaged or incomplete; [`DataError::UnknownSource`] for a claimed name that does not
    /// exist.
    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError>;
}

/// How well a layout fits the files at a path.
///
/// A specific layout takes precedence over a general one: a folder of UnityEyes renders is also a folder of
/// images. Two layouts that fit equally well are an error that names both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Does not fit.
    No,
    /// Fits any folder; chosen if no specific layout fits.
    General,
    /// Recognisably this data set.
    Specific,
}
