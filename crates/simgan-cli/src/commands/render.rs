//! `simgan render`: labelled eyes from the simulator.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use simgan_data::{ImageFile, ImageFormat, Source, write_atomic};
use simgan_eyes::{Domain, Simulator, SimulatorConfig, builtin};

use crate::arguments::{Preset, RenderArguments};
use crate::console::{Progress, print};
use crate::failure::usage;
use crate::{compute, interrupt};

/// Images between two looks at Ctrl-C and the bar.
const AT_ONCE: usize = 64;

/// Renders, and prints what was written.
pub(crate) fn render(arguments: &RenderArguments) -> Result<()> {
    compute::size_thread_pool(arguments.threads)?;
    let simulator = open_simulator(arguments)?;
    make_empty_folder(&arguments.output)?;
    let stop = interrupt::stop_flag()?;
    let mut progress = Progress::new("rendering", arguments.count as u64, "images");
    let started = Instant::now();
    for first in (0..arguments.count).step_by(AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            bail!("interrupted after {first} of {} images", arguments.count);
        }
        let last = (first + AT_ONCE).min(arguments.count);
        (first..last).into_par_iter().try_for_each(|index| write(&simulator, index, &arguments.output))?;
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
    let name = match arguments.simulator.as_str() {
        "builtin" => "builtin:eyes",
        name => name,
    };
    let domain: Domain = name.parse().map_err(|error| usage(format!("{error}")))?;
    let mut config = match arguments.preset {
        Preset::Wide => SimulatorConfig::default(),
        Preset::Mpiigaze => SimulatorConfig::mpiigaze(),
    };
    if let Some(size) = arguments.size {
        (config.width, config.height) = (size.width, size.height);
    }
    config.seed = arguments.seed;
    config.samples = arguments.count;
    config.channels = if arguments.color { 3 } else { 1 };
    builtin(domain, config).map_err(|error| usage(format!("{error}")))
}

fn make_empty_folder(folder: &Path) -> Result<()> {
    let cannot = || format!("{}: cannot be made", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    if fs::read_dir(folder).with_context(cannot)?.next().is_some() {
        bail!("{}: not empty; hint: choose a new folder", folder.display());
    }
    Ok(())
}

/// The label first: where an image stands, its label does.
fn write(simulator: &Simulator, index: usize, folder: &Path) -> Result<()> {
    let sample = simulator.sample(index)?;
    if let Some(record) = &sample.label.record {
        write_atomic(&folder.join(format!("{index}.json")), format!("{record:#}\n").as_bytes())?;
    }
    Ok(ImageFile::new(sample.image, ImageFormat::Jpeg).save(&folder.join(format!("{index}.jpg")))?)
}
