//! Tables: CSV with a header, also with tabs, semicolons and decimal commas. One row per image or object.

mod columns;
mod read;

use std::ops::Range;

use self::columns::{Columns, Shape};
pub(super) use self::read::read;
use super::geometry::{Move, TOLERANCE};
use super::page::{Changes, Page, Stop, plausible, unclear};
use super::text::shortest;
use super::words::{Meaning, holds_numbers, is_free_list, meaning};
use crate::Size;

/// A table in its text.
struct Table<'a> {
    text: &'a str,
    delimiter: u8,
    columns: Columns,
    /// Where the rows below the header begin.
    start: usize,
    /// Whether numbers have a decimal comma.
    has_commas: bool,
}

/// A row: where it begins and ends, with its line end, and its cells without quotes.
struct Row {
    span: Range<usize>,
    cells: Vec<Range<usize>>,
}

impl<'a> Table<'a> {
    /// Reads the header; `None` if the file is no table.
    ///
    /// # Errors
    /// The header is missing, or does not say what the columns are.
    fn of(page: &Page<'a>) -> Result<Option<Self>, String> {
        if !page.has_extension(&["csv", "tsv"]) {
            return Ok(None);
        }
        let text = page.text;
        let first = text.lines().next().unwrap_or_default();
        let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
        // The last of equals wins.
        let delimiter = *b"|\t;,".iter().max_by_key(|delimiter| count(delimiter)).unwrap_or(&b',');
        let is_comma = |part: &[u8]| matches!(part, [before, b',', after] if before.is_ascii_digit() && after.is_ascii_digit());
        let has_commas = delimiter != b',' && text.as_bytes().windows(3).any(is_comma);
        let mut table = Self { text, delimiter, columns: Columns::default(), start: 0, has_commas };
        let Some(header) = table.rows().next() else { return Ok(None) };
        let names: Vec<String> = header.cells.iter().map(|cell| text[cell.clone()].to_owned()).collect();
        if header.cells.iter().any(|cell| table.number(cell).is_some()) {
            return Err("its first line is no header: it holds a number".to_owned());
        }
        table.start = header.span.end;
        // What the columns of an empty table are plays no part.
        if table.rows().next().is_some() {
            table.columns = Columns::of(&names)?;
        }
        Ok(Some(table))
    }

    /// The rows below the header that are not empty.
    fn rows(&self) -> impl Iterator<Item = Row> {
        let mut at = self.start;
        std::iter::from_fn(move || {
            while at < self.text.len() {
                let row = self.row(at);
                at = row.span.end;
                if row.cells.iter().any(|cell| !self.text[cell.clone()].trim().is_empty()) {
                    return Some(row);
                }
            }
            None
        })
    }

    fn row(&self, start: usize) -> Row {
        let bytes = self.text.as_bytes();
        let (mut at, mut from, mut is_quoted) = (start, start, false);
        let mut cells = Vec::new();
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\n' if !is_quoted => break,
                byte if *byte == self.delimiter && !is_quoted => {
                    cells.push(self.unquoted(from..at));
                    from = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        cells.push(self.unquoted(from..at));
        Row { span: start..(at + 1).min(bytes.len()), cells }
    }

    /// A cell without the space and the quotes around it.
    fn unquoted(&self, cell: Range<usize>) -> Range<usize> {
        let text = &self.text[cell.clone()];
        let start = cell.start + text.len() - text.trim_start().len();
        let inner = text.trim();
        let is_quoted = inner.len() >= 2 && inner.starts_with('"') && inner.ends_with('"');
        let quote = usize::from(is_quoted);
        start + quote..start + inner.len() - quote
    }

    fn cell(&self, row: &Row, column: usize) -> &'a str {
        row.cells.get(column).map_or("", |cell| &self.text[cell.clone()])
    }

