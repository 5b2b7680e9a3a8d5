//! One module per command: turns arguments into a configuration, runs the job, prints the result.

mod bench;
mod domains;
mod estimate;
mod evaluate;
mod experiment;
mod help;
mod inspect;
mod inspect_run;
mod recount;
mod refine;
mod render;
mod serve;
mod sheet;
mod shell;
mod train;
mod trained;
mod turing;

use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use simgan_data::{Crop, Hinted, Sizes, Source, SourceRequest, is_junk};

pub(crate) use self::train::log;
use crate::arguments::Command;
use crate::registry::registry;

/// Runs one command to completion.
///
/// # Errors
/// Whatever makes the command fail. The message says what failed and where; a hint says what to do.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Train(arguments) => train::train(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Refine(arguments) => refine::refine(&arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(&arguments),
        Command::Estimate(arguments) => estimate::estimate(&arguments),
        Command::Experiment(arguments) => experiment::experiment(&arguments),
        Command::Render(arguments) => render::render(&arguments),
        Command::Turing(arguments) => turing::turing(&arguments),
        Command::Serve(arguments) => serve::serve(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Completions(arguments) => shell::completions(&arguments),
        Command::Man(arguments) => shell::manual(&arguments),
        Command::Help(arguments) => help::help(&arguments),
    }
}

/// Maximum number of test images: `asked`, else 2000 if a simulator is among them, because simulators never
/// end, else all (`None`).
fn most_test(asked: Option<usize>, test: &[String]) -> Option<usize> {
    let is_simulated = test.iter().any(|name| registry().is_name(name));
    asked.or(is_simulated.then_some(2000))
}

/// Checks that a folder can be written to: it does not exist, or holds nothing but junk ([`is_junk`]).
fn check_empty(folder: &Path) -> Result<()> {
    let is_thing = |entry: std::io::Result<DirEntry>| entry.map(|entry| !is_junk(&entry.file_name()));
    let things: std::io::Result<Vec<bool>> =
        folder.read_dir().and_then(|entries| entries.map(is_thing).collect());
    let is_empty = match things {
        Ok(things) => !things.contains(&true),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| folder.display().to_string()),
    };
    if is_empty {
        return Ok(());
    }
    bail!(Hinted::new(format!("{}: not empty", folder.display()), "choose another folder"))
}

/// Checks that a file can be written: its folder exists, and what may be there is a plain file.
fn check_around(file: &Path) -> Result<()> {
    if file.exists() && !file.is_file() {
        bail!(Hinted::new(format!("{}: no plain file", file.display()), "write to another file"));
    }
    let around = file.parent().filter(|path| !path.as_os_str().is_empty());
    match around.filter(|path| !path.is_dir()) {
        Some(path) => bail!(Hinted::new(format!("{}: no such folder", path.display()), "make it first")),
        None => Ok(()),
    }
}

/// Opens a source whose images are read one by one, at their own sizes.
fn open_source(name: &str) -> Result<Arc<dyn Source>> {
    Ok(registry().open(&to_look_at(name))?)
}

/// Requests whole images, which may differ in size.
fn to_look_at(name: &str) -> SourceRequest {
    SourceRequest { sizes: Sizes::Mixed, crop: Crop::None, ..SourceRequest::new(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_leaves_a_folder_empty() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        assert!(check_empty(&missing).is_ok() && check_empty(folder.path()).is_ok());
        for name in ["Thumbs.db", ".DS_Store", "._a.png"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(check_empty(folder.path()).is_ok());
        std::fs::write(folder.path().join("a.png"), "").unwrap();
        assert!(check_empty(folder.path()).unwrap_err().to_string().ends_with("not empty"));
    }
}
