//! `simgan render`: writes labelled images from a simulator.

mod plain;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use simgan_data::{Hint, Hinted, Size, Source};
use simgan_eyes::{EyesError, Simulator, SimulatorName};

use self::plain::Plain;
use crate::arguments::RenderArguments;
use crate::console::{Progress, print};
use crate::failure::{usage, usage_of};
use crate::registry::registry;
use crate::{compute, interrupt};

/// Frames per second of `--sequence`.
const FILM_PER_SEC: f32 = 30.0;

/// Images rendered between two checks for Ctrl-C and updates of the bar.
const AT_ONCE: usize = 64;

/// A simulator whose images and records can be written.
trait Renderer {
    /// The size of its images.
    fn size(&self) -> Size;

    /// The name of an image's files, without extensions.
    fn name(&self, index: usize) -> Result<String>;

    /// The record of an image, as it is written.
    fn record(&self, index: usize) -> Result<String>;

    /// Writes images and records. Files that an interrupted call has finished stay as they are.
    fn write(&self, folder: &Path, range: Range<usize>) -> Result<()>;
}

impl Renderer for Simulator {
    fn size(&self) -> Size {
        self.spec().size()
    }

    fn name(&self, index: usize) -> Result<String> {
        Ok(Source::name(self, index)?)
    }

    fn record(&self, index: usize) -> Result<String> {
        Ok(self.record_text(index))
    }

    fn write(&self, folder: &Path, range: Range<usize>) -> Result<()> {
        self.render_to(folder, range)?;
        Ok(())
    }
}

/// Renders the images and prints a summary.
pub(crate) fn render(arguments: &RenderArguments) -> Result<()> {
    compute::size_thread_pool(arguments.threads)?;
    let simulator = open_simulator(arguments)?;
    check_folder(&*simulator, &arguments.output)?;
    let stop = interrupt::stop_flag()?;
    let mut progress = Progress::new("rendering", arguments.count as u64, "images");
    let started = Instant::now();
    for first in (0..arguments.count).step_by(AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            let message = format!("interrupted after {first} of {} images", arguments.count);
            bail!(Hinted::new(message, "run the same command again to continue"));
        }
        let last = (first + AT_ONCE).min(arguments.count);
        simulator.write(&arguments.output, first..last)?;
        progress.update(last as u64, "");
    }
    drop(progress);
    let (size, output) = (simulator.size(), arguments.output.display());
    print(&format!(
        "{} images of {size} pixels with labels in {output} in {:.1} s\n\
         next: simgan inspect {output}\n",
        arguments.count,
        started.elapsed().as_secs_f64()
    ))
}

fn open_simulator(arguments: &RenderArguments) -> Result<Box<dyn Renderer>> {
    let named = match arguments.simulator.as_str() {
        "builtin" => "builtin:eyes",
        name => name,
    };
    if let Ok(name) = named.parse() {
        return Ok(Box::new(open_eyes(name, arguments)?));
    }
    let registry = registry();
    if registry.find(named).is_ok_and(|found| found.path().is_none()) {
        return Ok(Box::new(Plain::open(&registry, named, arguments)?));
    }
    let hint = format!("there are {}", registry.names().join(", "));
    Err(usage(format!("there is no simulator `{named}`")).hint(hint).into())
}

fn open_eyes(mut name: SimulatorName, arguments: &RenderArguments) -> Result<Simulator> {
    name.preset = arguments.preset.map_or(name.preset, Into::into);
    let mut config = name.config();
    if arguments.sequence {
        config.frames_per_sec = FILM_PER_SEC;
    }
    config.film_frames = arguments.frames.unwrap_or(config.film_frames);
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
fn check_folder(simulator: &dyn Renderer, folder: &Path) -> Result<()> {
    let cannot = || format!("{}: cannot be used", folder.display());
    if !folder.try_exists().with_context(cannot)? {
        return Ok(());
    }
    let is_empty = fs::read_dir(folder).with_context(cannot)?.next().is_none();
    let record = simulator.record(0)?;
    let is_ours = fs::read(folder.join(format!("{}.json", simulator.name(0)?)))
        .is_ok_and(|text| text == record.as_bytes());
    if !is_empty && !is_ours {
        let message = format!("{}: not empty, and not the same images", folder.display());
        bail!(Hinted::new(message, Hint::OtherOutput));
    }
    Ok(())
}
