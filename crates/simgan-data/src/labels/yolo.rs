//! Ultralytics' YOLO: one `.txt` beside each image, one object per line, all places as fractions of the
//! image's width and height.
//!
//! `class cx cy w h [confidence]`, `class x1 y1 x2 y2 …` (a polygon of at least three points), or
//! `class cx cy w h` and key points `x y` or `x y visibility`.

use std::ops::Range;

use super::ByImage;
use super::geometry::Move;
use super::page::{Changes, Page, Stop, unclear};
use super::said::{Said, keypoints};
use super::text::{lines, shortest};
use crate::{Annotation, Annotations, BoundingBox, Boxes, Class};

/// One line's numbers with their places; the class comes first.
struct Line {
    span: Range<usize>,
    numbers: Vec<(f64, Range<usize>)>,
}

/// What the lines of a file hold after the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A box, maybe with a confidence.
    Box,
    Polygon,
    /// A box and points of so many numbers.
    Pose(usize),
}

/// Fractions are written this exactly; an image of 16,384 pixels needs it.
const TOLERANCE: f64 = 1e-10;

/// Reads the lines of a file; `None` if it is of another format.
fn parsed(page: &Page<'_>) -> Option<Vec<Line>> {
    if !page.has_extension(&["txt"]) || page.owners.is_empty() {
        return None;
    }
    let filled = lines(page.text).filter(|span| !page.text[span.clone()].trim().is_empty());
    filled.map(|span| line(page.text, span)).collect()
}

fn line(text: &str, span: Range<usize>) -> Option<Line> {
    let mut at = span.start;
    let mut numbers = Vec::new();
    for part in text[span.clone()].split([' ', '\t']) {
        if !part.trim().is_empty() {
            numbers.push((part.parse::<f64>().ok()?, at..at + part.len()));
        }
        at += part.len() + 1;
    }
    let (class, rest) = numbers.split_first()?;
    let is_class = class.0.fract() == 0.0 && (0.0..=65535.0).contains(&class.0);
    // Tools round, and key points have a visibility of up to 2.
    let are_fractions = rest.iter().take(4).all(|(number, _)| (-0.01..=1.01).contains(number))
        && rest.iter().all(|(number, _)| (-0.01..=2.0).contains(number));
    (is_class && are_fractions && rest.len() >= 4).then_some(Line { span, numbers })
}

/// What the lines hold. Key points lie in their box, and all lines have as many; a polygon's first points are
/// hardly a box around the others.
fn kind(lines: &[Line]) -> Option<Kind> {
    let values = |line: &Line| line.numbers[1..].iter().map(|(number, _)| *number).collect::<Vec<_>>();
    let all: Vec<Vec<f64>> = lines.iter().map(values).collect();
    let n = all.first().map_or(4, Vec::len);
    let is_even = all.iter().all(|values| values.len() == n);
    let in_box = |values: &Vec<f64>, width: usize| {
        let [cx, cy, w, h] = [values[0], values[1], values[2], values[3]];
        values[4..].chunks_exact(width).all(|point| {
            let is_seen = width == 2 || point[2] > 0.0;
            let is_in = (point[0] - cx).abs() <= w / 2.0 + 0.01 && (point[1] - cy).abs() <= h / 2.0 + 0.01;
            !is_seen || is_in
        })
    };
    let is_visible =
        |values: &Vec<f64>| values[4..].chunks_exact(3).all(|point| [0.0, 1.0, 2.0].contains(&point[2]));
    if all.iter().all(|values| matches!(values.len(), 4 | 5)) {
        return Some(Kind::Box);
    }
    if is_even
        && n > 6
        && (n - 4).is_multiple_of(3)
        && all.iter().all(|values| is_visible(values) && in_box(values, 3))
    {
        return Some(Kind::Pose(3));
    }
    if is_even && n > 5 && n.is_multiple_of(2) && all.iter().all(|values| in_box(values, 2)) {
        return Some(Kind::Pose(2));
    }
    all.iter().all(|values| values.len() >= 6 && values.len() % 2 == 0).then_some(Kind::Polygon)
}

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let (Some(lines), Some(own)) = (parsed(page), changes.of_owners(page)?) else { return Ok(false) };
    if own.keeps_fractions() || lines.is_empty() {
        return Ok(true);
    }
    let Some(kind) = kind(&lines) else {
        return unclear("whether its lines hold boxes, polygons or key points is not known");
    };
    for line in &lines {
        let (places, values): (Vec<_>, Vec<_>) =
            line.numbers[1..].iter().map(|(number, span)| (span.clone(), *number)).unzip();
        let moved = match kind {
            Kind::Polygon => polygon(&values, &own)?,
            Kind::Box => boxed(&values, &own, usize::MAX, changes),
            Kind::Pose(width) => boxed(&values, &own, width, changes),
        };
        if moved.is_empty() {
            changes.note("objects left the image and are dropped");
            // The line end goes too.
            let end =
                page.text[line.span.end..].find('\n').map_or(page.text.len(), |at| line.span.end + at + 1);
            changes.edits.remove(line.span.start..end);
        } else if moved.len() == values.len() {
            let numbers = places.into_iter().zip(moved);
            numbers.for_each(|(span, value)| changes.edits.number(page.text, span, value, TOLERANCE));
        } else {
            let numbers = moved.into_iter().map(|value| shortest(value, TOLERANCE)).collect::<Vec<_>>();
            changes.edits.replace(places[0].start..line.span.end, numbers.join(" "));
        }
    }
    Ok(true)
}

