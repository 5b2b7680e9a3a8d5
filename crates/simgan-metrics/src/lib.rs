//! Measures of images, independent of how a refiner is trained: realism, label preservation, distances,
//! confidence intervals.
//!
//! [`realism`] trains a classifier to tell real from refined images. [`pupil_shift_at`] measures how far the
//! iris moved between an image and its refined version, [`point_shift`] how far any labelled points did.
//! [`kernel_distance`] (KID) compares features of two sets of images, [`intensity_distance`] and
//! [`gradient_distance`] their pixels. [`histogram_matched`], [`fourier_matched`] and [`augmented`] are simple
//! baselines to try before a GAN; [`Flicker`] compares a refined film with its render; [`augmented_with`] also says how it moved each image's pixels, so that labels
//! can follow. [`PointErrors`], [`ClassFigures`] and [`VectorFigures`] compare an estimator's predictions with
//! labels. [`binomial_p`], [`share_interval`], [`Spread`] and [`PairedDifference`] quantify the uncertainty of such
//! figures.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use simgan_metrics::{intensity_distance, share_interval};
//!
//! let dark = Tensor::full(-0.5f32, (2, 1, 15, 25), &Device::Cpu)?;
//! let bright = (&dark + 0.25)?;
//! assert_eq!(intensity_distance(&dark, &bright)?, 0.25);
//! let [low, high] = share_interval(517, 1000); // the paper's visual Turing test: no better than guessing
//! assert!(low < 0.5 && 0.5 < high);
//! # Ok::<(), simgan_metrics::MetricsError>(())
//! ```

mod augment;
mod class_figures;
mod error;
mod eye_region;
mod flicker;
mod gray;
mod iris;
mod kid;
mod matching;
mod paired;
mod pairs;
mod pixels;
mod point_errors;
mod point_shift;
mod pupil_shift;
mod realism;
mod registration;
mod statistics;
mod vector_figures;
mod warp;

pub use self::augment::{AugmentOptions, Strength, augmented, augmented_with};
pub use self::class_figures::{ClassFigure, ClassFigures};
pub use self::error::MetricsError;
pub use self::eye_region::has_iris;
pub use self::flicker::{Flicker, FlickerFigures};
pub use self::iris::{Iris, find_irises};
pub use self::kid::kernel_distance;
pub use self::matching::{fourier_matched, histogram_matched};
pub use self::paired::PairedDifference;
pub use self::pixels::{gradient_distance, intensity_distance};
pub use self::point_errors::{PointErrors, PointFigure, PointFigures};
pub use self::point_shift::{PointShift, PointShiftError, SinglePointShift, point_shift};
pub use self::pupil_shift::{PupilShift, ShiftError, pupil_shift, pupil_shift_at};
pub use self::realism::{Realism, RealismTraining, realism, realism_watched};
pub use self::statistics::{Spread, binomial_p, share_interval};
pub use self::vector_figures::{ComponentFigure, VectorFigures};
pub use self::warp::Warp;
