use std::collections::BTreeMap;

use super::{Page, Row, Table, corners};
use crate::labels::ByImage;
use crate::labels::said::{Said, warn_of_names};
use crate::record::direction_of;
use crate::{Annotation, Annotations, BoundingBox, Boxes, Class, ClassNames, Points, Size};

pub(in crate::labels) fn read(page: &Page<'_>) -> Result<Option<ByImage>, String> {
    // A table whose header says nothing that is read is no label.
    let Ok(Some(table)) = Table::of(page) else { return Ok(None) };
    let is_fractions = table.is_fractions(page).unwrap_or(false);
    let (classes, names) = classes(&table);
    let mut all: BTreeMap<usize, (Annotations, Option<Size>)> = BTreeMap::new();
    for row in table.rows() {
        let Some(image) = table.image(page, &row) else { continue };
        let (own, frame) = all.entry(image).or_default();
        read_row(page, &table, &row, &classes, own)?;
        if let Some(size) = table.columns.size {
            let size = table.numbers(page, &row, size)?;
            *frame = size.map(|[width, height]| Size { width: width as usize, height: height as usize });
        }
    }
    let has_boxes = all.values().any(|(own, _)| own.contains_key("boxes"));
    if let (Some(names), true) = (&names, has_boxes) {
        warn_of_names(page.path, names.iter().map(String::as_str));
    }
    let said = |(image, (own, frame))| {
        let said = if is_fractions { Said::Fractions(own) } else { Said::known(own, frame) };
        (image, said.classed(names.as_ref()))
    };
    Ok(Some(all.into_iter().map(said).collect()))
}

fn read_row(
    page: &Page<'_>,
    table: &Table<'_>,
    row: &Row,
    classes: &BTreeMap<&str, u32>,
    own: &mut Annotations,
) -> Result<(), String> {
    let columns = &table.columns;
    let line = page.line_of(row.span.start);
    if let Some((fields, places)) = &columns.gaze {
        let numbers: Option<Vec<f32>> =
            places.iter().map(|column| Some(table.number(row.cells.get(*column)?)? as f32)).collect();
        let is_empty = places.iter().all(|column| table.cell(row, *column).is_empty());
        let gaze = numbers.and_then(|numbers| direction_of(fields, &numbers));
        match gaze {
            Some(gaze) => put(own, "gaze", &gaze.into(), line)?,
            None if is_empty => {}
            None => return Err(format!("line {line}: \"{}\" are not a direction", fields.join("\", \""))),
        }
    }
    let class = columns.class.and_then(|column| classes.get(table.cell(row, column))).copied();
    if let Some(([left, top], [right, bottom])) = corners(page, table, row)? {
        let min = [left as f32, top as f32];
        let class = class.and_then(|class| u16::try_from(class).ok()).unwrap_or(0);
        let item = BoundingBox { min, max: [right as f32, bottom as f32], class };
        match own.get_mut("boxes") {
            Some(Annotation::Boxes(boxes)) => boxes.0.push(item),
            _ => drop(own.insert("boxes".into(), Boxes(vec![item]).into())),
        }
        return Ok(());
    }
    if let Some(class) = class {
        put(own, "class", &Class(class).into(), line)?;
    }
    let places: Result<Vec<_>, String> =
        columns.points.iter().map(|pair| table.numbers(page, row, *pair)).collect();
    let places = places?;
    // A row without any place says nothing; in others each point keeps its place in the list.
    for place in places.iter().filter(|_| places.iter().any(Option::is_some)) {
        let point = place.map_or([f32::NAN; 2], |[x, y]| [x as f32, y as f32]);
        match own.get_mut("points") {
            Some(Annotation::Points(points)) => points.0.push(point),
            _ => drop(own.insert("points".into(), Points(vec![point]).into())),
        }
    }
    Ok(())
}

/// Adds an annotation of which an image has one.
fn put(
    own: &mut Annotations,
    name: &'static str,
    annotation: &Annotation,
    line: usize,
) -> Result<(), String> {
    match own.insert(name.into(), annotation.clone()) {
        Some(other) if other != *annotation => Err(format!("line {line}: another \"{name}\" of this image")),
        _ => Ok(()),
    }
}

/// The index of each class, its own if all are numbers from 0; else its place among the sorted names, which
/// are returned too.
fn classes<'a>(table: &Table<'a>) -> (BTreeMap<&'a str, u32>, Option<ClassNames>) {
    let Some(column) = table.columns.class else { return (BTreeMap::new(), None) };
    let cells = table.rows().map(|row| table.cell(&row, column)).filter(|cell| !cell.is_empty());
    let mut classes: BTreeMap<&str, u32> = cells.map(|cell| (cell, 0)).collect();
    let numbers: Option<Vec<u32>> = classes.keys().map(|name| name.parse().ok()).collect();
    let names = numbers.is_none().then(|| classes.keys().map(|name| (*name).to_owned()).collect());
    let numbers = numbers.unwrap_or_else(|| (0..classes.len() as u32).collect());
    classes.values_mut().zip(numbers).for_each(|(class, number)| *class = number);
    (classes, names)
}
