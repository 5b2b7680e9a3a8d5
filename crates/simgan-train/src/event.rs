//! Events of a run; each line of `metrics.jsonl` holds one [`Event`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Judgement, Phase, StepReport, Summary, Warning};

/// Format version of `metrics.jsonl`, written in [`Event::Start`]. Version 2 added [`Event::Judged`]; version
/// 3 renamed `drift` to `change`.
pub const METRICS_VERSION: u32 = 3;

/// Something that happened in a run. `step` counts the steps completed at that moment, over all phases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run starts or resumes.
    Start {
        /// [`METRICS_VERSION`].
        version: u32,
        /// Steps done so far; 0 for a new run.
        step: u64,
        /// Total steps of all phases.
        total_steps: u64,
        /// The phase of the next step.
        phase: Phase,
        /// Number of synthetic images.
        n_synthetic: usize,
        /// Number of real images.
        n_real: usize,
    },
    /// A step completed. The observer sees every one; `metrics.jsonl` gets every `output.log_every`-th.
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
    /// The judge of a checkpoint trains its classifier. Only the observer sees it; `metrics.jsonl` does not
    /// get it.
    Judging {
        /// Steps done.
        step: u64,
        /// Updates of the classifier done.
        done: u64,
        /// Updates of the classifier in total.
        total: u64,
    },
    /// A checkpoint was judged.
    Judged {
        /// Steps done.
        step: u64,
        /// The judgement.
        judgement: Judgement,
        /// Whether it is the best checkpoint so far.
        is_best: bool,
    },
    /// Training shows a problem; the run continues.
    Warning(Warning),
    /// The run ended with an error; the failed step left nothing on disk.
    Failed {
        /// Steps done.
        step: u64,
        /// The error message, with its hint if it has one.
        error: String,
    },
    /// The run completed, or stopped on request.
    Finish(Summary),
}

impl Event {
    /// Returns the number of steps done when the event happened.
    #[must_use]
    pub fn step(&self) -> u64 {
        match self {
            Self::Start { step, .. }
            | Self::Samples { step, .. }
            | Self::Checkpoint { step, .. }
            | Self::Judging { step, .. }
            | Self::Judged { step, .. }
            | Self::Failed { step, .. } => *step,
            Self::Step(report) => report.step,
            Self::Warning(warning) => warning.step,
            Self::Finish(summary) => summary.step,
        }
    }
}
