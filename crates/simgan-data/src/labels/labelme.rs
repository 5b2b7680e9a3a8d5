//! LabelMe: one JSON file beside each image, with `shapes` of points in pixels from the top left corner.

use super::geometry::Move;
use super::json::View;
use super::page::{Changes, Page, Stop, coordinates_of, unclear};

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let (Some(own), Some(root)) = (changes.of_owners(page)?, page.json().map_err(Stop::Unclear)?) else {
        return Ok(false);
    };
    let shapes = root.get("shapes").filter(|shapes| shapes.is_list());
    let Some((shapes, _)) = shapes.zip(root.get("imagePath")) else { return Ok(false) };
    if let Some(size) = root.get("imageWidth").zip(root.get("imageHeight")) {
        changes.size(page, size.into(), &own)?;
    }
    let mut keep = vec![true; shapes.n_items()];
    for (shape, keep) in shapes.items().zip(&mut keep) {
        *keep = follow_shape(page, shape, &own, changes)?;
    }
    shapes.retain(&mut changes.edits, |index| keep[index]);
    if let Some(data) = root.get("imageData").filter(|data| data.raw() != "null") {
        // LabelMe then reads the file at `imagePath`.
        changes.edits.replace(data.span(), "null".to_owned());
        changes.note("copies of the image in its label file are left out");
    }
    Ok(true)
}

/// Moves one shape; false if all of it left the image. Shapes are not clipped: their points have a meaning.
fn follow_shape(
    page: &Page<'_>,
    shape: View<'_>,
    own: &Move,
    changes: &mut Changes<'_>,
) -> Result<bool, Stop> {
    let kind = shape.get("shape_type").and_then(View::string).unwrap_or("polygon".into());
    let is_known = ["polygon", "rectangle", "point", "points", "line", "linestrip"].contains(&&*kind);
    if !is_known {
        return unclear(format!("line {}: a shape of the type \"{kind}\"", shape.line()));
    }
    let points = shape.get("points").into_iter().flat_map(View::items);
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for point in points {
        let (place, views) = coordinates_of::<2>(point, "points")?;
        let moved = own.point(place);
        changes.numbers(page, views, moved);
        low = [0, 1].map(|axis| low[axis].min(moved[axis]));
        high = [0, 1].map(|axis| high[axis].max(moved[axis]));
    }
    let to = [own.to().width as f64, own.to().height as f64];
    let is_out = (0..2).any(|axis| high[axis] < 0.0 || low[axis] > to[axis]);
    let is_left = is_out && !own.is_whole();
    if is_left {
        changes.note("shapes left the image and are dropped");
    }
    Ok(!is_left)
}
