//! The visual Turing test: can people tell refined images from real ones?
//!
//! [`design::prepare`] chooses and refines the images, [`TestFile`] keeps them with the subjects and their
//! answers, and [`Results`] says what these mean, by [`statistics`].

pub mod design;
mod error;
mod format;
mod pages;
mod results;
pub mod statistics;
mod store;

pub(crate) use self::pages::{Tests, router};

pub use self::error::TuringError;
pub use self::results::{ImageResult, PartResult, Results, SubjectResult};
pub use self::store::{GivenAnswer, Progress, Question, Recorded, StoredSubject, TestFile};
