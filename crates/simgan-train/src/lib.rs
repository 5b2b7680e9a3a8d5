//! Training a refiner: Algorithm 1 of SimGAN (Shrivastava et al., CVPR 2017) and everything around it.
//!
//! A [`TrainConfig`], resolved from a [`Recipe`], a file and single values, determines what a run computes.
//! [`Sources`] hold the synthetic and the real images. A [`Trainer`] holds both networks and the rest of the
//! training state; its [`step`](Trainer::step) runs one iteration of Algorithm 1 and returns a
//! [`StepReport`]. [`run()`] is the training loop: it steps until the schedule ends or the caller asks it to
//! stop, fills a [`RunDir`] (metrics, TensorBoard, sample grids, checkpoints) and reports each [`Event`] to
//! an observer. [`Trainer::resume`] continues from the newest [`Checkpoint`]; on the CPU the result is
//! bit-identical to an uninterrupted run. With `[selection]` on, a [`RefinerJudge`] chooses the best
//! checkpoint.
//!
//! Every random number derives from `seed`, with a separate stream for each purpose. The caller chooses the
//! device.
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
//! let registry = simgan_data::Registry::default().with(simgan_eyes::Simulators);
//! let sources = Sources::open(&config, &registry)?; // builtin:eyes and builtin:camera, from the recipe
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
mod content;
mod error;
mod event;
mod grid;
mod memory;
mod metrics;
mod ranks;
mod report;
mod run;
pub mod run_dir;
mod selection;
pub mod sources;
mod start;
mod streams;
mod summary;
mod tensorboard;
#[cfg(test)]
mod testing;
mod trainer;
mod watch;

pub use self::checkpoint::Checkpoint;
pub use self::config::*;
pub use self::error::TrainError;
pub use self::event::{Event, METRICS_VERSION};
pub use self::memory::Need;
pub use self::metrics::read_metrics;
pub use self::ranks::{Ranks, RanksError};
pub use self::report::{DiscriminatorReport, Phase, RefinerReport, StepReport};
pub use self::run::{follow, run};
pub use self::run_dir::RunDir;
pub use self::selection::{Best, Judgement, RefinerJudge, ShiftJudgement};
pub use self::sources::Sources;
pub use self::start::Start;
pub use self::summary::Summary;
pub use self::trainer::Trainer;
pub use self::watch::{Warning, WarningKind};
