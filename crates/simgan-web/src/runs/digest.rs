//! The little that the list of runs says of each, from the ends of its files.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use simgan_train::run_dir::{CONFIG_FILE, METRICS_FILE};

use crate::runs::folder::Guarded;
use crate::runs::metrics::History;
use crate::runs::state::RunState;

/// Bytes at the end of the metrics that hold the last step and how the run ended.
const END: u64 = 64 << 10;
/// Longest first line, which tells the number of steps.
const BEGINNING: u64 = 4 << 10;

/// A run at a glance.
pub(crate) struct Digest {
    /// The events at the beginning and at the end, so that curves and notes are incomplete.
    pub(crate) history: History,
    pub(crate) state: RunState,
    /// When an event was written, else when the run was made.
    pub(crate) changed: Option<SystemTime>,
}

impl Digest {
    /// Reads it.
    pub(crate) fn read(folder: &Guarded) -> Self {
        let mut history = History::default();
        // What cannot be read leaves the run without events; its own page says why.
        if let Err(error) = read_ends(folder, &mut history) {
            tracing::debug!("{}: {error}", folder.path().display());
        }
        Self { state: RunState::of(folder, &history), history, changed: changed(folder) }
    }
}

/// When a run's metrics, or else its configuration, were written last.
pub(crate) fn changed(folder: &Guarded) -> Option<SystemTime> {
    let file = |name| folder.metadata(Path::new(name));
    file(METRICS_FILE).or_else(|| file(CONFIG_FILE))?.modified().ok()
}

fn read_ends(folder: &Guarded, history: &mut History) -> io::Result<()> {
    let mut file = folder.file(Path::new(METRICS_FILE))?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length > END {
        Read::by_ref(&mut file).take(BEGINNING).read_to_end(&mut bytes)?;
        bytes.split(|byte| *byte == b'\n').take(1).for_each(|line| drop(history.read(line)));
        file.seek(SeekFrom::Start(length - END))?;
        bytes.clear();
    }
    file.take(END).read_to_end(&mut bytes)?;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    if length > END {
        lines.next(); // it began before
    }
    lines.for_each(|line| drop(history.read(line)));
    history.n_unreadable = 0; // counted on the run's page, where all lines are read
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_ends_of_a_long_file_tell_enough() {
        let folder = tempfile::tempdir().unwrap();
        let guarded = Guarded::open(folder.path()).unwrap();
        assert_eq!(Digest::read(&guarded).state, RunState::Empty);
        let mut text = String::from(
            "{\"event\":\"start\",\"version\":3,\"step\":0,\"total_steps\":5000,\"phase\":\"adversarial\",\
             \"n_synthetic\":5,\"n_real\":6}\n",
        );
        for step in 1..=4_000 {
            text += &format!(
                "{{\"event\":\"step\",\"step\":{step},\"phase\":\"adversarial\",\"phase_step\":{step},\
                 \"images_per_sec\":7.0,\"n_skipped\":0}}\n"
            );
        }
        fs::write(folder.path().join(METRICS_FILE), text + "{\"event\":\"fail").unwrap();
        let Digest { history, state, changed } = Digest::read(&guarded);
        assert_eq!((history.total_steps, history.steps_done(), state), (5_000, 4_000, RunState::Interrupted));
        assert!(history.n_read < 1_000 && history.n_unreadable == 0 && changed.is_some());
    }
}
