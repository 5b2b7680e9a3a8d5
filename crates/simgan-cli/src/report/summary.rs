//! The result of a run: figures, a verdict in words, and the commands to run next.

use std::path::Path;

use simgan_data::{Crop, Sizes, SourceRequest};
use simgan_train::{DataSize, Summary, TrainConfig};

use super::verdict::{Figures, Knob, verdict};
use super::{losses, phase};
use crate::program::{self, shell_quoted};
use crate::registry::registry;

/// What the eye finds in the samples and the setting that helps; README has the same table.
const KNOBS: &str =
    "refined equals synthetic: lower loss.lambda; shapes move: raise it; noise: lower optim.refiner.lr";

/// Formats the result of a run: losses, output files, how it went, and commands to run next.
pub(crate) fn summary(summary: &Summary, config: &TrainConfig) -> String {
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
    let Summary { refiner, discriminator, range, .. } = summary;
    let kind = config.loss.adversarial_kind;
    text.push_str(&losses(refiner.as_ref(), discriminator.as_ref(), *range, kind));
    if summary.n_skipped > 0 {
        text.push_str(&format!("skipped        {} times an image that cannot be read\n", summary.n_skipped));
    }
    let places =
        [("checkpoint", &summary.checkpoint), ("best", &summary.best), ("samples", &summary.samples)];
    for (name, path) in places.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
        text.push_str(&format!("{name:<14} {}\n", summary.run.join(path).display()));
    }
    text.push_str(&ended(summary, config));
    text.push_str("next:\n");
    for (command, purpose) in next_steps(summary, config) {
        text.push_str(&format!("  {command}\n      {purpose}\n"));
    }
    text
}

/// Formats the result of a run that was finished before and has nothing left to do.
pub(crate) fn finished(run: &Summary, config: &TrainConfig) -> String {
    let steps = config.schedule.steps.max(1);
    let longer = format!("{} --steps {}", resume(run), 2 * steps);
    format!("finished before, nothing is left to do; to go on: {longer}\n{}", summary(run, config))
}

/// The verdict on a run that may still be training.
pub(crate) fn how_it_went(run: &Figures<'_>, config: &TrainConfig) -> String {
    labelled("how it went", &verdict(run, config).words)
}

/// The verdict on a run that ended, and what to look for in the samples.
pub(crate) fn ended(summary: &Summary, config: &TrainConfig) -> String {
    let mut text = how_it_went(&summary.into(), config);
    if summary.samples.is_some() {
        text.push_str(&labelled("look at", "the samples: synthetic, refined, difference, real"));
        text.push_str(&labelled("", KNOBS));
    }
    text
}

/// Sets words beside a label, in lines of at most 100 characters.
fn labelled(label: &str, words: &str) -> String {
    let mut text = format!("{label:<14}");
    let mut column = 14;
    for word in words.split(' ') {
        let width = 1 + word.chars().count();
        if column + width > 100 {
            text.push_str(&format!("\n{:14}", ""));
            column = 14;
        }
        text.push_str(&format!(" {word}"));
        column += width;
    }
    text + "\n"
}

/// Returns the command that resumes a run.
pub(crate) fn resume(summary: &Summary) -> String {
    format!("{} train --run {} --resume", program::name(), shell_quoted(&summary.run))
}

/// Commands that make sense next, each with its purpose. They run as they stand.
fn next_steps(summary: &Summary, config: &TrainConfig) -> Vec<(String, String)> {
    let (simgan, run) = (program::name(), shell_quoted(&summary.run));
    let mut steps = Vec::new();
    let mut add = |command: String, purpose: &str| steps.push((command, purpose.to_owned()));
    if summary.is_complete() {
        match verdict(&summary.into(), config).knob {
            Some(Knob::Steps(n)) => add(format!("{} --steps {n}", resume(summary)), "go on, with more steps"),
            Some(Knob::Set(key, value)) => {
                let config = shell_quoted(&summary.run.join(simgan_train::run_dir::CONFIG_FILE));
                add(
                    format!("{simgan} train --config {config} --set {key}={value}"),
                    "try again with this setting",
                );
            }
            None => {}
        }
    } else {
        add(resume(summary), "continue where it stopped");
    }
    if summary.checkpoint.is_some() {
        let (input, purpose) = refinable(config);
        let output = shell_quoted(&refined_folder(&summary.run));
        add(format!("{simgan} refine --model {run} --input {input} --output {output}"), purpose);
        if config.data.real == ["builtin:camera"] {
            add(
                format!("{simgan} evaluate --model {run} --test builtin:camera"),
                "measure whether refining helps",
            );
        }
        add(format!("{simgan} inspect {run}"), "show the run's losses and settings");
    }
    add(format!("tensorboard --logdir {run}"), "view curves and sample grids");
    steps
}

/// A folder beside the run, which is the run's own.
fn refined_folder(run: &Path) -> std::path::PathBuf {
    let name = run.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
    run.with_file_name(format!("{name}-refined"))
}

/// Whether training cropped the renders at `name`; "auto" depends on them.
fn is_cropped(name: &str, crop: Crop) -> bool {
    let size_with = |crop| {
        let request = SourceRequest { crop, sizes: Sizes::Mixed, ..SourceRequest::new(name) };
        registry().open(&request).ok().map(|source| source.spec().size())
    };
    match crop {
        Crop::None => false,
        Crop::Auto => size_with(Crop::Auto) != size_with(Crop::None),
        Crop::Fixed | Crop::EyeWidth => true,
    }
}

/// What `--input` and its companions should be: the run's own synthetic images if they are files, with the crop
/// and the size that it trained on, else some renders.
fn refinable(config: &TrainConfig) -> (String, &'static str) {
    let registry = registry();
    let here = std::env::current_dir().unwrap_or_default();
    let Some(name) = config.data.synthetic.iter().find(|name| !registry.is_name(name)) else {
        let name = config.data.synthetic.first().map_or("DIR", String::as_str);
        return (
            format!("{} --count 100", shell_quoted(Path::new(name))),
            "refine new renders, or your own images with --input DIR",
        );
    };
    // A run keeps absolute paths; the shorter one is easier to read.
    let short = Path::new(name).strip_prefix(&here).ok().filter(|path| !path.as_os_str().is_empty());
    let mut input = shell_quoted(short.unwrap_or(Path::new(name)));
    let is_render = registry.find(name).is_ok_and(|found| found.layout().name() == "unityeyes");
    if is_render && is_cropped(name, config.data.crop) {
        let crop = if config.data.crop == Crop::EyeWidth { "eye-width" } else { "fixed" };
        input.push_str(&format!(" --crop {crop}"));
        if let DataSize::Pixels(size) = config.data.size {
            input.push_str(&format!(" --size {size}"));
        }
    }
    (input, "refine its synthetic images and keep their labels; any other folder works too")
}

#[cfg(test)]
mod tests;
