//! Does refining help, and do the labels stay true? The paper's measures (§3.1), for any simulator and camera.
//!
//! [`LabelledImages`] are images in memory with the gaze of each. [`train_gaze_estimator`] trains the paper's gaze
//! network on them, [`predict_gaze`] asks it, and [`GazeErrors`] compares with the truth, beside the baselines
//! [`mean_gaze`] and [`nearest_neighbours`]. [`pupil_shift_at`] measures how far the iris moved between an image and its
//! refined version. [`realism`] lets a fresh classifier tell real from refined images, [`kernel_distance`] (KID)
//! compares their [`gaze_features`], [`intensity_distance`] and [`gradient_distance`] their pixels. What a user would
//! try instead of a GAN stands beside: [`histogram_matched`], [`fourier_matched`], [`augmented`]. [`binomial_p`] and
//! [`share_interval`] say what such counts are worth. [`RefinerJudge`]
//! chooses a run's best checkpoint by some of these. [`evaluation`] puts all of it together: the paper's tables for one
//! refiner, and [`report`] shows them; an [`experiment`] trains refiners that differ in one setting, and compares them.
//!
//! ```
//! use simgan_data::Gaze;
//! use simgan_eval::{GazeErrors, mean_gaze};
//!
//! let truth: Vec<_> = (0..10).map(|i| Gaze::from_pitch_yaw(0.0, 0.02 * i as f32)).collect();
//! let guess = vec![mean_gaze(&truth).unwrap(); truth.len()];
//! let errors = GazeErrors::new(&guess, &truth)?;
//! assert!((errors.mean_deg - 0.05f64.to_degrees()).abs() < 1e-3);
//! assert_eq!(errors.within_7deg, 1.0);
//! # Ok::<(), simgan_eval::EvalError>(())
//! ```

mod augment;
mod baseline;
mod error;
pub mod evaluation;
pub mod experiment;
mod eye_region;
mod gaze_error;
mod gaze_training;
mod gray;
mod iris;
mod kid;
mod labelled;
mod matching;
mod pixels;
mod pupil_shift;
mod realism;
mod refiner_judge;
mod registration;
pub mod report;
mod statistics;

pub use self::augment::augmented;
pub use self::baseline::{mean_gaze, nearest_neighbours};
pub use self::error::EvalError;
pub use self::gaze_error::{GazeErrors, TestEye, angle_deg};
pub use self::gaze_training::{
    GazeTraining, gaze_features, predict_gaze, train_gaze_estimator, train_gaze_estimator_watched,
};
pub use self::iris::{Iris, find_irises};
pub use self::kid::kernel_distance;
pub use self::labelled::LabelledImages;
pub use self::matching::{fourier_matched, histogram_matched};
pub use self::pixels::{gradient_distance, intensity_distance};
pub use self::pupil_shift::{PupilShift, ShiftError, pupil_shift, pupil_shift_at};
pub use self::realism::{Realism, RealismTraining, realism};
pub use self::refiner_judge::RefinerJudge;
pub use self::statistics::{Spread, binomial_p, share_interval};
