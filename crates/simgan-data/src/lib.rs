//! Images and labels, from files to batches.
//!
//! A [`Source`] gives random access to the [`Sample`]s of one domain. A [`Folder`] reads image files, a
//! [`MemorySource`] holds samples in memory, [`Concat`] joins several sources, and [`Fitted`] brings the
//! images of one to a common size. Published data sets are read as they are distributed ([`MpiiGaze`],
//! [`UnityEyes`], [`NyuHands`], MNIST's [`Idx`]) or from one packed file ([`pack`], [`Packed`]). A [`Registry`] knows every
//! [`Layout`] and opens a user's path with the one that fits. A sample's [`Annotations`] follow its pixels
//! through every transform and are packed with it; they are read only on [`Want::Labels`].
//!
//! A [`Loader`] decodes samples ahead of time, in the order of a [`Sampler`], and returns [`Batch`]es of
//! `f32` in [−1, 1]. Stored pixel bytes stay inside this crate. An [`ImageFile`] writes a modified image back
//! in the format, bit depth and channels it was read with.
//!
//! ```
//! use std::sync::Arc;
//! use simgan_data::{Fitted, Folder, FolderOptions, Loader, LoaderOptions, Sampler, Sizes, Source, Target};
//! # use simgan_data::{Image, ImageFile, ImageFormat, Pixels};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # for (name, width) in [("a.png", 60), ("b.png", 110)] {
//! #     let image = Image::new(1, 40, width, Pixels::U8(vec![128; 40 * width]));
//! #     ImageFile::new(image, ImageFormat::Png).save(&folder.path().join(name))?;
//! # }
//! let options = FolderOptions { sizes: Sizes::Mixed, ..Default::default() };
//! let folder = Folder::open(folder.path(), &options)?;
//! let target = Target { size: Some("55x35".parse()?), channels: Some(1), ..Target::default() };
//! let eyes = Arc::new(Fitted::new(Arc::new(folder), target));
//!
//! let sampler = Sampler::new(eyes.len(), 7);
//! let mut loader = Loader::new(eyes, sampler, LoaderOptions { batch: 3, ..LoaderOptions::default() })?;
//! let batch = loader.next_batch()?;
//! assert_eq!(batch.shape, [3, 1, 35, 55]);
//! let here = loader.state(); // `Sampler::from_state` resumes from exactly here
//! # assert_eq!((here.epoch, here.cursor), (1, 1));
//! # Ok(())
//! # }
//! ```
//!
//! [`simulation`] is what simulators share.
//!
//! The feature `candle`, on by default, adds `Batch::tensor`; the feature `hdf5` reads Kaggle's eye-gaze
//! files and BlenderProc's.

mod annotation;
mod batch;
mod budget;
mod companions;
mod error;
mod fitted;
mod folder;
mod hdf5;
mod hint;
mod idx;
mod image;
pub mod labels;
mod layout;
mod listing;
mod loader;
mod lock;
pub mod mat;
mod mpiigaze;
mod nearest;
mod nyu;
mod packed;
mod pattern;
mod printable;
mod range;
mod read;
mod record;
mod registry;
mod request;
mod sample;
mod sampler;
pub mod simulation;
mod source;
mod statistics;
mod survey;
mod tone;
mod unityeyes;
mod write;

pub use self::annotation::{
    Annotation, Annotations, AnnotationsExt, BoundingBox, Boxes, Class, Direction, Mask, Name, Points,
    Vector, VectorKind, names,
};
pub use self::batch::Batch;
pub use self::budget::{Budget, Permit};
pub use self::error::DataError;
pub use self::fitted::{Fitted, Target};
pub use self::folder::{
    Census, Folder, FolderOptions, Kept, KeptImage, MaskKind, PassedOver, Selection, Sizes, is_junk,
};
pub use self::hint::{Hint, Hinted, Wording, message_of};
pub use self::idx::Idx;
pub use self::image::{
    BitDepth, Fit, Image, ImageFile, ImageFormat, ImageSpec, Orientation, Pixels, Sheet, SheetLayout, Size,
    Transform,
};
pub use self::layout::{Layout, Match};
pub use self::listing::Listing;
pub use self::loader::{Loader, LoaderOptions, OnError, Share};
pub use self::lock::{check_plain, is_locked, lock, lock_open, replace_folder};
pub use self::mpiigaze::{MpiiGaze, MpiiGazeOptions, Persons, Subset};
pub use self::nearest::nearest;
pub use self::nyu::{NyuHands, NyuOptions};
pub use self::packed::{PackOptions, PackReport, Packed, pack};
pub use self::printable::{printable, printable_line};
pub use self::range::ValueRange;
pub use self::read::{MAX_TEXT, read_regular, read_text};
pub use self::record::annotations_from_record;
pub use self::registry::{Found, Registry};
pub use self::request::{Role, SourceRequest};
pub use self::sample::{ClassNames, Sample};
pub use self::sampler::{Sampler, SamplerState};
pub use self::source::{
    Augmentation, Augmented, Concat, FramePairs, MemorySource, Remembering, Source, Toned, Want,
};
pub use self::statistics::{Range, Statistics};
pub use self::survey::{Extremes, evenly, probe_evenly};
pub use self::tone::{Tone, ToneReference, Tones};
pub use self::unityeyes::{Crop, LEVEL_PITCH_DEG, UnityEyes, UnityEyesOptions};
pub use self::write::{copy_atomic, copy_time, is_copy, write_atomic};
