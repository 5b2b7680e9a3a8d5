//! Formats losses and accuracies for people.

use std::path::Path;

use simgan_train::{DiscriminatorReport, Judgement, Phase, RefinerReport, StepReport, Summary};

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

/// Formats the result of a run: losses, output files, and commands to run next.
pub(crate) fn summary(summary: &Summary) -> String {
    let mut text = format!(
        "{}: {} of {} steps, {:.0} s, {:.0} images/s\n",
        summary.run.display(),
        summary.step,
        summary.total_steps,
        summary.elapsed_secs,
        summary.images_per_sec
    );
    if summary.n_averaged > 0 {
        text.push_str(&format!(
            "means over the last {} steps, {}:\n",
            summary.n_averaged,
            phase(summary.phase)
        ));
    }
    text.push_str(&losses(summary.refiner.as_ref(), summary.discriminator.as_ref()));
    if summary.n_skipped > 0 {
        text.push_str(&format!("skipped        {} times an image that cannot be read\n", summary.n_skipped));
    }
    let places =
        [("samples", &summary.samples), ("checkpoint", &summary.checkpoint), ("best", &summary.best)];
    for (name, path) in places.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
        text.push_str(&format!("{name:<14} {}\n", summary.run.join(path).display()));
    }
    text.push_str("next:\n");
    for (command, purpose) in next_steps(summary) {
        text.push_str(&format!("  {command}\n      {purpose}\n"));
    }
    text
}

/// Formats what there is to say of a run whose steps are all done.
pub(crate) fn finished(summary: &Summary) -> String {
    let (run, steps) = (summary.run.display(), summary.total_steps);
    let resume = resume(summary);
    format!(
        "{run}: finished, all {steps} steps are done; nothing has been changed\n\
         next:\n  {resume} --steps N\n      go on to N adversarial steps in total\n"
    )
}

/// Returns the command that resumes a run.
pub(crate) fn resume(summary: &Summary) -> String {
    format!("simgan train --run {} --resume", shell_quoted(&summary.run))
}

/// Commands that make sense next, each with its purpose.
fn next_steps(summary: &Summary) -> Vec<(String, &'static str)> {
    let run = shell_quoted(&summary.run);
    let mut steps = Vec::new();
    if !summary.is_complete() {
        steps.push((resume(summary), "continue where it stopped"));
    }
    if summary.checkpoint.is_some() {
        let refine = format!("simgan refine --model {run} --input DIR --output DIR");
        steps.push((refine, "refine your own images and keep their labels"));
        steps.push((format!("simgan inspect {run}"), "show the run's losses and settings"));
    }
    steps.push((format!("tensorboard --logdir {run}"), "view curves and sample grids"));
    steps
}

/// Quotes a path for the shell where needed.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        // Single quotes admit no escape: close them, add an escaped quote, and reopen them.
        format!("'{}'", text.replace('\'', r"'\''"))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(shell_quoted(Path::new("runs/demo-001")), "runs/demo-001");
        assert_eq!(shell_quoted(Path::new("my run's")), r"'my run'\''s'");
    }
}
