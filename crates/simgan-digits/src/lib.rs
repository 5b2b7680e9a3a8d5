//! The digit simulator: the figures 0 to 9, drawn with a clean pen from our own stroke outlines.
//!
//! [`Digits`] is a [`simgan_data::Source`] of labelled images, white strokes on black as in MNIST, and the
//! smallest synthetic domain on which a refiner can be tried: MNIST's digits, written by people, are its real
//! counterpart. A [`DigitsConfig`] sets the image's size and the ranges of pen, slant, proportions and place.
//! [`DigitsLayout`] lets a [`simgan_data::Registry`] open the simulator as `builtin:digits`.
//!
//! ```
//! use simgan_data::{AnnotationsExt, Source, Want, names};
//! use simgan_digits::{Digits, DigitsConfig};
//!
//! let digits = Digits::new(DigitsConfig { seed: 7, ..DigitsConfig::default() })?;
//! let sample = digits.sample(41, Want::Labels)?;
//! assert_eq!((sample.image.spec().width, sample.image.spec().height), (28, 28));
//! let digit = sample.annotations.class(names::CLASS);
//! assert!(digit.is_some_and(|digit| digit < 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From seed to image
//!
//! ```text
//! (seed, index) ──▶ class, shape ──▶ outline ──▶ warp, slant, turn ──▶ placed in the image ──▶ pen ──▶ Image
//!  one ChaCha8      both uniform     strokes     a smooth change of
//!  stream each                                   the whole figure
//! ```
//!
//! An image is a pure function of (configuration, index), bit for bit on every machine: sines come from
//! `libm`, and no random generator is shared between images.

mod config;
mod error;
mod figure;
mod layout;
mod outlines;
mod pen;
mod simulator;
mod stroke;

pub use self::config::DigitsConfig;
pub use self::error::DigitsError;
pub use self::layout::DigitsLayout;
pub use self::simulator::Digits;
pub use simgan_data::simulation::Range;
