//! Measures whether refining helps and whether labels stay true, as in the paper (§3.1, §3.2), for any
//! simulator, camera and label.
//!
//! A [`TaskSpec`] says which label is predicted; its [`Task`] knows the estimator, the loss and the errors of
//! its kind. [`LabelledImages`] holds images with their labels. [`train_estimator`] trains an estimator on
//! them, [`predict`] runs it, and [`nearest_neighbours`] is a baseline. Measures that need no estimator live in
//! `simgan_metrics`. [`evaluation`] combines both into the paper's tables for one refiner, and [`report`]
//! renders them. [`experiment`] trains refiners that differ in one setting and compares them.
//!
//! ```
//! use simgan_data::{Annotation, Direction};
//! use simgan_eval::{Task, TaskSpec};
//!
//! let gaze = TaskSpec::gaze().task();
//! let truth: Vec<Annotation> =
//!     (0..10).map(|i| Direction::from_pitch_yaw(0.0, 0.02 * i as f32).into()).collect();
//! let guess = vec![gaze.mean(&truth.iter().collect::<Vec<_>>()).unwrap(); truth.len()];
//! let errors = gaze.errors(&guess, &truth)?;
//! assert!((errors.figure("error_deg").unwrap() - 0.05f64.to_degrees()).abs() < 1e-3);
//! assert_eq!(errors.figure("within_7deg"), Some(1.0));
//! # Ok::<(), simgan_eval::EvalError>(())
//! ```

mod baseline;
mod calibration;
mod error;
pub mod evaluation;
pub mod experiment;
mod kept;
mod labelled;
pub mod report;
mod task;
mod training;
mod verdict;

pub use self::baseline::nearest_neighbours;
pub use self::calibration::{Calibrated, Calibration, CalibrationForm};
pub use self::error::EvalError;
pub use self::evaluation::eyes_of;
pub use self::kept::{About, KeptEstimator};
pub use self::labelled::{Inputs, LabelledImages, extra_inputs};
pub(crate) use self::task::check_labels;
pub use self::task::{
    Curve, Errors, GazeErrors, InputShape, Labels, Measure, Objective, Task, TaskKind, TaskSpec, TestEye,
    Unit, angle_deg, choose_task,
};
pub use self::training::{
    EstimatorTrainer, EstimatorTraining, TrainedEstimator, features, is_training_only, predict,
    train_estimator,
};
pub use self::verdict::{RowError, Verdict, Worth};
