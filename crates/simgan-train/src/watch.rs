//! Detects an imbalance between the two networks and suggests settings to change.

use serde::{Deserialize, Serialize};

use crate::{Phase, StepReport};

/// A sign that the trained refiner will probably not be useful.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Steps done.
    pub step: u64,
    /// The kind of problem.
    pub kind: WarningKind,
    /// Human-readable description with advice.
    pub message: String,
}

/// The kind of problem that a [`Warning`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// D classifies almost every patch correctly, so R gets no useful gradient.
    DiscriminatorWins,
    /// D cannot tell real from refined at all.
    DiscriminatorAtChance,
    /// R copies its input.
    RefinedEqualsSynthetic,
    /// R departs so far from its input that the labels no longer hold.
    RefinedLeavesSynthetic,
    /// The newest checkpoint is damaged; the run resumed from an earlier one.
    DamagedCheckpoint,
    /// Images could not be read and were skipped.
    SkippedImages,
}

/// Steps of Algorithm 1 that the running means cover; no warning comes before the first full window.
const WINDOW: u64 = 100;
/// Steps before a warning repeats.
const REPEAT_AFTER: u64 = 1000;

/// Running means of D's accuracy and R's change. A checkpoint stores them, so that a resumed run warns at the
/// same steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watch {
    n_seen: u64,
    accuracy: f64,
    #[serde(rename = "drift")] // its name in checkpoints of version 1
    change: f64,
    /// Step of the last warning of each kind, in the order of [`WATCHED`]; 0 means never.
    warned: [u64; 4],
}

/// A kind, its condition on mean accuracy and mean change, and the message.
type Rule = (WarningKind, fn(f64, f64) -> bool, &'static str);

const WATCHED: [Rule; 4] = [
    (
        WarningKind::DiscriminatorWins,
        |accuracy, _| accuracy > 0.98,
        "the discriminator is right about almost every patch, so the refiner learns little; try a lower \
         optim.discriminator.lr, a higher schedule.k_g or a lower loss.lambda",
    ),
    (
        WarningKind::DiscriminatorAtChance,
        |accuracy, _| (accuracy - 0.5).abs() < 0.02,
        "the discriminator cannot tell refined from real patches; if the refined images do not look real, try a \
         higher optim.discriminator.lr, more schedule.pretrain_discriminator or schedule.k_g=1",
    ),
    (
        WarningKind::RefinedEqualsSynthetic,
        |_, change| change < 0.01,
        "refined images equal the synthetic ones; try a lower loss.lambda or a higher optim.discriminator.lr",
    ),
    (
        WarningKind::RefinedLeavesSynthetic,
        |_, change| change > 0.5,
        "refined images are far from the synthetic ones, so labels no longer fit; try a higher loss.lambda, a lower \
         optim.refiner.lr or more schedule.pretrain_refiner",
    ),
];

impl Watch {
    /// Updates the means with a step and returns the warnings that are due.
    pub(crate) fn observe(&mut self, report: &StepReport) -> Vec<Warning> {
        let (Phase::Adversarial, Some(refiner), Some(discriminator)) =
            (report.phase, &report.refiner, &report.discriminator)
        else {
            return Vec::new();
        };
        self.n_seen += 1;
        // A plain mean until the window is full, an exponential one from there on: no start-up bias, no
        // buffer to store.
        let weight = 1.0 / self.n_seen.min(WINDOW) as f64;
        self.accuracy += weight * (discriminator.accuracy() - self.accuracy);
        self.change += weight * (refiner.change - self.change);
        if self.n_seen < WINDOW { Vec::new() } else { self.judge(report.step) }
    }

    fn judge(&mut self, step: u64) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for ((kind, holds, advice), last) in WATCHED.iter().zip(&mut self.warned) {
            let due = *last == 0 || step >= *last + REPEAT_AFTER;
            if due && holds(self.accuracy, self.change) {
                *last = step;
                let (accuracy, change) = (self.accuracy, self.change);
                let message = format!(
                    "{advice} (over {WINDOW} steps: accuracy {accuracy:.3}, mean |R(x) - x| {change:.4})"
                );
                warnings.push(Warning { step, kind: *kind, message });
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DiscriminatorReport, RefinerReport};

    fn report(step: u64, accuracy: f64, change: f64) -> StepReport {
        let discriminator =
            DiscriminatorReport { accuracy_real: accuracy, accuracy_refined: accuracy, ..Default::default() };
        StepReport {
            step,
            phase: Phase::Adversarial,
            phase_step: step,
            refiner: Some(RefinerReport { change, ..Default::default() }),
            discriminator: Some(discriminator),
            images_per_sec: 1.0,
            n_skipped: 0,
        }
    }

    fn warnings(n_steps: u64, accuracy: f64, change: f64) -> Vec<(u64, WarningKind)> {
        let mut watch = Watch::default();
        let reports = (1..=n_steps).map(|step| report(step, accuracy, change));
        reports
            .flat_map(|report| watch.observe(&report))
            .map(|warning| (warning.step, warning.kind))
            .collect()
    }

    #[test]
    fn each_imbalance_is_named_once_in_a_while() {
        use WarningKind::*;
        assert_eq!(warnings(1500, 0.995, 0.1), [(100, DiscriminatorWins), (1100, DiscriminatorWins)]);
        assert_eq!(warnings(150, 0.51, 0.1), [(100, DiscriminatorAtChance)]);
        assert_eq!(warnings(150, 0.75, 0.001), [(100, RefinedEqualsSynthetic)]);
        assert_eq!(warnings(150, 0.75, 0.7), [(100, RefinedLeavesSynthetic)]);
    }

    #[test]
    fn a_useful_run_is_quiet() {
        assert_eq!(warnings(3000, 0.75, 0.12), []);
        assert_eq!(warnings(99, 1.0, 0.0), []);
    }

    #[test]
    fn the_state_survives_toml() {
        let mut watch = Watch::default();
        for step in 1..=120 {
            watch.observe(&report(step, 0.99, 0.123_456_789));
        }
        let text = toml::to_string(&watch).unwrap();
        assert_eq!(toml::from_str::<Watch>(&text).unwrap(), watch);
        assert!(text.contains("drift"), "checkpoints of version 1 call the change so: {text}");
    }
}
