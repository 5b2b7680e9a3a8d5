//! JSON records: one object per image, beside it or in an index file by the image's name.
//!
//! The fields are those of [`annotations_from_record`](crate::annotations_from_record). Index files are
//! `{"a.png": {…}}`, `[{"file": "a.png", …}]`, or lines of such objects (`metadata.jsonl`).

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::ByImage;
use super::geometry::Move;
use super::json::{Json, View};
use super::page::{Changes, Page, Stop, coordinates, plausible, unclear};
use super::plain;
use super::said::{Said, parse};
use super::text::lines;
use crate::record::{OTHERS, POINT_FIELDS};
use crate::{Annotation, Direction};

/// Fields that name the image of a record in an index file.
pub(super) const NAME_FIELDS: [&str; 9] =
    ["file_name", "filename", "file", "image", "image_path", "img", "img_path", "path", "name"];
/// UnityEyes' fields without places in the image.
const UNITYEYES: [&str; 3] = ["lighting_details", "eye_region_details", "head_pose"];
/// Fields of an image's size.
const SIZES: [[&str; 2]; 3] =
    [["width", "height"], ["image_width", "image_height"], ["imageWidth", "imageHeight"]];

/// Rewrites the record beside an image.
pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let (Some(own), Some(root)) = (changes.of_owners(page)?, page.json().map_err(Stop::Unclear)?) else {
        return Ok(false);
    };
    if root.is_object() {
        follow_record(page, root, &own, changes)?;
    }
    Ok(root.is_object())
}

/// Rewrites the records of an index file.
pub(super) fn follow_index(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    if !page.owners.is_empty() {
        return Ok(false);
    }
    if page.has_extension(&["jsonl", "ndjson"]) {
        return follow_lines(page, changes);
    }
    let Some(root) = page.json().map_err(Stop::Unclear)? else { return Ok(false) };
    let records = records(page, root);
    for (image, record) in &records {
        let own = changes.of_image(*image)?;
        follow_record(page, *record, &own, changes)?;
    }
    // What else the file holds must not be about images.
    let starts: BTreeSet<usize> = records.iter().map(|(_, record)| record.span().start).collect();
    let others = |value: &View<'_>| !starts.contains(&value.span().start);
    if !records.is_empty() {
        let members = root.members().map(|(_, value)| value).chain(root.items());
        members.filter(others).try_for_each(|value| plain::check(value, "", false, true))?;
    }
    Ok(!records.is_empty())
}

/// Rewrites an index file of one record per line. It is one part of the text after another that is parsed,
/// but the whole text that is edited.
fn follow_lines(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    for span in lines(page.text).filter(|span| !page.text[span.clone()].trim().is_empty()) {
        let line = page.line_of(span.start);
        let text = &page.text[span.clone()];
        let json = Json::parse(text).map_err(|reason| Stop::Unclear(format!("line {line}: {reason}")))?;
        let Some(image) = name_of(json.root()).and_then(|name| page.find(&name)) else {
            plain::check(json.root(), "", false, true)?;
            continue;
        };
        let own = changes.of_image(image)?;
        let part = Page::new(page.path, page.images, page.owners, text).with_apart(page.apart);
        changes.nested(span.start, |inner| follow_record(&part, json.root(), &own, inner)).map_err(
            |stop| match stop {
                Stop::Unclear(reason) => Stop::Unclear(reason.replacen("line 1", &format!("line {line}"), 1)),
                stop => stop,
            },
        )?;
    }
    Ok(true)
}

/// The records of an index file with their images.
fn records<'a>(page: &Page<'_>, root: View<'a>) -> Vec<(usize, View<'a>)> {
    let by_key = root.members().filter_map(|(name, value)| Some((page.find(&name)?, value)));
    let by_field = root.items().filter_map(|item| Some((page.find(&name_of(item)?)?, item)));
    by_key.chain(by_field).filter(|(_, record)| record.is_object()).collect()
}

fn name_of(record: View<'_>) -> Option<String> {
    NAME_FIELDS.iter().find_map(|field| Some(record.get(field)?.string()?.into_owned()))
}

