//! The command `simgan`: trains a refiner, refines folders, evaluates refiners, renders labelled eyes,
//! describes data and runs, measures speed.
//!
//! Each [`commands`] module turns its clap [`arguments`] into a library's configuration; no crate below this
//! one sees clap. Results go to standard output, everything else to standard error.

mod arguments;
mod candle_threads;
mod commands;
mod compute;
mod console;
mod failure;
mod foreign;
mod interrupt;
mod program;
mod ranks;
mod registry;
mod report;
mod tui;
mod wording;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command, Verbosity};
use crate::wording::Typed;

fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => match foreign::explained(&error, &typed) {
            Some(usage) => return failure::report(&usage.into(), &Typed::default()),
            None => error.exit(),
        },
    };
    candle_threads::avoid();
    // One process of several tells what happens; the others tell errors.
    let is_silent = matches!(arguments.command, Command::Train(_)) && ranks::is_follower();
    let errors = Verbosity { verbose: 0, quiet: 2 };
    console::start(if is_silent { &errors } else { &arguments.verbosity });
    let typed = Typed::of(&arguments.command);
    match commands::run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, &typed),
    }
}
