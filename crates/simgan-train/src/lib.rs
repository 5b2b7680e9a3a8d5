//! Training a refiner: Algorithm 1 of SimGAN (Shrivastava et al., CVPR 2017) and everything around it.
//!
//! A [`TrainConfig`], made from a [`Recipe`], a file and single values, decides what a run computes. [`Sources`] are the
//! synthetic and the real images. A [`Trainer`] holds both networks and all that training changes; its
//! [`step`](Trainer::step) is one iteration of Algorithm 1 and returns a [`StepReport`]. [`run()`] is the one loop: it
//! steps until all is done or somebody asks it to stop, writes a [`RunDir`] (metrics, TensorBoard, sample grids,
//! checkpoints) and tells an observer each [`Event`]. [`Trainer::resume`] goes on from the newest [`Checkpoint`] exactly
//! where it was: on the CPU, bit for bit. Where `[selection]` asks for it, a
//! [`RefinerJudge`] chooses the best checkpoint.
//!
//! Every random number follows from `seed`, each purpose with a stream of its own. The device is the caller's.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use candle_core::Device;
//! use simgan_train::{Event, Recipe, RunDir, Sources, TrainConfig, Trainer, run};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("run");
//! let small = ["data.batch=4", "refiner.features=4", "refiner.blocks=1", "history.capacity=8"];
//! let short = ["schedule.pretrain_refiner=1", "schedule.pretrain_discriminator=1", "schedule.steps=2"];
//! let set: Vec<String> = small.iter().chain(&short).map(ToString::to_string).collect();
//! let config = TrainConfig::resolve(Some(Recipe::Demo), None, &set)?;
//!
//! let sources = Sources::open(&config)?; // the recipe's: builtin:eyes and builtin:camera
//! let run_dir = RunDir::create(&path, &config)?;
//! let mut trainer = Trainer::new(config, &sources, &Device::Cpu)?;
//! let mut n_steps = 0;
//! let mut observe = |event: &Event| n_steps += usize::from(matches!(event, Event::Step(_)));
//! let summary = run(&mut trainer, &run_dir, &mut observe, &AtomicBool::new(false))?;
//!
//! assert_eq!(n_steps, 4);
//! assert!(summary.is_complete() && summary.refiner.is_some());
//! assert!(path.join("checkpoints/step-00000004/refiner.safetensors").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod config;
mod error;
mod event;
mod grid;
mod metrics;
mod report;
mod run;
pub mod run_dir;
mod selection;
pub mod sources;
mod streams;
mod summary;
pub mod tensorboard;
#[cfg(test)]
mod testing;
mod trainer;
mod watch;

pub use self::checkpoint::Checkpoint;
pub use self::config::*;
pub use self::error::TrainError;
pub use self::event::{Event, METRICS_VERSION};
pub use self::metrics::read_metrics;
pub use self::report::{DiscriminatorReport, Phase, RefinerReport, StepReport};
pub use self::run::run;
pub use self::run_dir::RunDir;
pub use self::selection::{Best, Judgement, PupilJudgement, RefinerJudge};
pub use self::summary::Summary;
pub use self::trainer::{Sources, Trainer};
pub use self::watch::{Warning, WarningKind};