    /// A finite number, with a decimal comma where commas do not separate cells.
    fn number(&self, cell: &Range<usize>) -> Option<f64> {
        let text = self.text[cell.clone()].trim();
        let text = if self.delimiter == b',' { text.to_owned() } else { text.replacen(',', ".", 1) };
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// The numbers of a row's columns; `None` if one of them is missing.
    ///
    /// # Errors
    /// A cell holds something else; the message names line and column.
    fn numbers<const N: usize>(
        &self,
        page: &Page<'_>,
        row: &Row,
        columns: [usize; N],
    ) -> Result<Option<[f64; N]>, String> {
        let is_missing = |column: &usize| {
            ["", "nan", "na", "null", "none"].contains(&&*self.cell(row, *column).to_lowercase())
        };
        if columns.iter().any(is_missing) {
            return Ok(None);
        }
        let mut numbers = [0.0; N];
        for (number, column) in numbers.iter_mut().zip(columns) {
            let Some(own) = self.number(&row.cells[column]).and_then(plausible) else {
                let (line, name) = (page.line_of(row.span.start), &self.columns.names[column]);
                return Err(format!("line {line}: \"{name}\" is not a number: {}", self.cell(row, column)));
            };
            *number = own;
        }
        // −1, −1 stands for a missing point.
        Ok(Some(numbers).filter(|numbers| numbers.iter().any(|number| *number != -1.0)))
    }

    /// The image that a row is about.
    fn image(&self, page: &Page<'_>, row: &Row) -> Option<usize> {
        let named = self.columns.image.and_then(|column| page.find(self.cell(row, column)));
        named.or_else(|| page.owners.first().copied())
    }

    /// Whether the places are fractions of the image's size.
    ///
    /// # Errors
    /// That cannot be told.
    fn is_fractions(&self, page: &Page<'_>) -> Result<bool, String> {
        let (mut n, mut has_point) = (0, false);
        for row in self.rows() {
            for pair in self.columns.points.iter().chain(&self.columns.extent) {
                let Some(numbers) = self.numbers(page, &row, *pair)? else { continue };
                if numbers.iter().any(|number| !(0.0..=1.0).contains(number)) {
                    return Ok(false);
                }
                n += 1;
                has_point |= numbers.iter().any(|number| number.fract() != 0.0);
            }
        }
        let is_open = n > 0 && !has_point;
        if is_open {
            Err("whether 0 and 1 are pixels or fractions is not known".to_owned())
        } else {
            Ok(n > 0)
        }
    }

    fn write(&self, row: &Row, column: usize, value: f64, tolerance: f64, changes: &mut Changes<'_>) {
        let span = row.cells[column].clone();
        let written = &self.text[span.clone()];
        if self.number(&span).is_some_and(|old| (old - value).abs() < tolerance) {
            return;
        }
        let mut text = shortest(value, tolerance);
        if written.contains(['.', ',']) && !text.contains('.') {
            text += ".0";
        }
        let has_comma = self.has_commas && !written.contains('.');
        changes.edits.replace(span, if has_comma { text.replace('.', ",") } else { text });
    }

    /// Refuses cells of unknown columns that may hold places.
    fn check_others(&self, page: &Page<'_>, row: &Row) -> Result<(), Stop> {
        for column in &self.columns.others {
            let (name, cell) = (&self.columns.names[*column], self.cell(row, *column));
            let is_place = meaning(name) == Meaning::Geometry && cell.parse::<f64>().is_ok();
            let is_list = cell.starts_with(['[', '{', '(']) || !cell.contains(char::is_alphabetic);
            if is_place && !self.is_in_space(name) || (is_list && holds_numbers(cell) && !is_free_list(name))
            {
                let line = page.line_of(row.span.start);
                return unclear(format!("line {line}: \"{name}\" may be a place in the image"));
            }
        }
        Ok(())
    }

    /// Whether a column is part of a vector in space: `pos_x` beside `pos_z`.
    fn is_in_space(&self, name: &str) -> bool {
        let z = name.replace(['x', 'y'], "z");
        self.columns.names.contains(&z)
    }
}

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let Some(table) = Table::of(page).map_err(Stop::Unclear)? else { return Ok(false) };
    let is_fractions = table.is_fractions(page).map_err(Stop::Unclear)?;
    for row in table.rows() {
        table.check_others(page, &row)?;
        let Some(image) = table.image(page, &row) else {
            if table.columns.has_places() && table.columns.image.is_none() {
                return unclear("none of its columns names an image");
            }
            changes.note("rows are about images that are not in the folder");
            continue;
        };
        let own = changes.of_image(image)?;
        if own.is_turned()
            && (table.columns.gaze.is_some()
                || table
                    .columns
                    .names
                    .iter()
                    .any(|name| meaning(name) == Meaning::Free && is_free_list(name)))
        {
            return unclear("what its directions are in a turned image is not known");
        }
        follow_row(page, &table, &row, &own, is_fractions, changes)?;
    }
    Ok(true)
}