/// Rewrites one record.
fn follow_record(
    page: &Page<'_>,
    record: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    if own.is_identity() {
        return Ok(());
    }
    let mut done = vec!["source_record"];
    for [width, height] in SIZES {
        if let Some(size) = record.get(width).zip(record.get(height)) {
            changes.size(page, size.into(), own)?;
            done.extend([width, height]);
        }
    }
    for (_, field) in POINT_FIELDS {
        let Some(points) = record.get(field) else { continue };
        if !points.is_list() {
            return unclear(format!("line {}: \"{field}\" is not a list of points", points.line()));
        }
        points.items().try_for_each(|point| follow_point(page, point, field, own, changes))?;
        done.push(field);
    }
    if let Some(eye) = record.get("eye_details") {
        if let Some(look) = eye.get("look_vec") {
            follow_direction(page, look, "look_vec", own, changes)?;
        }
        done.push("eye_details");
        done.extend(UNITYEYES);
        if own.is_turned() && record.get("head_pose").is_some() {
            return unclear("UnityEyes' \"head_pose\" in a turned image is not known");
        }
    }
    for (field, follow) in
        [("look_vec", follow_direction as Vectors), ("gaze", follow_direction), ("head_pose", follow_pose)]
    {
        let value = record.get(field).filter(|value| !done.contains(&field) && value.is_list());
        if let Some(value) = value {
            follow(page, value, field, own, changes)?;
            done.push(field);
        }
    }
    if let Some(others) = record.get(OTHERS).filter(|others| others.is_object()) {
        others.members().try_for_each(|(name, value)| follow_annotation(page, &name, value, own, changes))?;
        done.push(OTHERS);
    }
    let others = record.members().filter(|(name, _)| !done.contains(&&**name));
    others.into_iter().try_for_each(|(name, value)| plain::check(value, &name, false, own.is_turned()))
}

