//! Files that say nothing of places in images: lists of names, captions, class names, metadata.

use super::json::View;
use super::page::{Changes, Page, Stop, unclear};
use super::words::{Meaning, holds_numbers, is_free_list, meaning};

/// Documents and programs, whose numbers are no labels.
const DOCUMENTS: [&str; 8] = ["md", "rst", "html", "py", "sh", "log", "toml", "ipynb"];

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    if page.has_extension(&DOCUMENTS) {
        return Ok(true);
    }
    let is_turned = match changes.of_owners(page)? {
        Some(own) => own.is_turned(),
        // Which of the images an index file is about is not known.
        None => true,
    };
    match page.json().map_err(Stop::Unclear)? {
        Some(root) => check(root, "", false, is_turned)?,
        None if page.has_extension(&["jsonl", "yaml", "yml", "xml", "txt", "csv", "tsv"]) => {
            check_lines(page)?;
        }
        None => return Ok(false),
    }
    Ok(true)
}

/// Refuses a line with more than one number: it could be a place.
fn check_lines(page: &Page<'_>) -> Result<(), Stop> {
    for span in super::text::lines(page.text) {
        let line = &page.text[span.clone()];
        let body = line.split_once('#').map_or(line, |(body, _)| body);
        if holds_numbers(body) {
            return unclear(format!(
                "line {}: its numbers may be places in the image",
                page.line_of(span.start)
            ));
        }
    }
    Ok(())
}

/// Refuses a JSON value that may hold places in an image: a number whose name says so, or several numbers
/// whose name does not say that they are something else. `is_free` means that a name around it said so.
pub(super) fn check(value: View<'_>, name: &str, is_free: bool, is_turned: bool) -> Result<(), Stop> {
    let is_free = is_free || is_free_list(name);
    if value.is_object() {
        // A vector in space has a z: {"x": 0.1, "y": 0.2, "z": -0.9}.
        let is_free = is_free && ["x", "y", "z"].iter().all(|axis| value.get(axis).is_some());
        return value.members().try_for_each(|(name, value)| check(value, &name, is_free, is_turned));
    }
    let text = value.string();
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    let has_one = value.number().is_some() || text.as_deref().is_some_and(is_number);
    // A sentence may hold numbers; a list of numbers in quotes has no letters.
    let is_list = |text: &str| holds_numbers(text) && !text.contains(char::is_alphabetic);
    let has_several =
        value.numbers().is_some_and(|all| all.len() > 1) || text.as_deref().is_some_and(is_list);
    let is_place = has_one && meaning(name) == Meaning::Geometry;
    if (is_place || has_several) && (!is_free || is_turned) {
        return unclear(format!("line {}: \"{name}\" may be a place in the image", value.line()));
    }
    value.items().try_for_each(|item| check(item, name, is_free, is_turned))
}
