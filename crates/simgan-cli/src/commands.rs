//! One module for each command: what was typed becomes what was meant, and results are printed.

mod inspect;
mod refine;
mod render;
mod shell;

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use simgan_data::{Folder, FolderOptions, Sizes, Source};
use simgan_eyes::{Domain, SimulatorConfig, builtin};

use crate::arguments::Command;

/// How the names of simulators begin.
const BUILTIN: &str = "builtin:";

/// Runs one command to its end.
///
/// # Errors
/// Whatever makes the command fail; the message says what, where and what to do.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Refine(arguments) => refine::refine(&arguments),
        Command::Render(arguments) => render::render(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::manual(&arguments),
    }
}

/// A source to look at image by image: its sizes may be mixed. A simulator has `samples` of them, where given.
fn open_source(name: &str, samples: Option<usize>) -> Result<Arc<dyn Source>> {
    if !name.starts_with(BUILTIN) {
        return Ok(Arc::new(Folder::open(Path::new(name), &FolderOptions { sizes: Sizes::Mixed })?));
    }
    let domain: Domain = name.parse()?;
    let mut config = SimulatorConfig::default();
    config.samples = samples.unwrap_or(config.samples);
    Ok(Arc::new(builtin(domain, config)?))
}
