//! Judges in words whether a run went well, from the figures of its summary.

use simgan_train::{DiscriminatorReport, Phase, RefinerReport, StepReport, Summary, TrainConfig};

/// Adversarial steps below which the figures say little.
const FEW_STEPS: u64 = 200;
/// Share of patches that D gets right above which R gets no useful gradient.
const D_WINS: f64 = 0.98;
/// Distance of D's accuracy from 50 % within which it cannot tell the two apart.
const CHANCE: f64 = 0.05;
/// Mean |R(x) − x| below which R copies its input.
const SMALL_CHANGE: f64 = 0.01;
/// Mean |R(x) − x| from which shapes change too, in our trials with eyes.
const LARGE_CHANGE: f64 = 0.2;

/// What the figures say, and the setting to try next.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Whether the run went well, and why.
    pub(super) words: String,
    /// The next setting to try, with its value; none if nothing is wrong.
    pub(super) knob: Option<Knob>,
}

/// A change to try.
#[derive(Debug, PartialEq)]
pub(super) enum Knob {
    /// Go on up to this number of adversarial steps.
    Steps(u64),
    /// A new run with another value of a setting.
    Set(&'static str, f64),
}

/// The figures that a run is judged by.
pub(crate) struct Figures<'a> {
    step: u64,
    n_averaged: usize,
    phase: Phase,
    refiner: Option<&'a RefinerReport>,
    discriminator: Option<&'a DiscriminatorReport>,
}

impl<'a> From<&'a Summary> for Figures<'a> {
    fn from(summary: &'a Summary) -> Self {
        let Summary { step, n_averaged, phase, ref refiner, ref discriminator, .. } = *summary;
        Self { step, n_averaged, phase, refiner: refiner.as_ref(), discriminator: discriminator.as_ref() }
    }
}

/// Of one step.
impl<'a> From<&'a StepReport> for Figures<'a> {
    fn from(report: &'a StepReport) -> Self {
        let StepReport { step, phase, ref refiner, ref discriminator, .. } = *report;
        Self { step, n_averaged: 1, phase, refiner: refiner.as_ref(), discriminator: discriminator.as_ref() }
    }
}

/// Judges a run; D's accuracy is the mean over real and refined patches.
pub(super) fn verdict(run: &Figures<'_>, config: &TrainConfig) -> Verdict {
    let lambda = config.loss.lambda;
    let (lr, steps) = (config.optim.discriminator.lr, config.schedule.steps);
    if run.n_averaged == 0 && run.step > 0 && steps > 0 {
        let words = "no step was done this time; `inspect` shows the run's losses";
        return Verdict::of(words, None);
    }
    // Halving and doubling start somewhere.
    let (lowered, raised) = match lambda > 0.0 {
        true => (Some(Knob::Set("loss.lambda", lambda / 2.0)), lambda * 2.0),
        false => (None, 1.0),
    };
    let figures = run.refiner.zip(run.discriminator);
    let (Phase::Adversarial, Some((refiner, discriminator))) = (run.phase, figures) else {
        let words = "not trained yet: the two networks have not met (schedule.steps counts those steps)";
        return Verdict::of(words, Some(Knob::Steps(longer(steps))));
    };
    let before = config.schedule.pretrain_refiner + config.schedule.pretrain_discriminator;
    let done = run.step.saturating_sub(before).min(steps);
    let (accuracy, change) = (discriminator.accuracy(), refiner.change);
    let told = format!("the discriminator is right about {:.0} % of patches", 100.0 * accuracy);
    let (words, knob) = if ![refiner.loss, discriminator.loss, change].iter().all(|value| value.is_finite()) {
        (
            "failed: the losses are no numbers".to_owned(),
            Some(Knob::Set("optim.refiner.lr", config.optim.refiner.lr / 4.0)),
        )
    } else if done < FEW_STEPS {
        (
            format!("too short to judge: {done} adversarial steps; useful runs take hundreds"),
            Some(Knob::Steps(400)),
        )
    } else if change < SMALL_CHANGE {
        ("learned nothing: refined images equal the synthetic ones".to_owned(), lowered)
    } else if change >= LARGE_CHANGE {
        (
            format!("labels at risk: pixels change by {change:.2} on average, so shapes may move"),
            Some(Knob::Set("loss.lambda", raised)),
        )
    } else if accuracy > D_WINS {
        (format!("not there yet: {told}, so refined images do not look real"), lowered)
    } else if (accuracy - 0.5).abs() < CHANCE {
        (
            format!("well, if the samples look real: {told}, as if guessing; if they do not, it is too weak"),
            Some(Knob::Set("optim.discriminator.lr", lr * 2.0)),
        )
    } else {
        (format!("well: pixels change by {change:.2} on average, and {told} (50 % is guessing)"), None)
    };
    Verdict { words, knob }
}

impl Verdict {
    fn of(words: &str, knob: Option<Knob>) -> Self {
        Self { words: words.to_owned(), knob }
    }
}

/// Twice as many steps; a demo's number if there were none.
fn longer(steps: u64) -> u64 {
    (2 * steps).max(2 * FEW_STEPS)
}
