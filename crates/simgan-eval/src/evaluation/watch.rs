use std::sync::atomic::{AtomicBool, Ordering};

use crate::EvalError;

/// Where an evaluation stands, in updates of gaze networks, which take nearly all of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Updates done.
    pub done: u64,
    /// Updates in all.
    pub total: u64,
    /// What is being done.
    pub doing: String,
}

/// Who is told how far the work is, and who may stop it.
pub struct Watch<'a> {
    observe: &'a mut dyn FnMut(&Progress),
    stop: &'a AtomicBool,
    progress: Progress,
}

impl<'a> Watch<'a> {
    /// `observe` is told each [`Progress`]; once `stop` is set the work ends with [`EvalError::Stopped`].
    pub fn new(observe: &'a mut dyn FnMut(&Progress), stop: &'a AtomicBool) -> Self {
        Self { observe, stop, progress: Progress::default() }
    }

    /// More work has become known.
    pub fn expect(&mut self, updates: u64) {
        self.progress.total += updates;
    }

    /// Another thing is begun.
    pub(super) fn begin(&mut self, doing: impl Into<String>) -> Result<(), EvalError> {
        self.progress.doing = doing.into();
        self.advance(0)
    }

    /// So much of it is done.
    pub(super) fn advance(&mut self, updates: u64) -> Result<(), EvalError> {
        self.progress.done += updates;
        (self.observe)(&self.progress);
        if self.stop.load(Ordering::Relaxed) { Err(EvalError::Stopped) } else { Ok(()) }
    }
}
