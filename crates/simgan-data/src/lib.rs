//! Images and labels, from files to batches.
//!
//! A [`Source`] gives random access to the images of one domain: a [`Folder`] of files, a [`MemorySource`], several
//! sources as one ([`Concat`]), or one brought to a common size ([`Fitted`]). Known data sets are read as they are
//! published ([`MpiiGaze`], [`UnityEyes`], [`NyuHands`]) or packed into one file ([`pack`], [`Packed`]); [`open`] tells them apart.
//! A [`Loader`] decodes samples ahead in the order of a [`Sampler`] and hands out [`Batch`]es of `f32` in [−1, 1];
//! only this crate knows bytes. An [`ImageFile`] writes a changed image back in the format, depth and channels in
//! which it was read.
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
//! The feature `candle`, on by default, adds `Batch::tensor`; `hdf5` lets [`open`] read the files of Kaggle's eye-gaze
//! set.

mod batch;
mod error;
mod fitted;
mod folder;
mod gaze;
#[cfg(feature = "hdf5")]
mod hdf5;
mod image;
mod label;
mod loader;
pub mod mat;
mod mpiigaze;
mod nyu;
mod open;
mod packed;
mod sampler;
mod source;
mod statistics;
mod unityeyes;
mod write;

pub use self::batch::Batch;
pub use self::error::DataError;
pub use self::fitted::{Fitted, Target};
pub use self::folder::{Folder, FolderOptions, Sizes};
pub use self::gaze::Gaze;
pub use self::image::{
    BitDepth, Fit, Image, ImageFile, ImageFormat, ImageSpec, JPEG_QUALITY, Pixels, Sheet, SheetLayout, Size,
};
pub use self::label::{Label, Landmarks};
pub use self::loader::{Loader, LoaderOptions, OnError};
pub use self::mpiigaze::{MpiiGaze, MpiiGazeOptions, Persons, Subset};
pub use self::nyu::{NyuDomain, NyuHands, NyuOptions};
pub use self::open::{Layout, OpenOptions, open};
pub use self::packed::{PackOptions, PackReport, Packed, pack};
pub use self::sampler::{Sampler, SamplerState};
pub use self::source::{Concat, MemorySource, Remembering, Sample, Source, Unlabelled};
pub use self::statistics::{Range, Statistics};
pub use self::unityeyes::{Crop, UnityEyes, UnityEyesOptions};
pub use self::write::write_atomic;