type Vectors = fn(&Page<'_>, View<'_>, &str, &Move, &mut Changes<'_>) -> Result<(), Stop>;

/// The numbers of `[1, 2]` or `"(1, 2)"`, each with its place.
fn places(view: View<'_>, field: &str) -> Result<Vec<(f64, Range<usize>)>, Stop> {
    let Some(text) = view.string().filter(|_| !view.raw().contains('\\')) else {
        return Ok(coordinates(view, field)?
            .into_iter()
            .map(|(number, view)| (number, view.span()))
            .collect());
    };
    let inner = text.trim_matches(|character: char| character == '(' || character == ')' || character == ' ');
    let mut start = view.span().start + view.raw().find(inner).unwrap_or(1);
    let mut all = Vec::new();
    for part in inner.split(',') {
        let from = start + part.len() - part.trim_start().len();
        let number = part.trim().parse::<f64>().ok().and_then(plausible);
        let Some(number) = number else {
            return unclear(format!("line {}: \"{field}\" does not hold numbers", view.line()));
        };
        all.push((number, from..from + part.trim().len()));
        start += part.len() + 1;
    }
    Ok(all)
}

/// Moves a point whose y counts from the bottom edge.
fn follow_point(
    page: &Page<'_>,
    point: View<'_>,
    field: &str,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    match &places(point, field)?[..] {
        [x, y] | [x, y, _] => {
            changes.note_outside([x.0, own.from().height as f64 - y.0], own);
            let moved = own.bottom_up([x.0, y.0]);
            changes.number(page, x.1.clone(), moved[0]);
            changes.number(page, y.1.clone(), moved[1]);
            Ok(())
        }
        _ => unclear(format!("line {}: \"{field}\" is not a list of points", point.line())),
    }
}

/// Rotates and mirrors `look_vec` (y up), a gaze (y down), or a gaze of pitch and yaw.
fn follow_direction(
    page: &Page<'_>,
    value: View<'_>,
    field: &str,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    if !own.is_turned() {
        return Ok(());
    }
    let all = places(value, field)?;
    let numbers: Vec<f32> = all.iter().map(|(number, _)| *number as f32).collect();
    let up = if field == "look_vec" { -1.0 } else { 1.0 };
    let moved = match numbers[..] {
        [pitch, yaw] => {
            own.direction(Direction::from_pitch_yaw(pitch, yaw)).map(|own| vec![own.pitch(), own.yaw()])
        }
        [x, y, z] | [x, y, z, _] => {
            let [x, y, z] = own.vector([x, up * y, z]);
            Some(vec![x, up * y, z])
        }
        _ => None,
    };
    let Some(moved) = moved else {
        return unclear(format!("line {}: \"{field}\" is not a direction", value.line()));
    };
    write_vector(page, &all, &moved, changes);
    Ok(())
}

/// Rotates and mirrors a rotation vector, or a head's direction of pitch and yaw.
fn follow_pose(
    page: &Page<'_>,
    value: View<'_>,
    field: &str,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    let all = places(value, field)?;
    match (all.len(), own.is_turned()) {
        (_, false) => Ok(()),
        (2, true) => follow_direction(page, value, field, own, changes),
        (3, true) => {
            let numbers = [0, 1, 2].map(|axis| all[axis].0 as f32);
            // A mirror reverses the sense of a rotation.
            let sign = if own.orientation().is_reflection() { -1.0 } else { 1.0 };
            write_vector(page, &all, &own.vector(numbers).map(|number| sign * number), changes);
            Ok(())
        }
        _ => unclear(format!("line {}: \"{field}\" is no rotation vector", value.line())),
    }
}

fn write_vector(page: &Page<'_>, all: &[(f64, Range<usize>)], moved: &[f32], changes: &mut Changes<'_>) {
    for ((_, span), value) in all.iter().zip(moved) {
        // Beyond f32's digits, what a number had stays.
        changes.edits.number(page.text, span.clone(), f64::from(*value), 1e-7);
    }
}

/// Moves an entry of `annotations`, an object whose one field names its kind.
fn follow_annotation(
    page: &Page<'_>,
    name: &str,
    value: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    let members: Vec<_> = value.members().collect();
    let (kind, content) = match &members[..] {
        [(kind, content)] => (&**kind, *content),
        _ => return plain::check(value, name, false, own.is_turned()),
    };
    match kind {
        "points" => content.items().try_for_each(|point| {
            let (numbers, views) = super::page::coordinates_of::<2>(point, name)?;
            changes.note_outside(numbers, own);
            changes.numbers(page, views, own.point(numbers));
            Ok(())
        }),
        "boxes" => content.items().try_for_each(|item| {
            let ([left, top, right, bottom, _], views) = super::page::coordinates_of::<5>(item, name)?;
            let moved = own.edges([left, top, right, bottom]);
            if !own.is_whole() && own.clipped([left, top, right, bottom]) != Some(moved) {
                changes.note("boxes reach beyond the cropped image");
            }
            changes.numbers(page, views, moved);
            Ok(())
        }),
        "class" | "scalars" => Ok(()),
        "direction" => follow_direction(page, content, name, own, changes),
        "rotation" => follow_pose(page, content, name, own, changes),
        "vector" if !own.is_turned() => Ok(()),
        "mask" => follow_mask(name, value, content, own, changes),
        _ => plain::check(value, name, false, own.is_turned()),
    }
}

fn follow_mask(
    name: &str,
    value: View<'_>,
    content: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    let bad = |reason: &str| unclear(format!("line {}: \"{name}\": {reason}", value.line()));
    let Some(Ok(Annotation::Mask(mask))) = Annotation::from_json(&value.to_value()) else {
        return bad("it is no mask");
    };
    match own.annotation(&mask.into()) {
        Ok(moved) => {
            let new = moved.to_json();
            changes.edits.replace(content.span(), new.get("mask").unwrap_or(&Value::Null).to_string());
            Ok(())
        }
        Err(reason) => bad(&reason),
    }
}

/// Reads the record beside an image.
pub(super) fn read(page: &Page<'_>) -> Result<Option<ByImage>, String> {
    let Some(image) = page.owners.first().filter(|_| page.has_extension(&["json"])) else { return Ok(None) };
    Ok(Some(vec![(*image, Said::Record(parse(page.text)?, String::new()))]))
}

/// Reads the records of an index file.
pub(super) fn read_index(page: &Page<'_>) -> Result<Option<ByImage>, String> {
    if !page.owners.is_empty() {
        return Ok(None);
    }
    if page.has_extension(&["jsonl", "ndjson"]) {
        return read_lines(page).map(Some);
    }
    let Some(root) = page.json()? else { return Ok(None) };
    let said = |(image, record): (usize, View<'_>)| {
        (image, Said::Record(record.to_value(), format!("line {}: ", page.line_of(record.span().start))))
    };
    let records = records(page, root);
    Ok((!records.is_empty()).then(|| records.into_iter().map(said).collect()))
}

fn read_lines(page: &Page<'_>) -> Result<ByImage, String> {
    let mut all = Vec::new();
    for span in lines(page.text).filter(|span| !page.text[span.clone()].trim().is_empty()) {
        let place = format!("line {}: ", page.line_of(span.start));
        let json = Json::parse(&page.text[span]).map_err(|reason| format!("{place}{reason}"))?;
        if let Some(image) = name_of(json.root()).and_then(|name| page.find(&name)) {
            all.push((image, Said::Record(json.root().to_value(), place)));
        }
    }
    Ok(all)
}
