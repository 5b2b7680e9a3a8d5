//! Unity Perception's SOLO: a JSON file per frame, with one capture per camera.
//!
//! Boxes have `origin` and `dimension`, key points a `location`, all in pixels from the top left corner.

use super::geometry::Move;
use super::json::View;
use super::page::{Changes, Page, Stop, coordinates_of, unclear};
use super::plain;

/// Fields of a capture in space.
const IN_SPACE: [&str; 5] = ["position", "rotation", "velocity", "acceleration", "projection"];

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let Some(root) = page.json().map_err(Stop::Unclear)? else { return Ok(false) };
    let captures = root.get("captures").filter(|captures| captures.is_list());
    let Some(captures) = captures.filter(|_| root.get("frame").is_some()) else { return Ok(false) };
    for capture in captures.items() {
        let name = capture.get("filename").and_then(View::string).unwrap_or_default();
        let Some(image) = page.find(&name) else {
            changes.note("captures are not among the images");
            continue;
        };
        let own = changes.of_image(image)?;
        if own.is_turned() {
            return unclear("its places in space are not known in a turned image");
        }
        follow_capture(page, capture, &own, changes)?;
    }
    Ok(true)
}

fn follow_capture(
    page: &Page<'_>,
    capture: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    for (name, value) in capture.members() {
        match &*name {
            "dimension" => dimension(page, value, own, changes)?,
            "annotations" => {
                value.items().try_for_each(|annotation| follow_annotation(page, annotation, own, changes))?;
            }
            // It projects to −1..1, whatever the number of pixels.
            "matrix" if own.keeps_fractions() && keeps_aspect(own) => {}
            "matrix" => {
                return unclear(format!("line {}: \"matrix\" of a cropped or stretched image", value.line()));
            }
            name if IN_SPACE.contains(&name) => {}
            name => plain::check(value, name, false, false)?,
        }
    }
    Ok(())
}

fn keeps_aspect(own: &Move) -> bool {
    let [width, height] = own.extent([1.0, 1.0]);
    (width / height - 1.0).abs() < 0.01
}

fn dimension(page: &Page<'_>, value: View<'_>, own: &Move, changes: &mut Changes<'_>) -> Result<(), Stop> {
    let (_, size) = coordinates_of::<2>(value, "dimension")?;
    changes.size(page, size, own)
}

fn follow_annotation(
    page: &Page<'_>,
    annotation: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<(), Stop> {
    let kind = annotation.get("@type").and_then(View::string).unwrap_or_default();
    let values = annotation.get("values");
    match kind.rsplit('.').next().unwrap_or_default() {
        "BoundingBox2DAnnotation" => match values {
            Some(values) => boxes(page, values, own, changes),
            None => Ok(()),
        },
        "KeypointAnnotation" => {
            let values = values.into_iter().flat_map(View::items);
            let points = values.filter_map(|value| value.get("keypoints")).flat_map(View::items);
            points.into_iter().try_for_each(|point| keypoint(page, point, own, changes))
        }
        "SemanticSegmentationAnnotation"
        | "InstanceSegmentationAnnotation"
        | "DepthAnnotation"
        | "NormalAnnotation" => {
            annotation.get("dimension").map_or(Ok(()), |size| dimension(page, size, own, changes))
        }
        "BoundingBox3DAnnotation" => Ok(()),
        _ => plain::check(annotation, &kind, false, false),
    }
}

fn boxes(page: &Page<'_>, values: View<'_>, own: &Move, changes: &mut Changes<'_>) -> Result<(), Stop> {
    let mut keep = vec![true; values.n_items()];
    for (value, keep) in values.items().zip(&mut keep) {
        let Some((origin, dimension)) = value.get("origin").zip(value.get("dimension")) else {
            return unclear(format!("line {}: a box has no \"origin\" and \"dimension\"", value.line()));
        };
        let ([x, y], origin) = coordinates_of(origin, "origin")?;
        let ([width, height], dimension) = coordinates_of(dimension, "dimension")?;
        match own.clipped([x, y, x + width, y + height]) {
            Some([left, top, right, bottom]) => {
                changes.numbers(page, origin, [left, top]);
                changes.numbers(page, dimension, [right - left, bottom - top]);
            }
            None => {
                *keep = false;
                changes.note("boxes left the image and are dropped");
            }
        }
    }
    values.retain(&mut changes.edits, |index| keep[index]);
    Ok(())
}

/// Moves a key point; one that left the image gets state 0, not in the image.
fn keypoint(page: &Page<'_>, point: View<'_>, own: &Move, changes: &mut Changes<'_>) -> Result<(), Stop> {
    let (Some(location), state) = (point.get("location"), point.get("state")) else { return Ok(()) };
    let (place, views) = coordinates_of::<2>(location, "location")?;
    if state.and_then(View::number) == Some(0.0) {
        return Ok(());
    }
    let moved = own.point(place);
    if own.is_whole() || own.is_inside(moved) {
        changes.numbers(page, views, moved);
    } else {
        changes.note("key points left the image");
        changes.numbers(page, views.into_iter().chain(state), [0.0; 3]);
    }
    Ok(())
}
