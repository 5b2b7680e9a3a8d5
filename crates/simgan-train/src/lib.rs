//! Algorithm 1.

mod checkpoint;
mod config;
mod error;
mod event;
mod grid;
mod metrics;
pub mod optim;
pub mod refine;
mod report;
mod run;
pub mod run_dir;
pub mod sources;
mod streams;
mod summary;
pub mod tensorboard;
#[cfg(test)]
mod testing;
mod trainer;
mod watch;

pub use self::checkpoint::{CHECKPOINT_VERSION, Checkpoint, checkpoint_name};
pub use self::config::*;
pub use self::error::TrainError;
pub use self::event::{Event, METRICS_VERSION};
pub use self::metrics::read_metrics;
pub use self::report::{DiscriminatorReport, Phase, RefinerReport, StepReport};
pub use self::run::run;
pub use self::run_dir::RunDir;
pub use self::summary::Summary;
pub use self::trainer::{Sources, Trainer};
pub use self::watch::{Warning, WarningKind};
