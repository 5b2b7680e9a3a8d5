use std::sync::atomic::{AtomicBool, Ordering};

use crate::EvalError;

/// The progress of an evaluation: of the whole, in updates of estimators, which take most of the time, and
/// of the current part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Updates of estimators done.
    pub done: u64,
    /// Updates of estimators in total.
    pub total: u64,
    /// The current part.
    pub doing: String,
    /// Updates, images or the like that the current part has done.
    pub part_done: u64,
    /// What the current part has to do; 0 if it is not counted.
    pub part_total: u64,
}

/// Reports progress to a callback and stops the work on request.
pub struct Watch<'a> {
    observe: &'a mut dyn FnMut(&Progress),
    stop: &'a AtomicBool,
    progress: Progress,
}

impl<'a> Watch<'a> {
    /// Calls `observe` with each [`Progress`]; once `stop` is set, the work ends with [`EvalError::Stopped`].
    pub fn new(observe: &'a mut dyn FnMut(&Progress), stop: &'a AtomicBool) -> Self {
        Self { observe, stop, progress: Progress::default() }
    }

    /// Adds to the total number of updates.
    pub fn expect(&mut self, updates: u64) {
        self.progress.total += updates;
    }

    /// Begins another part, which will [`Watch::count`] up to `total`, or never with 0.
    pub(super) fn begin(&mut self, doing: impl Into<String>, total: usize) -> Result<(), EvalError> {
        let Progress { done, total: all, .. } = self.progress;
        let part_total = total as u64;
        self.progress = Progress { done, total: all, doing: doing.into(), part_done: 0, part_total };
        self.check()
    }

    /// Counts an update of an estimator, and checks whether to stop.
    pub(super) fn update(&mut self) -> Result<(), EvalError> {
        self.progress.done += 1;
        self.count(1)
    }

    /// Counts what the current part has done, and checks whether to stop.
    pub(super) fn count(&mut self, n: usize) -> Result<(), EvalError> {
        self.progress.part_done += n as u64;
        self.check()
    }

    /// Reports progress and checks whether to stop.
    pub(super) fn check(&mut self) -> Result<(), EvalError> {
        (self.observe)(&self.progress);
        if self.stop.load(Ordering::Relaxed) { Err(EvalError::Stopped) } else { Ok(()) }
    }
}
