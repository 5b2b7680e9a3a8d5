//! Prints messages for people.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use indicatif::HumanBytes;

use super::manifest::{ByHand, Dataset, Manifest};
use super::place::{Place, State};
use crate::SIMGAN;
use crate::failure::hinted;

/// Prints a result to standard output.
pub(super) fn say(line: &str) -> anyhow::Result<()> {
    // `println!` would panic if the pipe is closed; this returns an error.
    writeln!(std::io::stdout(), "{line}").context("standard output")
}

/// Lists the data sets and which of them are here.
pub(super) fn list(manifest: &Manifest, raw: &Path) -> anyhow::Result<()> {
    for dataset in &manifest.datasets {
        let place = Place::new(raw, &dataset.name);
        let state = match place.state() {
            State::Absent { n_bytes: 0 } => "not here".to_owned(),
            State::Absent { n_bytes } => format!("not here; {} of it", HumanBytes(n_bytes)),
            State::Fetched => "here".to_owned(),
            State::Linked(folder) => format!("here: {}", folder.display()),
            State::Foreign => "here, put there by hand".to_owned(),
        };
        say(&format!(
            "{:<13} {}\n{:14}{}\n{:14}{state}",
            dataset.name, dataset.title, "", dataset.licence, ""
        ))?;
    }
    say("\ncargo xtask fetch-data NAME fetches one into data/raw, or explains how to get it.")
}

/// Prints title, licence, citation and page before a data set is fetched.
pub(super) fn introduce(dataset: &Dataset) {
    let Dataset { title, licence, citation, page, .. } = dataset;
    eprintln!("{title}\n  licence: {licence}\n  cite:    {citation}\n  page:    {page}");
}

/// Prints how to get a data set by hand; returns the error that it is not here.
pub(super) fn by_hand(dataset: &Dataset, by_hand: &ByHand) -> anyhow::Error {
    eprintln!("\nA program cannot download it. Steps:");
    for (i, step) in by_hand.steps.iter().enumerate() {
        eprintln!("  {}. {step}", i + 1);
    }
    let (n, result, name) = (by_hand.steps.len() + 1, &by_hand.result, &dataset.name);
    eprintln!("  {n}. Give {result}:  cargo xtask fetch-data {name} --from FOLDER\n");
    hinted(format!("{name} is not here"), "follow these steps")
}

/// Prints where a data set is and what to do next.
pub(super) fn done(dataset: &Dataset, place: &Place, what: &str) -> anyhow::Result<()> {
    let target = place.target.display();
    if let State::Linked(folder) = place.state() {
        eprintln!("{target} is a link to {}: keep that folder", folder.display());
    }
    // The manifest names the installed program; whoever runs this task has at least the clone.
    match dataset.next.strip_prefix("simgan ") {
        Some(arguments) => eprintln!("next: {SIMGAN} {arguments}"),
        None => eprintln!("next: {}", dataset.next),
    }
    say(&format!("{target}: {what}"))
}

/// Joins the first few findings and counts the rest.
pub(super) fn some(findings: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = findings[..findings.len().min(SHOWN)].join(", ");
    match findings.len().saturating_sub(SHOWN) {
        0 => shown,
        n => format!("{shown} and {n} more"),
    }
}
