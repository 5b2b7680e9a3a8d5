//! COCO: one JSON file with `images`, `annotations` and `categories`.
//!
//! Boxes `[x, y, width, height]` and polygons are in pixels from the top left corner; key points
//! `[x, y, visibility]` are pixel indices (a centre is at +½), as detectron2 reads them.

use std::collections::BTreeMap;

use super::ByImage;
use super::geometry::{Edges, Move, area};
use super::json::View;
use super::page::{Changes, Page, Stop, coordinates, coordinates_of, unclear};
use super::said::{Said, keypoints};
use super::{plain, rle};
use crate::{Annotations, BoundingBox, Boxes, Class, ClassNames, Size};

const IMAGE_FIELDS: [&str; 4] = ["id", "file_name", "width", "height"];
const ANNOTATION_FIELDS: [&str; 11] = [
    "id",
    "image_id",
    "category_id",
    "bbox",
    "segmentation",
    "keypoints",
    "num_keypoints",
    "area",
    "iscrowd",
    "width",
    "height",
];
const OTHER_FIELDS: [&str; 5] = ["images", "annotations", "categories", "info", "licenses"];

/// The lists `images` and `annotations`; `None` if the value is not a COCO file.
fn lists<'a>(page: &'a Page<'_>) -> Result<Option<(View<'a>, View<'a>, View<'a>)>, String> {
    let Some(root) = page.json()? else { return Ok(None) };
    let list = |name| root.get(name).filter(|value| value.is_list());
    Ok(list("images").zip(list("annotations")).map(|(images, annotations)| (root, images, annotations)))
}

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let Some((root, images, annotations)) = lists(page).map_err(Stop::Unclear)? else { return Ok(false) };
    let moves = moves(page, images, changes)?;
    if moves.is_empty() && images.n_items() > 0 {
        return unclear("none of its images is in the folder");
    }
    let mut keep = vec![true; annotations.n_items()];
    for (annotation, keep) in annotations.items().zip(&mut keep) {
        let image = annotation.get("image_id").map(View::raw);
        if let Some(own) = image.and_then(|image| moves.get(image)) {
            others(annotation, &ANNOTATION_FIELDS, own)?;
            // BlenderProc repeats the image's size.
            if let Some(size) = annotation.get("width").zip(annotation.get("height")) {
                changes.size(page, size.into(), own)?;
            }
            *keep = follow_annotation(page, annotation, own, changes)?;
        }
    }
    annotations.retain(&mut changes.edits, |index| keep[index]);
    let is_turned = moves.values().any(Move::is_turned);
    for (name, value) in root.members().filter(|(name, _)| !OTHER_FIELDS.contains(&&**name)) {
        plain::check(value, &name, false, is_turned)?;
    }
    Ok(true)
}

/// How each image moved, by its id as written; the recorded sizes follow.
fn moves<'a>(
    page: &Page<'_>,
    images: View<'a>,
    changes: &mut Changes<'_>,
) -> Result<BTreeMap<&'a str, Move>, Stop> {
    let mut moves = BTreeMap::new();
    for image in images.items() {
        let (id, name) = (image.get("id"), image.get("file_name").and_then(View::string));
        let Some((id, name)) = id.zip(name) else {
            return unclear(format!("line {}: an image has no \"id\" or \"file_name\"", image.line()));
        };
        let Some(index) = page.find(&name) else {
            changes.note("images of the list are not in the folder");
            continue;
        };
        let own = changes.of_image(index)?;
        if let Some(size) = image.get("width").zip(image.get("height")) {
            changes.size(page, size.into(), &own)?;
        }
        others(image, &IMAGE_FIELDS, &own)?;
        moves.insert(id.raw(), own);
    }
    Ok(moves)
}

/// Refuses fields beside the known ones that may hold places in the image.
fn others(object: View<'_>, known: &[&str], own: &Move) -> Result<(), Stop> {
    let mut others = object.members().filter(|(name, _)| !known.contains(&&**name));
    others.try_for_each(|(name, value)| plain::check(value, &name, false, own.is_turned()))
}

