//! BOP's files of a scene: `scene_camera.json`, `scene_gt.json` and `scene_gt_info.json`, by image number.
//!
//! Boxes `[x, y, width, height]` are in pixels from the top left corner, and −1 everywhere where an object
//! is not seen; `cam_K` is a camera matrix, by rows, for pixel indices.

use super::geometry::Move;
use super::json::View;
use super::page::{Changes, Page, Stop, coordinates_of, unclear};

pub(super) fn follow(page: &Page<'_>, changes: &mut Changes<'_>) -> Result<bool, Stop> {
    let stem = page.stem();
    if !["scene_camera", "scene_gt", "scene_gt_info"].contains(&&*stem) {
        return Ok(false);
    }
    let Some(root) = page.json().map_err(Stop::Unclear)?.filter(|root| root.is_object()) else {
        return Ok(false);
    };
    for (id, entry) in root.members() {
        for image in images(page, &id) {
            // Gray and colour images of one number move alike, or the file cannot be true of both.
            let own = changes.of_image(image)?;
            if own.is_turned() {
                return unclear("a pose in a turned image is no pose");
            }
            if !images(page, &id)
                .iter()
                .all(|other| changes.of_image(*other).is_ok_and(|other| other.is_like(&own)))
            {
                return unclear(format!(
                    "line {}: images of one number move in different ways",
                    entry.line()
                ));
            }
        }
        let Some(image) = images(page, &id).first().copied() else {
            changes.note("entries are about images that are not in the folder");
            continue;
        };
        let own = changes.of_image(image)?;
        match &*stem {
            "scene_camera" => camera(page, entry, &own, changes)?,
            "scene_gt_info" => entry.items().try_for_each(|object| info(page, object, &own, changes))?,
            _ => {}
        }
    }
    Ok(true)
}

/// The images of a number: `rgb/000007.png` and `gray/000007.tif`.
fn images(page: &Page<'_>, id: &str) -> Vec<usize> {
    let Ok(number) = id.parse::<u32>() else { return Vec::new() };
    let names = ["rgb", "gray"].iter().flat_map(|folder| {
        ["png", "jpg", "tif"].iter().map(move |extension| format!("{folder}/{number:06}.{extension}"))
    });
    let folder = page.path.parent().unwrap_or(std::path::Path::new(""));
    names.filter_map(|name| page.images.binary_search(&folder.join(name)).ok()).collect()
}

/// K becomes f′ = s f and c′ = s (c + ½) − ½, less the crop.
fn camera(page: &Page<'_>, entry: View<'_>, own: &Move, changes: &mut Changes<'_>) -> Result<(), Stop> {
    let Some(matrix) = entry.get("cam_K") else { return Ok(()) };
    let (k, views) = coordinates_of::<9>(matrix, "cam_K")?;
    let ([fx, fy], [cx, cy]) = (own.extent([k[0], k[4]]), own.index([k[2], k[5]]));
    let [skew, _] = own.extent([k[1], 0.0]);
    changes.numbers(page, views, [fx, skew * k[1].signum(), cx, k[3], fy, cy, k[6], k[7], k[8]]);
    Ok(())
}

fn info(page: &Page<'_>, object: View<'_>, own: &Move, changes: &mut Changes<'_>) -> Result<(), Stop> {
    for field in ["bbox_obj", "bbox_visib"] {
        let Some(bbox) = object.get(field) else { continue };
        let ([x, y, width, height], views) = coordinates_of::<4>(bbox, field)?;
        if [x, y, width, height] == [-1.0; 4] {
            continue;
        }
        // `bbox_obj` may extend beyond the image.
        let edges = [x, y, x + width, y + height];
        let moved = if field == "bbox_obj" { Some(own.edges(edges)) } else { own.clipped(edges) };
        let new =
            moved.map_or([-1.0; 4], |[left, top, right, bottom]| [left, top, right - left, bottom - top]);
        changes.numbers(page, views, new);
    }
    for field in ["px_count_all", "px_count_valid", "px_count_visib"] {
        if let Some((count, view)) = object.get(field).and_then(|view| Some((view.number()?, view))) {
            changes.number(page, view.span(), (count * own.area_factor()).round());
            changes.note("counts of pixels are estimates");
        }
    }
    Ok(())
}
