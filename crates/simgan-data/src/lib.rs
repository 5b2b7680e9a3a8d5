//! Images and labels, from files to batches.
//!
//! A [`Source`] gives random access to the images of one domain.

mod error;
mod gaze;
mod image;
mod source;

pub use self::error::DataError;
pub use self::gaze::Gaze;
pub use self::image::{BitDepth, Image, ImageSpec, Pixels};
pub use self::source::{Label, Sample, Source};
