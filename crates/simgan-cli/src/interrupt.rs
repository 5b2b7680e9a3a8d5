//! Ctrl-C (and SIGTERM, SIGHUP): the first asks the job to stop cleanly, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

const JOB_FAILED: i32 = 1;

/// Installs the handler and returns the flag that the first Ctrl-C sets.
///
/// # Errors
/// The system rejects the handler.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(JOB_FAILED);
        }
        tracing::warn!("stopping cleanly; press Ctrl-C again to stop at once");
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(flag)
}
