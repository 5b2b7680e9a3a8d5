//! `simgan help`: prints pages of the manual and the help of commands.

use anyhow::Result;
use clap::CommandFactory;
use simgan_train::settings_page;

use crate::arguments::{Arguments, HelpArguments};
use crate::console::print;

/// The pages that no command's help covers, by name.
const PAGES: &[(&str, Page)] = &[
    ("settings", Page::Made(settings_page)),
    ("formats", Page::Written(include_str!("../../docs/formats.md"))),
    ("estimators", Page::Written(include_str!("../../docs/estimators.md"))),
    ("digits", Page::Written(include_str!("../../docs/digits.md"))),
    ("variants", Page::Written(include_str!("../../docs/variants.md"))),
    ("turing-test", Page::Written(include_str!("../../docs/turing.md"))),
    ("browser", Page::Written(include_str!("../../docs/browser.md"))),
    ("results", Page::Written(include_str!("../../docs/results.md"))),
    ("scale", Page::Written(include_str!("../../docs/scale.md"))),
];

/// Where a page's text comes from.
enum Page {
    /// Generated at run time; docs/ holds a committed copy for readers without the program.
    Made(fn() -> String),
    /// A file of docs/.
    Written(&'static str),
}

/// Prints a page, or what `simgan COMMAND --help` prints.
pub(crate) fn help(arguments: &HelpArguments) -> Result<()> {
    let topic: Vec<_> = arguments.topic.iter().map(String::as_str).collect();
    match PAGES.iter().find(|(name, _)| topic == [*name]) {
        Some((_, Page::Made(text))) => print(&text()),
        Some((_, Page::Written(text))) => print(text),
        None => command_help(&topic),
    }
}

/// Lets clap print the help and exit. clap reports help as an error with exit status 0, and an unknown
/// command as one with status 2.
fn command_help(command: &[&str]) -> Result<()> {
    let typed = ["simgan"].iter().chain(command).chain(&["--help"]);
    match Arguments::command().try_get_matches_from(typed) {
        Ok(_) => Ok(()),
        Err(help) => help.exit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cargo run -p simgan-cli -- help settings > crates/simgan-cli/docs/settings.md` writes it anew.
    #[test]
    fn the_committed_page_is_the_program_s() {
        let committed = include_str!("../../docs/settings.md");
        assert!(
            settings_page() == committed,
            "docs/settings.md is stale; write it anew: \
             cargo run -p simgan-cli -- help settings > crates/simgan-cli/docs/settings.md"
        );
    }

    #[test]
    fn no_page_hides_a_command() {
        let command = Arguments::command();
        assert!(PAGES.iter().all(|(name, _)| command.find_subcommand(name).is_none()));
    }
}
