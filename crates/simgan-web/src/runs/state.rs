//! Whether a run trains, ended, or broke off.

use std::fmt;
use std::path::Path;

use simgan_train::run_dir::{self, METRICS_FILE};

use crate::runs::folder::Guarded;
use crate::runs::metrics::{Ended, History};

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    /// A process trains it now.
    Running,
    /// All steps are done.
    Finished,
    /// It stopped, on request or because its process was ended, and can be resumed.
    Interrupted,
    /// A loss, gradient or weight was not finite.
    Diverged,
    /// It ended with another error.
    Failed,
    /// It has no event yet, and no process.
    Empty,
}

impl RunState {
    /// Tells it from the lock and the events.
    pub(crate) fn of(folder: &Guarded, history: &History) -> Self {
        // A copied or unreadable lock counts as free: its process, if there is one, is not on this machine.
        let is_training =
            folder.place(Path::new("")).is_ok() && run_dir::is_training(folder.path()).unwrap_or(false);
        match &history.ended {
            _ if is_training => Self::Running,
            Some(Ended::Finished(summary)) if summary.is_complete() => Self::Finished,
            Some(Ended::Finished(_)) => Self::Interrupted,
            Some(Ended::Failed(error)) if error.contains("not finite") => Self::Diverged,
            Some(Ended::Failed(_)) => Self::Failed,
            None if folder.metadata(Path::new(METRICS_FILE)).is_some_and(|metadata| metadata.len() > 0) => {
                Self::Interrupted
            }
            None => Self::Empty,
        }
    }

    /// A word for styles.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "Running",
            Self::Finished => "Finished",
            Self::Interrupted => "Interrupted",
            Self::Diverged => "Diverged",
            Self::Failed => "Failed",
            Self::Empty => "Not started",
        })
    }
}
