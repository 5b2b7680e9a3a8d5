//! Reads and writes `metrics.jsonl`, with one [`Event`] per line.

use std::fs::{self, File};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Event, TrainError};

/// Maximum bytes of the file; a run of 800,000 steps, each with its line, has 400 MB.
const MAX_METRICS: u64 = 4 << 30;

/// Appends events to a run's `metrics.jsonl`.
#[derive(Debug)]
pub(crate) struct Metrics {
    path: PathBuf,
    file: File,
    n_bytes: u64,
}

impl Metrics {
    /// Opens the file at `path`, creating it if missing, and drops the lines of steps after `step`, which the
    /// resumed run will write again.
    pub(crate) fn open(path: &Path, step: u64) -> Result<Self, TrainError> {
        // An earlier check than opening, which would wait at a pipe and write through a link.
        if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let error = std::io::Error::new(ErrorKind::InvalidInput, "not a regular file");
            return Err(TrainError::io(path)(error));
        }
        let mut options = File::options();
        let file =
            options.create(true).truncate(false).write(true).open(path).map_err(TrainError::io(path))?;
        let text = fs::read(path).map_err(TrainError::io(path))?;
        let n_bytes = bytes_until(&text, step);
        let mut metrics = Self { path: path.to_owned(), file, n_bytes };
        metrics.cut().map_err(TrainError::io(path))?;
        Ok(metrics)
    }

    /// Appends a line. If writing fails, for example on a full disk, the file keeps only its earlier lines.
    pub(crate) fn append(&mut self, event: &Event) -> Result<(), TrainError> {
        let line = line_of(event).map_err(|error| TrainError::io(&self.path)(error.into()))?;
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => self.n_bytes += line.len() as u64,
            Err(error) => {
                if let Err(error) = self.cut() {
                    tracing::warn!("{}: {error}", self.path.display());
                }
                return Err(TrainError::io(&self.path)(error));
            }
        }
        Ok(())
    }

    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.n_bytes)?;
        self.file.seek(SeekFrom::Start(self.n_bytes)).map(|_| ())
    }
}

/// Reads the events of a run, oldest first. A last line cut short by a crash is ignored.
///
/// # Errors
/// The file cannot be read, or a line is not an event.
pub fn read_metrics(path: &Path) -> Result<Vec<Event>, TrainError> {
    let text = String::from_utf8(simgan_data::read_regular(path, MAX_METRICS)?)
        .map_err(|error| TrainError::io(path)(std::io::Error::new(ErrorKind::InvalidData, error)))?;
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let events: Result<Vec<Event>, _> = whole.map(serde_json::from_str).collect();
    events.map_err(|error| TrainError::io(path)(error.into()))
}

/// Returns the event as a line of JSON. JSON has neither NaN nor infinity, so those become strings.
fn line_of(event: &Event) -> serde_json::Result<String> {
    let line = serde_json::to_string(event)?;
    if !line.contains(":null") {
        return Ok(format!("{line}\n"));
    }
    // A null, or a message that contains ":null": only these rare lines pay for the detour through a `Value`.
    let mut value = serde_json::to_value(event)?;
    name_nulls(&mut value);
    Ok(format!("{value}\n"))
}

/// Replaces every null. Events skip `None` fields, so a null can only be serde_json's NaN or infinity.
fn name_nulls(value: &mut Value) {
    match value {
        Value::Null => *value = Value::String("not finite".to_owned()),
        Value::Array(values) => values.iter_mut().for_each(name_nulls),
        Value::Object(fields) => fields.values_mut().for_each(name_nulls),
        _ => {}
    }
}

/// Returns the length of the complete lines before the first one of a step after `step`.
fn bytes_until(text: &[u8], step: u64) -> u64 {
    let step_of = |line: &[u8]| serde_json::from_slice::<Value>(line).ok()?.get("step")?.as_u64();
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let kept =
        lines.take_while(|line| line.ends_with(b"\n") && step_of(line).is_some_and(|found| found <= step));
    kept.map(|line| line.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Phase, RefinerReport, StepReport};

    fn step(step: u64, loss: f64) -> Event {
        let refiner = Some(RefinerReport { loss, ..RefinerReport::default() });
        let phase = Phase::Adversarial;
        let (discriminator, images_per_sec, n_skipped) = (None, 2.0, 0);
        Event::Step(StepReport {
            step,
            phase,
            phase_step: step,
            refiner,
            discriminator,
            images_per_sec,
            n_skipped,
        })
    }

    #[test]
    fn lines_after_the_step_and_torn_lines_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(&path, 0).unwrap();
        (1..=5).for_each(|n| metrics.append(&step(n, 0.5)).unwrap());
        drop(metrics);
        let torn = fs::read(&path).unwrap();
        fs::write(&path, &torn[..torn.len() - 1]).unwrap();
        assert_eq!(read_metrics(&path).unwrap().len(), 4);
        let mut metrics = Metrics::open(&path, 9).unwrap();
        metrics.append(&step(5, 0.25)).unwrap();
        let expected: Vec<Event> = (1..=4).map(|n| step(n, 0.5)).chain([step(5, 0.25)]).collect();
        assert_eq!(read_metrics(&path).unwrap(), expected);
        Metrics::open(&path, 2).unwrap();
        assert_eq!(read_metrics(&path).unwrap(), expected[..2]);
    }

    #[test]
    fn what_is_not_finite_is_never_null() {
        let line = line_of(&step(1, f64::NAN)).unwrap();
        assert!(line.contains(r#""loss":"not finite""#) && !line.contains("null"), "{line}");
        let warning = Event::Failed { step: 1, error: "a:null".to_owned() };
        assert!(line_of(&warning).unwrap().contains("a:null"));
    }
}
