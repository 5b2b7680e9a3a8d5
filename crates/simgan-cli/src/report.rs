//! Formats losses and accuracies for people.

mod summary;
mod verdict;

use simgan_data::ValueRange;
use simgan_train::{
    AdversarialLoss, DiscriminatorReport, Judgement, Phase, RefinerReport, ShiftJudgement, StepReport,
};

pub(crate) use self::summary::{ended, finished, how_it_went, resume, summary};
pub(crate) use self::verdict::Figures;

/// Formats one line for the progress bar: the figures that show whether a run goes well.
pub(crate) fn line(report: &StepReport) -> String {
    let phase = match report.phase {
        Phase::PretrainRefiner => "R alone",
        Phase::PretrainDiscriminator => "D alone",
        Phase::Adversarial => "R and D",
    };
    let mut parts = vec![phase.to_owned()];
    if let Some(refiner) = &report.refiner {
        parts.push(format!("R {:.3} change {:.3}", refiner.loss, refiner.change));
    }
    if let Some(discriminator) = &report.discriminator {
        parts.push(format!(
            "D {:.3} real {} refined {}",
            discriminator.loss,
            percent(discriminator.accuracy_real),
            percent(discriminator.accuracy_refined)
        ));
    }
    parts.push(format!("{:.0} images/s", report.images_per_sec));
    parts.join("  ")
}

/// Formats a change of pixels, also in the images' own unit if the range is not the whole scale.
pub(crate) fn change(change: f64, range: Option<ValueRange>) -> String {
    let mut text = format!("mean |R(x) - x| {change:.4} of the range [-1, 1]");
    if let Some(range) = range {
        // [-1, 1] is 2 wide.
        let in_units = change / 2.0 * f64::from(range.width());
        text.push_str(&format!(", {} of {range}", significant(in_units)));
    }
    text
}

/// Formats a number with about three significant digits.
fn significant(number: f64) -> String {
    let n_before = number.abs().log10().floor();
    let decimals = if n_before.is_finite() { (2.0 - n_before).clamp(0.0, 9.0) as usize } else { 0 };
    format!("{number:.decimals$}")
}

/// Formats the figures of both networks, two lines each. `range` is that of the images' values, `kind` the
/// adversarial loss.
pub(crate) fn losses(
    refiner: Option<&RefinerReport>,
    discriminator: Option<&DiscriminatorReport>,
    range: Option<ValueRange>,
    kind: AdversarialLoss,
) -> String {
    let mut text = String::new();
    if let Some(refiner) = refiner {
        let adversarial =
            refiner.adversarial.map(|loss| format!("adversarial {loss:.4}, ")).unwrap_or_default();
        let consistency =
            refiner.consistency.map(|loss| format!(", task consistency {loss:.4}")).unwrap_or_default();
        text.push_str(&format!(
            "refiner        loss {:.4} ({adversarial}self-regularization {:.4}{consistency} before lambda)\n\
             \x20              {}\n",
            refiner.loss,
            refiner.self_regularization,
            change(refiner.change, range)
        ));
    }
    if let Some(discriminator) = discriminator {
        let history = discriminator.accuracy_history;
        let history = history.map(|share| format!(", history {}", percent(share))).unwrap_or_default();
        let chance = kind.at_chance();
        text.push_str(&format!(
            "discriminator  loss {:.4} ({chance:.3} is chance)\n\
             \x20              patches classified right: real {}, refined {}{history}\n",
            discriminator.loss,
            percent(discriminator.accuracy_real),
            percent(discriminator.accuracy_refined)
        ));
    }
    text
}

/// Formats the judgement of a checkpoint.
pub(crate) fn judgement(judgement: &Judgement, is_best: bool) -> String {
    let mut text = format!(
        "a classifier tells {} of refined and real images, mean |R(x) - x| {:.3}",
        percent(judgement.accuracy),
        judgement.change
    );
    for (what, moved) in [("pupils", judgement.pupil), ("points", judgement.points)] {
        if let Some(ShiftJudgement { shift_px, drift_px: [x, y] }) = moved {
            text.push_str(&format!(", {what} moved {shift_px:.2} px, drift {x:+.2} {y:+.2}"));
        }
    }
    if is_best {
        text.push_str(": the best so far");
    }
    text
}

/// Names a phase of the training.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::PretrainRefiner => "pretraining the refiner",
        Phase::PretrainDiscriminator => "pretraining the discriminator",
        Phase::Adversarial => "adversarial training",
    }
}

/// Formats a fraction in whole percent.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.0} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_the_images_unit() {
        let range = ValueRange { min: 1000.0, max: 2400.0 };
        assert_eq!(
            change(0.0041, Some(range)),
            "mean |R(x) - x| 0.0041 of the range [-1, 1], 2.87 of 1000..2400"
        );
        assert_eq!(change(0.0, Some(range)), "mean |R(x) - x| 0.0000 of the range [-1, 1], 0 of 1000..2400");
        assert_eq!(change(0.5, None), "mean |R(x) - x| 0.5000 of the range [-1, 1]");
        assert_eq!(significant(1234.5), "1234");
    }
}
