//! Measures whether refining helps and whether labels stay true, as in the paper (§3.1), for any simulator
//! and camera.
//!
//! [`LabelledImages`] holds images with their gaze labels. [`train_gaze_estimator`] trains the paper's gaze
//! network on them, [`predict_gaze`] runs it, and [`GazeErrors`] compares its predictions with the truth;
//! [`mean_gaze`] and [`nearest_neighbours`] are baselines. Measures that need no gaze network live in
//! `simgan_metrics`. [`evaluation`] combines both into the paper's tables for one refiner, and [`report`]
//! renders them. [`experiment`] trains refiners that differ in one setting and compares them.
//!
//! ```
//! use simgan_data::Direction;
//! use simgan_eval::{GazeErrors, mean_gaze};
//!
//! let truth: Vec<_> = (0..10).map(|i| Direction::from_pitch_yaw(0.0, 0.02 * i as f32)).collect();
//! let guess = vec![mean_gaze(&truth).unwrap(); truth.len()];
//! let errors = GazeErrors::new(&guess, &truth)?;
//! assert!((errors.mean_deg - 0.05f64.to_degrees()).abs() < 1e-3);
//! assert_eq!(errors.within_7deg, 1.0);
//! # Ok::<(), simgan_eval::EvalError>(())
//! ```

mod baseline;
mod error;
pub mod evaluation;
pub mod experiment;
mod gaze_error;
mod gaze_training;
mod labelled;
pub mod report;

pub use self::baseline::{mean_gaze, nearest_neighbours};
pub use self::error::EvalError;
pub use self::gaze_error::{GazeErrors, TestEye, angle_deg};
pub use self::gaze_training::{GazeTraining, gaze_features, predict_gaze, train_gaze_estimator};
pub use self::labelled::LabelledImages;
