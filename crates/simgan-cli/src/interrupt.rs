//! Ctrl-C (and SIGTERM, SIGHUP): the first asks the job to stop cleanly, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::tui;

const JOB_FAILED: i32 = 1;

/// Installs the handler and returns the flag that the first Ctrl-C sets.
///
/// # Errors
/// The system rejects the handler.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || request(&seen)).context("cannot watch for Ctrl-C")?;
    Ok(flag)
}

/// Asks the job to stop: sets its flag, or ends the process if that was asked before.
pub(crate) fn request(flag: &AtomicBool) {
    if flag.swap(true, Ordering::SeqCst) {
        tui::leave();
        std::process::exit(JOB_FAILED);
    }
    tracing::warn!("stopping cleanly; press Ctrl-C again to stop at once");
}
