//! `simgan priors`: finds out which labels unlabelled real images have, so that renders can be drawn alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Result, bail};
use simgan_data::{Hinted, PriorsFile, Role, Source, Want, names::GAZE};
use simgan_eval::evaluation::{read_labelled, read_unlabelled};
use simgan_eval::{EstimatorTraining, EvalError, Moments, Priors, Task, Unit, find_priors};
use simgan_eyes::{AngleSpread, with_gazes};
use simgan_metrics::Strength;
use simgan_train::sources;

use super::evaluate::is_depth;
use super::{Look, check_around, chosen};
use crate::arguments::PriorsArguments;
use crate::console::{Progress, print};
use crate::registry::registry;
use crate::{compute, interrupt, program};

/// Finds the priors, prints them and writes the file.
pub(crate) fn priors(arguments: &PriorsArguments) -> Result<()> {
    let PriorsArguments { synthetic, real, output, images, steps, batch, seed, .. } = arguments;
    output.as_deref().map(check_output).transpose()?;
    let device = compute::open(&arguments.compute)?;
    let look = Look { size: arguments.size, channels: arguments.channels, range: arguments.range };
    let synthetic = std::slice::from_ref(synthetic);
    let data = chosen(synthetic, real, *seed, look)?;
    let open = |names, role| -> Result<_> { Ok(sources::open_all(names, &data, role, *seed, &registry())?) };
    let (renders, photographs) = (open(synthetic, Role::Synthetic)?, open(real, Role::Real)?);
    let (task, labelled) = read_labelled(&*renders, arguments.task.as_deref(), &[], *images, &device)?;
    let seen = read_unlabelled(&*photographs, *images, &device)?;
    let training = EstimatorTraining {
        steps: *steps,
        batch: *batch,
        seed: *seed,
        augment: true,
        strength: Strength::Strong,
        depth: is_depth(&data),
        ..EstimatorTraining::default()
    };
    let (stop, mut n_done) = (interrupt::stop_flag()?, 0);
    let mut progress = Progress::new("training in two rounds", 2 * *steps as u64, "updates");
    let mut after_update = || {
        n_done += 1;
        progress.update(n_done, "");
        if stop.load(Ordering::Relaxed) { Err(EvalError::Stopped) } else { Ok(()) }
    };
    let network = arguments.network.into();
    let found = match find_priors(&*task, &labelled, &seen, network, &training, &mut after_update) {
        Err(EvalError::Stopped) => bail!("interrupted; nothing was written"),
        found => found?,
    };
    drop(progress);
    let settings = settings(&synthetic[0], &*task, &found)?;
    let text = text(&found, settings.as_deref());
    if let Some(path) = output {
        let file = match settings {
            Some(settings) => PriorsFile::new(settings, lines(&text), BTreeMap::new()),
            None => weighted(&synthetic[0], &*renders, &*task, &found, lines(&text))?,
        };
        file.write(path)?;
        tracing::info!("use it: {} train --synthetic {}", program::name(), path.display());
    }
    print(&text)
}

/// Checks the file's name and place before the work begins.
fn check_output(path: &Path) -> Result<()> {
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("priors")) {
        let message = format!("{}: its name does not end in .priors", path.display());
        bail!(Hinted::new(message, "a SOURCE of this kind is recognised by it"));
    }
    check_around(path)
}

/// The settings of a simulator of eyes that draws such gazes; `None` for other renders.
fn settings(synthetic: &str, task: &dyn Task, found: &Priors) -> Result<Option<String>> {
    let (true, [pitch, yaw]) = (task.spec().name == GAZE, found.last()) else { return Ok(None) };
    let spread = |mean: f64, deviation: f64| AngleSpread { mean: mean as f32, deviation: deviation as f32 };
    let [pitch, yaw] = [pitch, yaw].map(|axis| spread(axis.mean, axis.deviation));
    let name = synthetic.strip_prefix("simulator:").unwrap_or(synthetic);
    Ok(with_gazes(name, pitch, yaw).map_err(simgan_data::DataError::from)?)
}

/// Weighs every image of the renders, which cannot be drawn anew.
fn weighted(
    name: &str,
    renders: &dyn Source,
    task: &dyn Task,
    found: &Priors,
    lines: Vec<String>,
) -> Result<PriorsFile> {
    if registry().is_name(name) {
        let message = format!("{name}: no settings of this simulator follow from `{}`", task.spec().name);
        bail!(Hinted::new(message, "render a folder with `simgan render` and give that"));
    }
    let (mut names, mut labels) = (Vec::new(), Vec::new());
    for index in 0..renders.len() {
        let sample = renders.sample(index, Want::Labels)?;
        labels.push(task.spec().label(&sample.name, &sample.annotations)?);
        names.push(sample.name);
    }
    let rounded = |weight: f64| (weight * 1e4).round() / 1e4;
    let weights = found.weights(task, &labels)?.into_iter().map(rounded);
    let weights = names.into_iter().zip(weights).collect();
    Ok(PriorsFile::new(registry().absolute(name)?, lines, weights))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Says what was found, and from what.
fn text(found: &Priors, settings: Option<&str>) -> String {
    let mut text = format!("{} renders, {} real images without labels\n", found.n_renders, found.n_real);
    for (axis, (name, unit)) in found.axes.iter().enumerate() {
        let number = |value: f64| {
            let digits = if *unit == Unit::Degrees { 1 } else { 3 };
            format!("{value:.digits$}{}", unit.symbol())
        };
        let spread = |mean: f64, deviation: f64| format!("{} ± {}", number(mean), number(deviation));
        let whole = |moments: Moments| {
            let Moments { mean, deviation, low, high } = moments;
            format!("{}, 98 % in {} to {}", spread(mean, deviation), number(low), number(high))
        };
        let Some((first, last)) = found.rounds.first().zip(found.rounds.last()) else { continue };
        let (first, last) = (first[axis], last[axis]);
        text += &format!("{name}\n");
        text += &format!("  renders before   {}\n", whole(first.renders));
        text += &format!(
            "  predicted        {}; held-out renders are followed with slope {:.2} and scatter {}\n",
            spread(last.predicted.mean, last.predicted.deviation),
            last.slope,
            number(last.scatter)
        );
        text += &format!("  real, corrected  {}\n", spread(last.mean, last.deviation));
        text += &format!("  renders weighted {}\n", whole(found.weighted[axis]));
    }
    let share = found.n_effective / found.n_renders as f64;
    text += &format!(
        "effective sample size {:.0} of {} renders ({:.0} %)\n",
        found.n_effective,
        found.n_renders,
        100.0 * share
    );
    settings.map_or(text.clone(), |settings| format!("{text}--synthetic {settings}\n"))
}