fn to_pixels(own: &Move, [x, y]: [f64; 2]) -> [f64; 2] {
    [x * own.from().width as f64, y * own.from().height as f64]
}

fn to_fractions(own: &Move, [x, y]: [f64; 2]) -> [f64; 2] {
    [x / own.to().width as f64, y / own.to().height as f64]
}

/// Moves a polygon; empty if it left the image.
fn polygon(values: &[f64], own: &Move) -> Result<Vec<f64>, Stop> {
    let (points, _) = values.as_chunks::<2>();
    let pixels: Vec<_> = points.iter().map(|point| to_pixels(own, *point)).collect();
    let moved = own.polygon(&pixels);
    if points.len() == 4 && moved.len() > 4 {
        return unclear("a crop cuts a shape of four corners, which may be an oriented box");
    }
    Ok(moved.into_iter().flat_map(|point| to_fractions(own, point)).collect())
}

/// Moves a box and the points of `width` numbers behind it; empty if the box left the image.
fn boxed(values: &[f64], own: &Move, width: usize, changes: &mut Changes<'_>) -> Vec<f64> {
    let [cx, cy, w, h] = [values[0], values[1], values[2], values[3]];
    let ([left, top], [right, bottom]) =
        (to_pixels(own, [cx - w / 2.0, cy - h / 2.0]), to_pixels(own, [cx + w / 2.0, cy + h / 2.0]));
    let Some([left, top, right, bottom]) = own.clipped([left, top, right, bottom]) else { return Vec::new() };
    let centre = to_fractions(own, [(left + right) / 2.0, (top + bottom) / 2.0]);
    let extent = to_fractions(own, [right - left, bottom - top]);
    let mut moved = [centre, extent].concat();
    for point in values[4..].chunks(width) {
        match point {
            [x, y, rest @ ..] if rest.first() != Some(&0.0) => {
                let place = own.point(to_pixels(own, [*x, *y]));
                let is_inside = own.is_inside(place);
                if !is_inside {
                    changes.note("key points left the image and are unlabelled");
                }
                moved.extend(if is_inside { to_fractions(own, place) } else { [0.0; 2] });
                moved.extend(rest.iter().map(|seen| if is_inside { *seen } else { 0.0 }));
            }
            // A confidence, or a point without a label.
            other => moved.extend(other),
        }
    }
    moved
}

pub(super) fn read(page: &Page<'_>) -> Result<Option<ByImage>, String> {
    let Some(lines) = parsed(page) else { return Ok(None) };
    let Some(kind) = kind(&lines) else { return Ok(None) };
    let (mut boxes, mut points) = (Vec::new(), Vec::new());
    for line in &lines {
        let class = line.numbers[0].0 as u16;
        let values: Vec<f64> = line.numbers[1..].iter().map(|(number, _)| *number).collect();
        boxes.push(bounds(&values, kind, class));
        if let Kind::Pose(width) = kind {
            let point = |point: &[f64]| [point[0], point[1], point.get(2).copied().unwrap_or(2.0)];
            points.push(values[4..].chunks_exact(width).map(point).collect::<Vec<_>>());
        }
    }
    let mut all = Annotations::new();
    if let [only] = boxes[..] {
        all.insert("class".into(), Class(only.class.into()).into());
    }
    if let Some(points) = keypoints(&points) {
        all.insert("keypoints".into(), points);
    }
    all.insert("boxes".into(), Annotation::Boxes(Boxes(boxes)));
    Ok(Some(page.owners.iter().map(|owner| (*owner, Said::Fractions(all.clone()))).collect()))
}

/// The box of an object, as fractions; of a polygon, the box around it.
fn bounds(values: &[f64], kind: Kind, class: u16) -> BoundingBox {
    if kind == Kind::Polygon {
        let (points, _) = values.as_chunks::<2>();
        let side = |axis: usize, pick: fn(f64, f64) -> f64| points.iter().map(|p| p[axis]).reduce(pick);
        let corner = |pick| [0, 1].map(|axis| side(axis, pick).unwrap_or(0.0) as f32);
        return BoundingBox { min: corner(f64::min), max: corner(f64::max), class };
    }
    let [cx, cy, w, h] = [values[0], values[1], values[2], values[3]];
    let min = [(cx - w / 2.0) as f32, (cy - h / 2.0) as f32];
    BoundingBox { min, max: [(cx + w / 2.0) as f32, (cy + h / 2.0) as f32], class }
}
