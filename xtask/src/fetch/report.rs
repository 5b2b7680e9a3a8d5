//! What a person reads.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use indicatif::HumanBytes;

use super::manifest::{ByHand, Dataset, Manifest};
use super::place::{Place, State};
use crate::failure::hinted;

/// Prints a result to standard output.
pub(super) fn say(line: &str) -> anyhow::Result<()> {
    // Unlike `println!`, an error and no panic when nobody reads it.
    writeln!(std::io::stdout(), "{line}").context("standard output")
}

/// Prints every data set and whether it is here.
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
    say("\ncargo xtask fetch-data NAME fetches one into data/raw, or says how it is had.")
}

/// Says what comes, and on which terms.
pub(super) fn introduce(dataset: &Dataset) {
    let Dataset { title, licence, citation, page, .. } = dataset;
    eprintln!("{title}\n  licence: {licence}\n  cite:    {citation}\n  page:    {page}");
}

/// Says how to come by a data set that cannot be downloaded; the error that it is not here.
pub(super) fn by_hand(dataset: &Dataset, by_hand: &ByHand) -> anyhow::Error {
    eprintln!("\nIt cannot be downloaded by a program:");
    for (i, step) in by_hand.steps.iter().enumerate() {
        eprintln!("  {}. {step}", i + 1);
    }
    let (n, result, name) = (by_hand.steps.len() + 1, &by_hand.result, &dataset.name);
    eprintln!("  {n}. Give {result}:  cargo xtask fetch-data {name} --from FOLDER\n");
    hinted(format!("{name} is not here"), "follow these steps")
}

/// Says where a data set is, and what to do next.
pub(super) fn done(dataset: &Dataset, place: &Place, what: &str) -> anyhow::Result<()> {
    let target = place.target.display();
    if let State::Linked(folder) = place.state() {
        eprintln!("{target} is a link to {}: keep that folder", folder.display());
    }
    eprintln!("next: {}", dataset.next);
    say(&format!("{target}: {what}"))
}

/// The first of many findings.
pub(super) fn some(findings: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = findings[..findings.len().min(SHOWN)].join(", ");
    match findings.len().saturating_sub(SHOWN) {
        0 => shown,
        n => format!("{shown} and {n} more"),
    }
}
