//! Images and labels, from files to batches.
//!
//! A [`Source`] gives random access to the [`Sample`]s of one domain: a [`Folder`] of files, a [`MemorySource`], several
//! sources as one ([`Concat`]), or one brought to a common size ([`Fitted`]). Known data sets are read as they are
//! published ([`MpiiGaze`], [`UnityEyes`], [`NyuHands`]) or packed into one file ([`pack`], [`Packed`]). A [`Registry`]
//! knows every [`Layout`], tells what a user's path is, and opens it. What is known of an image are its
//! [`Annotations`]: they follow its pixels, are packed with it, and are read only where [`Want::Labels`] asks for them.
//!
//! A [`Loader`] decodes samples ahead in the order of a [`Sampler`] and hands out [`Batch`]es of `f32` in
//! [−1, 1]; only this crate knows bytes. An [`ImageFile`] writes a changed image back in the format, depth
//! and channels in which it was read.
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
//! let here = loader.state(); // with this, another process goes on exactly here: `Sampler::from_state`
//! # assert_eq!((here.epoch, here.cursor), (1, 1));
//! # Ok(())
//! # }
//! ```
//!
//! The feature `candle`, on by default, adds `Batch::tensor`; `hdf5` reads the files of Kaggle's eye-gaze set.

mod annotation;
mod batch;
mod error;
mod fitted;
mod folder;
mod hdf5;
mod hint;
mod image;
mod layout;
mod listing;
mod loader;
mod lock;
pub mod mat;
mod mpiigaze;
mod nearest;
mod nyu;
mod packed;
mod record;
mod registry;
mod request;
mod sample;
mod sampler;
mod source;
mod statistics;
mod unityeyes;
mod write;

pub use self::annotation::{
    Annotation, Annotations, AnnotationsExt, BoundingBox, Boxes, Class, Direction, Mask, Name, Points, Stale,
    Vector, VectorKind, names,
};
pub use self::batch::Batch;
pub use self::error::DataError;
pub use self::fitted::{Fitted, Target};
pub use self::folder::{Folder, FolderOptions, Sizes};
pub use self::hint::{Hint, Hinted, Wording, message_of};
pub use self::image::{
    BitDepth, Fit, Image, ImageFile, ImageFormat, ImageSpec, JPEG_QUALITY, Orientation, Pixels, Sheet,
    SheetLayout, Size, Transform,
};
pub use self::layout::{Layout, Match};
pub use self::listing::Listing;
pub use self::loader::{Loader, LoaderOptions, OnError};
pub use self::lock::{lock, lock_open, replace_folder};
pub use self::mpiigaze::{MpiiGaze, MpiiGazeOptions, Persons, Subset};
pub use self::nearest::nearest;
pub use self::nyu::{NyuHands, NyuOptions};
pub use self::packed::{PackOptions, PackReport, Packed, pack};
pub use self::record::annotations_from_record;
pub use self::registry::{Found, Registry};
pub use self::request::{Role, SourceRequest};
pub use self::sample::Sample;
pub use self::sampler::{Sampler, SamplerState};
pub use self::source::{Concat, MemorySource, Remembering, Source, Want};
pub use self::statistics::{Range, Statistics};
pub use self::unityeyes::{Crop, UnityEyes, UnityEyesOptions};
pub use self::write::write_atomic;
