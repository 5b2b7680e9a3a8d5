//! Pascal VOC: one XML file per image.
//!
//! `size` and each object's `bndbox` are in pixels counted from 1, both ends inclusive. A file with a 0 among
//! its left or top sides counts from 0 and ends where the next pixel begins, as many tools write.

use std::ops::Range;

use super::ByImage;
use super::geometry::{Edges, Move};
use super::page::{Changes, Page, Stop, plausible, unclear};
use super::said::Said;
use super::text::shortest;
use super::words::{Meaning, meaning};
use crate::{BoundingBox, Size};

/// An element: its name, the place of all of it, and of what stands inside.
#[derive(Clone, Debug)]
struct Element<'a> {
    name: &'a str,
    whole: Range<usize>,
    inside: Range<usize>,
    depth: usize,
    has_children: bool,
}

const MAX_DEPTH: usize = 100;
const SIDES: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

/// The elements of an XML text, parents after their children.
fn elements(text: &str) -> Result<Vec<Element<'_>>, String> {
    let line = |at: usize| format!("line {}", super::text::line_of(text, at));
    let mut done: Vec<Element<'_>> = Vec::new();
    let mut open: Vec<Element<'_>> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|offset| at + offset) {
        let rest = &text[start..];
        let skipped = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")];
        if let Some((begin, end)) = skipped.iter().find(|(begin, _)| rest.starts_with(begin)) {
            let Some(length) = rest[begin.len()..].find(end) else {
                return Err(format!("{}: not XML", line(start)));
            };
            at = start + begin.len() + length + end.len();
            continue;
        }
        let Some(length) = rest.find('>') else { return Err(format!("{}: a tag has no end", line(start))) };
        at = start + length + 1;
        let tag = &rest[1..length];
        if let Some(name) = tag.strip_prefix('/') {
            let Some(mut element) = open.pop().filter(|element| element.name == name.trim()) else {
                return Err(format!("{}: </{name}> closes nothing", line(start)));
            };
            element.whole.end = at;
            element.inside.end = start;
            done.push(element);
        } else if !tag.ends_with('/') {
            if let Some(parent) = open.last_mut() {
                parent.has_children = true;
            }
            if open.len() > MAX_DEPTH {
                return Err(format!("{}: nested too deeply", line(start)));
            }
            let name = tag.split_whitespace().next().unwrap_or_default();
            open.push(Element {
                name,
                whole: start..at,
                inside: at..at,
                depth: open.len(),
                has_children: false,
            });
        }
    }
    if open.is_empty() { Ok(done) } else { Err("not XML: an element is not closed".to_owned()) }
}

/// One object: its class, its box as written, and the place of the whole.
struct Object {
    /// The class, as written.
    name: String,
    sides: [(f64, Range<usize>); 4],
    whole: Range<usize>,
}

struct Voc<'a> {
    /// Width and height of the image, each with its place.
    size: Option<[(f64, Range<usize>); 2]>,
    objects: Vec<Object>,
    is_from_zero: bool,
    all: Vec<Element<'a>>,
}

/// Reads a file; `None` if it is not of this format.
fn parsed<'a>(page: &Page<'a>) -> Result<Option<Voc<'a>>, String> {
    if !page.has_extension(&["xml"]) {
        return Ok(None);
    }
    let text = page.text;
    let all = elements(text)?;
    if all.last().is_none_or(|root| root.name != "annotation") {
        return Ok(None);
    }
    let inner = |outer: &Element<'_>, name: &str| {
        let is_inside = |element: &&Element<'a>| {
            element.name == name
                && outer.inside.start <= element.whole.start
                && element.whole.end <= outer.inside.end
        };
        all.iter().find(is_inside).map(|element| trimmed(text, &element.inside))
    };
    let number = |outer: &Element<'_>, name: &str| {
        let span = inner(outer, name)?;
        Some((text[span.clone()].parse().ok().and_then(plausible)?, span))
    };
    let size = all.iter().find(|element| element.name == "size" && element.depth == 1);
    let size = size.and_then(|size| Some([number(size, "width")?, number(size, "height")?]));
    let mut objects: Vec<Object> = Vec::new();
    for element in all.iter().filter(|element| element.name == "object" && element.depth == 1) {
        let inside = |other: &&Element<'_>| {
            other.name == "bndbox"
                && element.whole.start < other.whole.start
                && other.whole.end < element.whole.end
        };
        // A part of an object has a box of its own; the object's is the outermost.
        let Some(bndbox) = all.iter().filter(inside).min_by_key(|other| other.depth) else { continue };
        let sides: Option<Vec<_>> = SIDES.iter().map(|side| number(bndbox, side)).collect();
        let Some(Ok(sides)) = sides.map(TryInto::try_into) else {
            let line = page.line_of(bndbox.whole.start);
            return Err(format!("line {line}: \"bndbox\" lacks a number among xmin, ymin, xmax and ymax"));
        };
        // A part has a name of its own, too.
        let is_name = |other: &&Element<'_>| {
            other.name == "name"
                && element.whole.start < other.whole.start
                && other.whole.end < element.whole.end
        };
        let name = all.iter().filter(is_name).min_by_key(|other| other.depth);
        let name = name.map(|name| text[trimmed(text, &name.inside)].to_owned()).unwrap_or_default();
        objects.push(Object { name, sides, whole: element.whole.clone() });
    }
    let is_from_zero = objects.iter().any(|object| object.sides[0].0 < 0.5 || object.sides[1].0 < 0.5);
    Ok(Some(Voc { size, objects, is_from_zero, all }))
}

