use std::sync::Arc;

use crate::{DataError, Listing, Source, SourceRequest};

/// A way in which images lie on a disk, or come out of a simulator: how it is recognised and how it is opened.
///
/// [`Registry`](crate::Registry) shows how a crate of one's own adds one.
pub trait Layout: Send + Sync {
    /// One word, written before a path to choose this layout: `NAME:PATH`.
    fn name(&self) -> &str;

    /// What a user can give, to stand in a list: "a folder of PNG images".
    fn help(&self) -> String;

    /// How well what lies at a path fits.
    ///
    /// The answer must follow from names alone, or from files chosen by name: never from the order of the listing.
    fn recognise(&self, _at: &Listing) -> Match {
        Match::No
    }

    /// Whether `spec` is a name of this layout's own and no path, such as `builtin:eyes`.
    fn claims(&self, _spec: &str) -> bool {
        false
    }

    /// Names that it claims, for suggestions to who mistypes one.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether its images are files in a folder that [`Folder`](crate::Folder) reads as well.
    fn is_image_folder(&self) -> bool {
        false
    }

    /// Opens a source. `request.spec` is a claimed name, or the path that `at` lists, without a layout's name before it.
    ///
    /// # Errors
    /// What lies there is damaged or lacks what it should hold; [`DataError::UnknownSource`] for a claimed name that
    /// does not exist.
    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError>;
}

/// How well a layout fits what lies at a path.
///
/// A specific layout takes precedence over a general one: a folder of UnityEyes' renders is a folder of images too. Two
/// layouts that fit equally well are an error that names both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Not at all.
    No,
    /// As a last resort: where nothing tells what it is.
    General,
    /// Its names say that it is this data set.
    Specific,
}
