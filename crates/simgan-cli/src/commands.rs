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

use std::sync::Arc;

use anyhow::Result;
use simgan_data::{Crop, Registry, Sizes, Source, SourceRequest};

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

/// Every layout and simulator that can be given as a source.
pub(crate) fn registry() -> Registry {
    Registry::default().with(simgan_eyes::Simulators)
}

/// Of test images, at most: what was asked for, or else all; of a simulator, which never ends, 2000.
fn most_test(asked: Option<usize>, test: &[String]) -> Option<usize> {
    let is_simulated = test.iter().any(|name| registry().is_name(name));
    asked.or(is_simulated.then_some(2000))
}

/// A source to look at image by image.
fn open_source(name: &str) -> Result<Arc<dyn Source>> {
    Ok(registry().open(&to_look_at(name))?)
}

/// Asks for whole images, which may have different sizes.
fn to_look_at(name: &str) -> SourceRequest {
    SourceRequest { sizes: Sizes::Mixed, crop: Crop::None, ..SourceRequest::new(name) }
}
