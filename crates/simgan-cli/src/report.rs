//! Formats losses and accuracies for people.

mod summary;
mod verdict;

use simgan_train::{DiscriminatorReport, Judgement, Phase, RefinerReport, StepReport};

pub(crate) use self::summary::{finished, resume, summary};

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

/// Formats the figures of both networks, two lines each.
pub(crate) fn losses(refiner: Option<&RefinerReport>, discriminator: Option<&DiscriminatorReport>) -> String {
    let mut text = String::new();
    if let Some(refiner) = refiner {
        let adversarial =
            refiner.adversarial.map(|loss| format!("adversarial {loss:.4}, ")).unwrap_or_default();
        text.push_str(&format!(
            "refiner        loss {:.4} ({adversarial}self-regularization {:.4} before lambda)\n\
             \x20              mean |R(x) - x| {:.4} of the range [-1, 1]\n",
            refiner.loss, refiner.self_regularization, refiner.change
        ));
    }
    if let Some(discriminator) = discriminator {
        let history = discriminator.accuracy_history;
        let history = history.map(|share| format!(", history {}", percent(share))).unwrap_or_default();
        // 1.386 is 2 ln 2: the loss sums the cross-entropies of real and of refined patches, each ln 2 at
        // chance.
        text.push_str(&format!(
            "discriminator  loss {:.4} (1.386 is chance)\n\
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
    if let Some(pupil) = judgement.pupil {
        let [x, y] = pupil.drift_px;
        text.push_str(&format!(", pupils moved {:.2} px, drift {x:+.2} {y:+.2}", pupil.shift_px));
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

fn percent(fraction: f64) -> String {
    format!("{:.0} %", 100.0 * fraction)
}
