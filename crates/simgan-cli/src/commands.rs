//! One module for each command: what was typed becomes what was meant, and results are printed.

mod bench;
mod evaluate;
mod experiment;
mod help;
mod inspect;
mod inspect_run;
mod refine;
mod render;
mod sheet;
mod shell;
mod train;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use simgan_data::{Crop, Sizes, Source};
use simgan_eyes::SimulatorName;
use simgan_train::sources::{self, OpenOptions};

use crate::arguments::Command;

/// Runs one command to its end.
///
/// # Errors
/// Whatever makes the command fail; the message says what, where and what to do.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Train(arguments) => train::train(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Refine(arguments) => refine::refine(&arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(&arguments),
        Command::Experiment(arguments) => experiment::experiment(&arguments),
        Command::Render(arguments) => render::render(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::manual(&arguments),
        Command::Help(arguments) => help::help(&arguments),
    }
}

/// Of test images, at most: what was asked for, or else all; of a simulator, which never ends, 2000.
fn most_test(asked: Option<usize>, test: &[String]) -> Option<usize> {
    let is_simulated = test.iter().any(|name| SimulatorName::is_meant(name));
    asked.or(is_simulated.then_some(2000))
}

/// A source to look at image by image: its sizes may be mixed.
fn open_source(name: &str) -> Result<Arc<dyn Source>> {
    let path = Path::new(name);
    if path.exists() && !SimulatorName::is_meant(name) {
        let options =
            simgan_data::OpenOptions { sizes: Sizes::Mixed, crop: Crop::None, ..Default::default() };
        return Ok(simgan_data::open(path, &options)?);
    }
    Ok(sources::open(name, &OpenOptions::default())?)
}
