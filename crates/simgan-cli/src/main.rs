//! The command `simgan`: train a refiner, refine a folder, evaluate what it is worth, render labelled eyes, look at data and runs, measure speed.
//!
//! What was typed ([`arguments`]) becomes what was meant in the function of each [`commands`] module; nothing below this
//! crate sees clap. Results go to standard output, everything else to standard error.

mod arguments;
mod commands;
mod compute;
mod console;
mod failure;
mod interrupt;
mod report;
mod wording;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::wording::Typed;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    console::start(&arguments.verbosity);
    let typed = Typed::of(&arguments.command);
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, &typed),
    }
}
