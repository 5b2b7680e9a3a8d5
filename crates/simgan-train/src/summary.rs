use std::collections::VecDeque;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use simgan_data::ValueRange;

use crate::{DiscriminatorReport, Phase, RefinerReport, StepReport};

/// Maximum number of steps that a summary's means cover.
const WINDOW: usize = 50;

/// The state of a run when it ended: means over the last steps, and where its results are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Steps done in all phases.
    pub step: u64,
    /// Total steps of all phases.
    pub total_steps: u64,
    /// The phase of the last step.
    pub phase: Phase,
    /// Number of steps that the means cover.
    pub n_averaged: usize,
    /// The refiner's means; `None` if no averaged step updated R.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refiner: Option<RefinerReport>,
    /// The discriminator's means; `None` if no averaged step updated D.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<DiscriminatorReport>,
    /// The values that −1 and 1 stand for, in the images' own unit; `None` is the whole scale of their bit
    /// depth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<ValueRange>,
    /// Images per second over the last steps.
    pub images_per_sec: f64,
    /// Seconds since this process started or resumed the run.
    pub elapsed_secs: f64,
    /// Unreadable images skipped since the run began.
    pub n_skipped: u64,
    /// The run's folder.
    pub run: PathBuf,
    /// The newest checkpoint, relative to the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<PathBuf>,
    /// The best checkpoint, relative to the run's folder; `None` if selection is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<PathBuf>,
    /// The newest sample grid, relative to the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<PathBuf>,
}

impl Summary {
    /// Whether the run did all its steps rather than stopping early on request.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.step >= self.total_steps
    }
}

/// Collects the last steps' reports for a [`Summary`].
#[derive(Debug, Default)]
pub(crate) struct Recent {
    reports: VecDeque<StepReport>,
}

impl Recent {
    /// Adds a step. A step of a new phase discards those of the previous one, so that means never mix phases.
    pub(crate) fn push(&mut self, report: StepReport) {
        if self.reports.back().is_some_and(|last| last.phase != report.phase) {
            self.reports.clear();
        }
        self.reports.push_back(report);
        if self.reports.len() > WINDOW {
            self.reports.pop_front();
        }
    }

    /// The phase of the last step.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.reports.back().map(|report| report.phase)
    }

    pub(crate) fn n(&self) -> usize {
        self.reports.len()
    }

    pub(crate) fn refiner(&self) -> Option<RefinerReport> {
        RefinerReport::mean(self.reports.iter().filter_map(|report| report.refiner.as_ref()))
    }

    pub(crate) fn discriminator(&self) -> Option<DiscriminatorReport> {
        DiscriminatorReport::mean(self.reports.iter().filter_map(|report| report.discriminator.as_ref()))
    }

    /// Images per second as a harmonic mean, which is exact because every step of a phase processes the same
    /// number of images.
    pub(crate) fn images_per_sec(&self) -> f64 {
        let secs_per_image: f64 = self.reports.iter().map(|report| report.images_per_sec.recip()).sum();
        if secs_per_image > 0.0 { self.reports.len() as f64 / secs_per_image } else { 0.0 }
    }
}
