//! What a run says about itself: one [`Event`] for each line of `metrics.jsonl`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Judgement, Phase, StepReport, Summary, Warning};

/// Version of the format of `metrics.jsonl`, in its [`Event::Start`] lines. Version 2 added [`Event::Judged`]; version 3
/// calls `change` what was `drift`.
pub const METRICS_VERSION: u32 = 3;

/// Something that happened in a run. `step` counts the steps of all phases that were done before or with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins or goes on.
    Start {
        /// [`METRICS_VERSION`].
        version: u32,
        /// Steps done before; 0 for a new run.
        step: u64,
        /// Steps to be done in all phases together.
        total_steps: u64,
        /// The phase of the next step.
        phase: Phase,
        /// Synthetic images.
        n_synthetic: usize,
        /// Real images.
        n_real: usize,
    },
    /// A step was done; every `output.log_every`-th is written, all are observed.
    Step(StepReport),
    /// A sample grid was written.
    Samples {
        /// Steps done.
        step: u64,
        /// Relative to the run's folder.
        path: PathBuf,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps done.
        step: u64,
        /// Relative to the run's folder.
        path: PathBuf,
    },
    /// A checkpoint was judged.
    Judged {
        /// Steps done.
        step: u64,
        /// What was found.
        judgement: Judgement,
        /// Whether it is the best one until now.
        is_best: bool,
    },
    /// Something looks wrong; the run goes on.
    Warning(Warning),
    /// The run ended with an error; nothing was written of the step that failed.
    Failed {
        /// Steps done.
        step: u64,
        /// What happened and what to try.
        error: String,
    },
    /// The run is complete, or was asked to stop.
    Finish(Summary),
}

impl Event {
    /// Steps done when it happened.
    #[must_use]
    pub fn step(&self) -> u64 {
        match self {
            Self::Start { step, .. }
            | Self::Samples { step, .. }
            | Self::Checkpoint { step, .. }
            | Self::Judged { step, .. }
            | Self::Failed { step, .. } => *step,
            Self::Step(report) => report.step,
            Self::Warning(warning) => warning.step,
            Self::Finish(summary) => summary.step,
        }
    }
}
