//! A run's events, folded into what its page shows.

use std::collections::BTreeMap;

use serde::Serialize;
use simgan_train::{Event, Judgement, Phase, StepReport, Summary, Warning};

use super::series::Series;

/// Warnings and judgements kept, the newest.
const MAX_NOTES: usize = 200;

/// What happened in a run so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Lines of steps read.
    pub(crate) n_read: u64,
    /// Lines that are no event.
    pub(crate) n_unreadable: u64,
    /// Steps of all phases; 0 before the run's first event.
    pub(crate) total_steps: u64,
    /// Synthetic and real images.
    pub(crate) n_images: [usize; 2],
    /// Curves by the names of TensorBoard's charts.
    pub(crate) series: BTreeMap<&'static str, Series>,
    /// The first step seen of each phase, in order.
    pub(crate) phases: Vec<(Phase, u64)>,
    pub(crate) last: Option<StepReport>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) judged: Vec<Judged>,
    /// Steps at which the run was resumed.
    pub(crate) resumed: Vec<u64>,
    /// How it ended; `None` while it trains, or if it was killed.
    pub(crate) ended: Option<Ended>,
}

/// A judgement of a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) step: u64,
    pub(crate) judgement: Judgement,
    /// Whether it was the best by then.
    pub(crate) is_best: bool,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// All steps are done, or it stopped on request.
    Finished(Box<Summary>),
    /// By this error.
    Failed(String),
}

/// What a line told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// Values of a step, by curve.
    Step(NewPoint),
    /// Something that the page says in words.
    Note,
    /// Nothing.
    Nothing,
}

/// The values of one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct NewPoint {
    step: u64,
    values: BTreeMap<&'static str, f64>,
}

impl History {
    /// Adds a line of `metrics.jsonl`.
    pub(crate) fn read(&mut self, line: &[u8]) -> Told {
        // Nearly all lines are steps. Read as one, a line takes a third of the time it takes as an event.
        if line.starts_with(br#"{"event":"step""#)
            && let Ok(report) = serde_json::from_slice(line)
        {
            return Told::Step(self.step(report));
        }
        match serde_json::from_slice(line) {
            Ok(event) => self.event(event),
            Err(_) => {
                self.n_unreadable += 1;
                Told::Note
            }
        }
    }

    fn event(&mut self, event: Event) -> Told {
        match event {
            Event::Start { step, total_steps, n_synthetic, n_real, .. } => {
                (self.total_steps, self.n_images) = (total_steps, [n_synthetic, n_real]);
                self.ended = None; // a resumed run supersedes how it ended
                if step > 0 {
                    push(&mut self.resumed, step);
                }
            }
            Event::Step(report) => return Told::Step(self.step(report)),
            Event::Judged { step, judgement, is_best } => {
                push(&mut self.judged, Judged { step, judgement, is_best });
            }
            Event::Warning(warning) => push(&mut self.warnings, warning),
            Event::Failed { error, .. } => self.ended = Some(Ended::Failed(error)),
            Event::Finish(summary) => self.ended = Some(Ended::Finished(Box::new(summary))),
            Event::Judging { .. } => return Told::Nothing,
            Event::Samples { .. } | Event::Checkpoint { .. } => {}
        }
        Told::Note
    }

    fn step(&mut self, report: StepReport) -> NewPoint {
        self.n_read += 1;
        if self.phases.last().is_none_or(|(phase, _)| *phase != report.phase) {
            push(&mut self.phases, (report.phase, report.step));
        }
        let values: BTreeMap<_, _> = report.scalars().into_iter().collect();
        for (name, value) in &values {
            self.series.entry(name).or_default().push(report.step, *value);
        }
        let step = report.step;
        self.last = Some(report);
        NewPoint { step, values }
    }

    /// Steps done, as far as it was told.
    pub(crate) fn steps_done(&self) -> u64 {
        let last = self.last.as_ref().map_or(0, |report| report.step);
        match &self.ended {
            Some(Ended::Finished(summary)) => summary.step.max(last),
            _ => last,
        }
    }
}

/// Adds a note, and drops the oldest of too many.
fn push<T>(notes: &mut Vec<T>, note: T) {
    if notes.len() == MAX_NOTES {
        notes.remove(0);
    }
    notes.push(note);
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"event":"start","version":3,"step":0,"total_steps":9,"phase":"adversarial","n_synthetic":5,"n_real":6}"#;
    const STEP: &str = r#"{"event":"step","step":2,"phase":"adversarial","phase_step":2,"refiner":{"loss":1.5,"self_regularization":0.1,"change":0.2,"gradient_norm":1.0},"images_per_sec":7.0,"n_skipped":0}"#;

    #[test]
    fn events_become_curves_and_notes() {
        let mut history = History::default();
        assert_eq!(history.read(START.as_bytes()), Told::Note);
        assert!(
            matches!(history.read(STEP.as_bytes()), Told::Step(point) if point.values["refiner/loss"] == 1.5)
        );
        assert_eq!((history.total_steps, history.steps_done(), history.n_read), (9, 2, 1));
        assert_eq!(history.series["refiner/change"].last(), Some((2, 0.2)));
        history.read(br#"{"event":"failed","step":2,"error":"disk full"}"#);
        assert!(matches!(&history.ended, Some(Ended::Failed(error)) if error == "disk full"));
        history.read(START.replace("\"step\":0", "\"step\":2").as_bytes());
        assert!(history.ended.is_none() && history.resumed == [2]);
        for damaged in
            [&b"{\"event\":\"st"[..], b"", b"\xff\xfe", STEP.replace("1.5", "\"not finite\"").as_bytes()]
        {
            assert_eq!(history.read(damaged), Told::Note);
        }
        assert_eq!((history.n_unreadable, history.n_read), (4, 1));
    }

    #[test]
    fn notes_are_bounded() {
        let mut history = History::default();
        let warning = r#"{"event":"warning","step":STEP,"kind":"skipped-images","message":"m"}"#;
        for step in 0..MAX_NOTES + 50 {
            history.read(warning.replace("STEP", &step.to_string()).as_bytes());
        }
        assert_eq!((history.warnings.len(), history.warnings[0].step), (MAX_NOTES, 50));
    }
}
