//! KITTI's object labels: one `.txt` per image, 15 columns per line, a 16th in results.
//!
//! `type truncated occluded alpha left top right bottom …`: the box is in pixel indices from 0, both ends
//! inclusive. The other columns are in space.

use std::ops::Range;

use super::page::{Changes, Page, Stop, plausible, unclear};
use super::text::lines;

/// The columns of left, top, right and bottom.
const BOX: Range<usize> = 4..8;

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    if !page.has_extension(&["txt"]) {
        return Ok(false);
    }
    let filled = lines(page.text).filter(|span| !page.text[span.clone()].trim().is_empty());
    let Some(rows) = filled.map(|span| row(page.text, span)).collect::<Option<Vec<_>>>() else {
        return Ok(false);
    };
    let (Some(own), false) = (changes.of_owners(page)?, rows.is_empty()) else { return Ok(false) };
    if own.is_turned() {
        return unclear("what its places in space are in a turned image is not known");
    }
    for row in &rows {
        let [left, top, right, bottom] = [0, 1, 2, 3].map(|side| row.sides[side].0);
        // An inclusive index ends where its pixel ends.
        let Some([left, top, right, bottom]) = own.clipped([left, top, right + 1.0, bottom + 1.0]) else {
            changes.note("objects left the image and are dropped");
            let end =
                page.text[row.span.end..].find('\n').map_or(page.text.len(), |at| row.span.end + at + 1);
            changes.edits.remove(row.span.start..end);
            continue;
        };
        for ((_, span), value) in row.sides.iter().zip([left, top, right - 1.0, bottom - 1.0]) {
            changes.number(page, span.clone(), value);
        }
    }
    Ok(true)
}

struct Row {
    span: Range<usize>,
    /// Left, top, right and bottom, with their places.
    sides: Vec<(f64, Range<usize>)>,
}

/// Reads a line; `None` if it is of another format.
fn row(text: &str, span: Range<usize>) -> Option<Row> {
    let mut at = span.start;
    let mut parts = Vec::new();
    for part in text[span.clone()].split(' ') {
        if !part.is_empty() {
            parts.push((part, at..at + part.len()));
        }
        at += part.len() + 1;
    }
    let (name, numbers) = parts.split_first().filter(|_| matches!(parts.len(), 15 | 16))?;
    let is_name = name.0.parse::<f64>().is_err();
    let numbers: Option<Vec<_>> =
        numbers.iter().map(|(part, span)| Some((plausible(part.parse().ok()?)?, span.clone()))).collect();
    numbers
        .filter(|_| is_name)
        .map(|numbers| Row { span, sides: numbers[BOX.start - 1..BOX.end - 1].to_vec() })
}