fn follow_row(
    page: &Page<'_>,
    table: &Table<'_>,
    row: &Row,
    own: &Move,
    is_fractions: bool,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    let columns = &table.columns;
    follow_size(page, table, row, own, changes)?;
    if is_fractions && own.keeps_fractions() {
        return Ok(());
    }
    let (before, after) = if is_fractions { (own.from(), own.to()) } else { (UNIT, UNIT) };
    let old = |[x, y]: [f64; 2]| [x * before.width as f64, y * before.height as f64];
    let write = |changes: &mut Changes<'_>, [column_x, column_y]: [usize; 2], [x, y]: [f64; 2]| {
        let (width, height) = (after.width as f64, after.height as f64);
        table.write(row, column_x, x / width, TOLERANCE / width, changes);
        table.write(row, column_y, y / height, TOLERANCE / height, changes);
    };
    let Some((first, second)) = corners(page, table, row).map_err(Stop::Unclear)? else {
        for pair in &columns.points {
            if let Some(point) = table.numbers(page, row, *pair).map_err(Stop::Unclear)? {
                let moved = own.point(old(point));
                write(changes, *pair, moved);
                if !own.is_whole() && !own.is_inside(moved) {
                    changes.note("points are outside the image");
                }
            }
        }
        return Ok(());
    };
    let ([left, top], [right, bottom]) = (old(first), old(second));
    let Some([left, top, right, bottom]) = own.clipped([left, top, right, bottom]) else {
        changes.note("rows left the image and are dropped");
        changes.edits.remove(row.span.clone());
        return Ok(());
    };
    match (columns.shape, columns.extent) {
        (Shape::CentreExtent, Some(extent)) => {
            write(changes, columns.points[0], [(left + right) / 2.0, (top + bottom) / 2.0]);
            write(changes, extent, [right - left, bottom - top]);
        }
        (_, Some(extent)) => {
            write(changes, columns.points[0], [left, top]);
            write(changes, extent, [right - left, bottom - top]);
        }
        _ => {
            write(changes, columns.points[0], [left, top]);
            write(changes, columns.points[1], [right, bottom]);
        }
    }
    Ok(())
}

/// Writes the new size in place of the image's.
fn follow_size(
    page: &Page<'_>,
    table: &Table<'_>,
    row: &Row,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    let Some([width, height]) = table.columns.size else { return Ok(()) };
    let recorded = table.numbers(page, row, [width, height]).map_err(Stop::Unclear)?;
    let Size { width: w, height: h } = own.from();
    if recorded.is_some_and(|recorded| recorded != [w as f64, h as f64]) {
        let line = page.line_of(row.span.start);
        return unclear(format!("line {line}: it gives another size than the image's {w}×{h} pixels"));
    }
    if recorded.is_some() {
        table.write(row, width, own.to().width as f64, TOLERANCE, changes);
        table.write(row, height, own.to().height as f64, TOLERANCE, changes);
    }
    Ok(())
}

const UNIT: Size = Size { width: 1, height: 1 };

/// Two opposite corners of a box.
type Corners = ([f64; 2], [f64; 2]);

/// Two opposite corners of a row's box; `None` if it has none.
fn corners(page: &Page<'_>, table: &Table<'_>, row: &Row) -> Result<Option<Corners>, String> {
    let columns = &table.columns;
    let second = match columns.shape {
        Shape::Points => return Ok(None),
        Shape::Corners => Some(columns.points[1]),
        Shape::CornerExtent | Shape::CentreExtent => columns.extent,
    };
    let Some((first, second)) = columns.points.first().zip(second) else { return Ok(None) };
    let (first, second) = (table.numbers(page, row, *first)?, table.numbers(page, row, second)?);
    Ok(first.zip(second).map(|([x, y], [w, h])| match columns.shape {
        Shape::CornerExtent => ([x, y], [x + w, y + h]),
        Shape::CentreExtent => ([x - w / 2.0, y - h / 2.0], [x + w / 2.0, y + h / 2.0]),
        _ => ([x, y], [w, h]),
    }))
}
