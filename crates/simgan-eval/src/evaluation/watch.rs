use std::sync::atomic::{AtomicBool, Ordering};

use crate::EvalError;

/// The progress of an evaluation, in updates of gaze networks, which take nearly all of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Updates done.
    pub done: u64,
    /// Updates in total.
    pub total: u64,
    /// The current task.
    pub doing: String,
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

    /// Begins another task.
    pub(super) fn begin(&mut self, doing: impl Into<String>) -> Result<(), EvalError> {
        self.progress.doing = doing.into();
        self.advance(0)
    }

    /// Counts finished updates and checks whether to stop; `advance(0)` only checks.
    pub(super) fn advance(&mut self, updates: u64) -> Result<(), EvalError> {
        self.progress.done += updates;
        (self.observe)(&self.progress);
        if self.stop.load(Ordering::Relaxed) { Err(EvalError::Stopped) } else { Ok(()) }
    }
}