fn trimmed(text: &str, span: &Range<usize>) -> Range<usize> {
    let inner = &text[span.clone()];
    let start = span.start + inner.len() - inner.trim_start().len();
    start..start + inner.trim().len()
}

impl Voc<'_> {
    /// How far a first pixel's left edge is from its number.
    fn origin(&self) -> f64 {
        if self.is_from_zero { 0.0 } else { 1.0 }
    }

    fn edges(&self, object: &Object) -> Edges {
        let [left, top, right, bottom] = [0, 1, 2, 3].map(|side| object.sides[side].0);
        [left - self.origin(), top - self.origin(), right, bottom]
    }

    /// Refuses places that are not boxes: polygons, key points, oriented boxes.
    fn check(&self, page: &Page<'_>) -> Result<(), Stop> {
        let n_boxes = self.all.iter().filter(|element| element.name == "bndbox").count();
        if n_boxes != self.objects.len() {
            return unclear("it has boxes of parts");
        }
        let known = ["xmin", "ymin", "xmax", "ymax", "width", "height"];
        let unknown = self.all.iter().find(|element| {
            !element.has_children
                && !known.contains(&element.name)
                && meaning(element.name) == Meaning::Geometry
                && page.text[element.inside.clone()].trim().parse::<f64>().is_ok()
        });
        match unknown {
            Some(element) => {
                let line = page.line_of(element.whole.start);
                unclear(format!("line {line}: <{}> may be a place in the image", element.name))
            }
            None => Ok(()),
        }
    }
}

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let (Some(voc), Some(own)) = (parsed(page).map_err(Stop::Unclear)?, changes.of_owners(page)?) else {
        return Ok(false);
    };
    voc.check(page)?;
    if let Some([width, height]) = &voc.size {
        // Some tools leave the size 0.
        let (from, to) = (own.from(), own.to());
        let recorded = [width.0, height.0];
        if recorded != [0.0; 2] && recorded != [from.width as f64, from.height as f64] {
            let line = page.line_of(width.1.start);
            return unclear(format!("line {line}: it gives another size than the image's {from} pixels"));
        }
        for ((old, span), new) in [width, height].into_iter().zip([to.width, to.height]) {
            if *old != 0.0 {
                changes.number(page, span.clone(), new as f64);
            }
        }
    }
    for object in &voc.objects {
        follow_object(page, &voc, object, &own, changes);
    }
    Ok(true)
}

fn follow_object(page: &Page<'_>, voc: &Voc<'_>, object: &Object, own: &Move, changes: &mut Changes<'_>) {
    let Some([left, top, right, bottom]) = own.clipped(voc.edges(object)) else {
        changes.note("objects left the image and are dropped");
        let before = page.text[..object.whole.start].trim_end().len();
        changes.edits.remove(before..object.whole.end);
        return;
    };
    let new = [left + voc.origin(), top + voc.origin(), right, bottom];
    let is_whole = object.sides.iter().all(|(_, span)| !page.text[span.clone()].contains('.'));
    let width = if voc.is_from_zero { 1.0 } else { 0.0 };
    for (index, (_, span)) in object.sides.iter().enumerate() {
        // At least one pixel stays.
        let value = match (is_whole, index) {
            (false, _) => new[index],
            (true, 0 | 1) => new[index].round(),
            (true, _) => new[index].round().max(new[index - 2].round() + width),
        };
        if is_whole {
            changes.edits.replace(span.clone(), shortest(value, 0.0));
        } else {
            changes.number(page, span.clone(), value);
        }
    }
}

pub(super) fn read(page: &Page<'_>) -> Result<Option<ByImage>, String> {
    if page.owners.is_empty() {
        return Ok(None);
    }
    let Some(voc) = parsed(page)? else { return Ok(None) };
    let item = |object: &Object| {
        let [left, top, right, bottom] = voc.edges(object).map(|side| side as f32);
        (object.name.clone(), BoundingBox { min: [left, top], max: [right, bottom], class: 0 })
    };
    let boxes: Vec<_> = voc.objects.iter().map(item).collect();
    let side = |(number, _): &(f64, Range<usize>)| *number as usize;
    let frame = voc.size.as_ref().map(|[width, height]| Size { width: side(width), height: side(height) });
    let frame = frame.filter(|frame| frame.width > 0);
    Ok(Some(page.owners.iter().map(|owner| (*owner, Said::Named(boxes.clone(), frame))).collect()))
}