/// Moves one annotation; false if it left the image.
fn follow_annotation(
    page: &Page<'_>,
    annotation: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<bool, Stop> {
    let field = |name| annotation.get(name).filter(|value| value.raw() != "null");
    let mut share = 1.0;
    if let Some(bbox) = field("bbox").filter(|bbox| bbox.n_items() > 0) {
        let ([x, y, width, height], views) = coordinates_of(bbox, "bbox")?;
        let edges = [x, y, x + width, y + height];
        let Some(clipped) = own.clipped(edges) else {
            changes.note("annotations left the image and are dropped");
            return Ok(false);
        };
        share = extent(clipped) / extent(own.edges(edges));
        let [left, top, right, bottom] = clipped;
        changes.numbers(page, views, [left, top, right - left, bottom - top]);
    }
    let drawn = match field("segmentation") {
        Some(segmentation) => follow_segmentation(page, segmentation, own, changes)?,
        None => None,
    };
    if let Some(points) = field("keypoints") {
        let visible = follow_keypoints(page, points, own, changes)?;
        if let Some(count) = field("num_keypoints") {
            changes.number(page, count.span(), visible as f64);
        }
    }
    if let Some((old, view)) = field("area").and_then(|view| Some((view.number()?, view))) {
        let share = if share.is_finite() { share } else { 1.0 };
        let estimate = old * own.area_factor() * share;
        changes.number(page, view.span(), drawn.unwrap_or(estimate));
    }
    Ok(true)
}

fn extent([left, top, right, bottom]: Edges) -> f64 {
    (right - left) * (bottom - top)
}

/// Moves polygons or a run-length mask. Returns its new area if a crop can have changed it.
fn follow_segmentation(
    page: &Page<'_>,
    segmentation: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<Option<f64>, Stop> {
    if segmentation.is_object() {
        return rle::follow(segmentation, own, changes).map(Some);
    }
    let mut total = 0.0;
    let mut keep = Vec::new();
    for polygon in segmentation.items() {
        let (numbers, views): (Vec<_>, Vec<_>) = coordinates(polygon, "segmentation")?.into_iter().unzip();
        let (points, odd) = numbers.as_chunks::<2>();
        if !odd.is_empty() {
            return unclear(format!("line {}: \"segmentation\" has half a point", polygon.line()));
        }
        let moved = own.polygon(points);
        total += area(&moved);
        keep.push(!moved.is_empty());
        if moved.len() == points.len() {
            changes.numbers(page, views, moved.into_iter().flatten());
        } else if !moved.is_empty() {
            let numbers = moved.iter().flatten().map(|value| super::text::shortest(*value, 1e-6));
            let list = numbers.collect::<Vec<_>>().join(", ");
            changes.edits.replace(polygon.span(), format!("[{list}]"));
        }
    }
    if keep.iter().any(|keep| !keep) {
        segmentation.retain(&mut changes.edits, |index| keep[index]);
        changes.note("polygons left the image and are dropped");
    }
    Ok((!own.is_whole()).then_some(total))
}

/// Moves key points; those that left the image become unlabelled. Returns the number of labelled ones.
fn follow_keypoints(
    page: &Page<'_>,
    points: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<usize, Stop> {
    let all = coordinates(points, "keypoints")?;
    let (points, odd) = all.as_chunks::<3>();
    if !odd.is_empty() {
        return unclear(format!("line {}: \"keypoints\" are not triples", odd[0].1.line()));
    }
    let mut visible = 0;
    for [x, y, v] in points.iter().filter(|point| point[2].0 > 0.0) {
        let moved = own.index([x.0, y.0]);
        let is_inside = own.is_whole() || own.is_inside(moved.map(|index| index + 0.5));
        visible += usize::from(is_inside);
        let values = if is_inside { [moved[0], moved[1], v.0] } else { [0.0; 3] };
        if !is_inside {
            changes.note("key points left the image and are unlabelled");
        }
        changes.numbers(page, [x.1, y.1, v.1], values);
    }
    Ok(visible)
}

pub(super) fn read(page: &Page<'_>) -> Result<Option<ByImage>, String> {
    let Some((root, images, annotations)) = lists(page)? else { return Ok(None) };
    let (classes, names) = (classes(root), class_names(root));
    let mut said: BTreeMap<&str, (usize, Objects, Option<Size>)> = BTreeMap::new();
    for image in images.items() {
        let name = image.get("file_name").and_then(View::string);
        let found = name.and_then(|name| page.find(&name)).zip(image.get("id"));
        if let Some((index, id)) = found {
            let side = |name| image.get(name)?.number().map(|number| number as usize);
            let frame = side("width").zip(side("height")).map(|(width, height)| Size { width, height });
            said.insert(id.raw(), (index, Objects::default(), frame));
        }
    }
    for annotation in annotations.items() {
        let image = annotation.get("image_id").map(View::raw);
        if let Some((_, objects, _)) = image.and_then(|image| said.get_mut(image)) {
            objects.add(annotation, &classes)?;
        }
    }
    let said = said
        .into_values()
        .map(|(index, objects, frame)| (index, Said::known(objects.said(), frame).classed(names.as_ref())));
    Ok(Some(said.collect()))
}

/// The class of each category, from 0, in the order of the list, by its id as written.
fn classes(root: View<'_>) -> BTreeMap<&str, u16> {
    let categories = root.get("categories").into_iter().flat_map(View::items);
    categories.filter_map(|category| category.get("id")).map(View::raw).zip(0..).collect()
}

/// The name of each category, if all have one.
fn class_names(root: View<'_>) -> Option<ClassNames> {
    let categories = root.get("categories").into_iter().flat_map(View::items);
    let named = categories.filter(|category| category.get("id").is_some());
    let name = |category: View<'_>| Some(category.get("name")?.string()?.into_owned());
    let names: Option<ClassNames> = named.map(name).collect();
    names.filter(|names| !names.is_empty())
}

/// The objects of one image.
#[derive(Default)]
struct Objects {
    boxes: Vec<BoundingBox>,
    classes: Vec<u16>,
    /// The key points of each object that has some: position and visibility.
    points: Vec<Vec<[f64; 3]>>,
}

impl Objects {
    fn add(&mut self, annotation: View<'_>, classes: &BTreeMap<&str, u16>) -> Result<(), String> {
        let class = annotation.get("category_id").and_then(|id| classes.get(id.raw())).copied().unwrap_or(0);
        self.classes.push(class);
        if let Some(bbox) = annotation.get("bbox").filter(|bbox| bbox.n_items() > 0) {
            let ([x, y, width, height], _) = coordinates_of(bbox, "bbox").map_err(reason)?;
            let min = [x as f32, y as f32];
            self.boxes.push(BoundingBox { min, max: [(x + width) as f32, (y + height) as f32], class });
        }
        if let Some(points) = annotation.get("keypoints").filter(|points| points.n_items() > 0) {
            let numbers: Vec<f64> =
                coordinates(points, "keypoints").map_err(reason)?.iter().map(|(number, _)| *number).collect();
            let (points, odd) = numbers.as_chunks::<3>();
            if !odd.is_empty() {
                return Err(format!("line {}: \"keypoints\" are not triples", annotation.line()));
            }
            self.points.push(points.iter().map(|[x, y, v]| [x + 0.5, y + 0.5, *v]).collect());
        }
        Ok(())
    }

    fn said(self) -> Annotations {
        let mut all = Annotations::new();
        if !self.boxes.is_empty() {
            all.insert("boxes".into(), Boxes(self.boxes).into());
        }
        if let [class] = self.classes[..] {
            all.insert("class".into(), Class(class.into()).into());
        }
        if let Some(points) = keypoints(&self.points) {
            all.insert("keypoints".into(), points);
        }
        all
    }
}

/// What a [`Stop`] says, where nothing moves.
fn reason(stop: Stop) -> String {
    match stop {
        Stop::Unclear(reason) => reason,
        Stop::Failed(error) => error.to_string(),
    }
}
