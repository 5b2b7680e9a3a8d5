//! Describes the command line to shells and `man`.

use anyhow::Result;
use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsArguments, ManArguments};
use crate::console::print;
use crate::failure::usage;
use crate::program;

/// Prints a completion script.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "simgan", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints the manual page of `simgan`, or of one of its commands.
pub(crate) fn manual(arguments: &ManArguments) -> Result<()> {
    let mut command = Arguments::command();
    command.build();
    if let Some(name) = &arguments.command {
        let found = command.find_subcommand(name).cloned();
        let found = found.ok_or_else(|| {
            usage(format!("no command `{name}`")).hint(format!("{} --help lists them", program::name()))
        })?;
        let page_name = format!("simgan-{name}");
        command = found.display_name(page_name);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    print(&String::from_utf8_lossy(&page))
}
