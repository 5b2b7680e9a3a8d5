//! `simgan render`: writes labelled eyes from the simulator.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use simgan_data::{Hint, Hinted, Source};
use simgan_eyes::{EyesError, Simulator, SimulatorName};

use crate::arguments::RenderArguments;
use crate::console::{Progress, print};
use crate::failure::usage_of;
use crate::{compute, interrupt};

/// Frames per second of `--sequence`.
const FILM_PER_SEC: f32 = 30.0;

/// Images rendered between two checks for Ctrl-C and updates of the bar.
const AT_ONCE: usize = 64;

/// Renders the images and prints a summary.
pub(crate) fn render(arguments: &RenderArguments) -> Result<()> {
    compute::size_thread_pool(arguments.threads)?;
    let simulator = open_simulator(arguments)?;
    check_folder(&simulator, &arguments.output)?;
    let stop = interrupt::stop_flag()?;
    let mut progress = Progress::new("rendering", arguments.count as u64, "images");
    let started = Instant::now();
    for first in (0..arguments.count).step_by(AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            let message = format!("interrupted after {first} of {} images", arguments.count);
            bail!(Hinted::new(message, "run the same command again to continue"));
        }
        let last = (first + AT_ONCE).min(arguments.count);
        simulator.render_to(&arguments.output, first..last)?;
        progress.update(last as u64, "");
    }
    drop(progress);
    let (spec, output) = (simulator.spec(), arguments.output.display());
    print(&format!(
        "{} images of {} pixels with labels in {output} in {:.1} s\n\
         next: simgan inspect {output}\n",
        arguments.count,
        spec.size(),
        started.elapsed().as_secs_f64()
    ))
}

fn open_simulator(arguments: &RenderArguments) -> Result<Simulator> {
    let named = match arguments.simulator.as_str() {
        "builtin" => "builtin:eyes",
        name => name,
    };
    let mut name: SimulatorName = named.parse().map_err(|error: EyesError| usage_of(&error))?;
    name.preset = arguments.preset.map_or(name.preset, Into::into);
    let mut config = name.config();
    if arguments.sequence {
        config.frames_per_sec = FILM_PER_SEC;
    }
    for assignment in &arguments.set {
        config.set(assignment).map_err(|error| usage_of(&error))?;
    }
    if let Some(size) = arguments.size {
        (config.width, config.height) = (size.width, size.height);
    }
    config.seed = arguments.seed;
    config.samples = arguments.count;
    config.channels = if arguments.color { 3 } else { config.channels };
    name.open(config).map_err(|error| match error {
        EyesError::Setting { .. } => usage_of(&error),
        error => error.into(),
    })
}

/// Accepts a new or empty folder, or one whose first record equals ours: an interrupted call's. Any other
/// could mix two sets.
fn check_folder(simulator: &Simulator, folder: &Path) -> Result<()> {
    let cannot = || format!("{}: cannot be used", folder.display());
    if !folder.try_exists().with_context(cannot)? {
        return Ok(());
    }
    let is_empty = fs::read_dir(folder).with_context(cannot)?.next().is_none();
    let is_ours =
        fs::read(folder.join("0.json")).is_ok_and(|text| text == simulator.record_text(0).as_bytes());
    if !is_empty && !is_ours {
        let message = format!("{}: not empty, and not the same images", folder.display());
        bail!(Hinted::new(message, Hint::OtherOutput));
    }
    Ok(())
}
