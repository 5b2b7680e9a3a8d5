//! What the columns of a table are, by their names.

use crate::labels::record::NAME_FIELDS;
use crate::labels::words::{Meaning, meaning};
use crate::record::GAZE_FIELDS;

/// What the columns of a table are, as their places in the header.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// The image's name.
    pub(super) image: Option<usize>,
    /// Pairs of x and y, in pixels from the top left corner.
    pub(super) points: Vec<[usize; 2]>,
    /// Width and height of a box.
    pub(super) extent: Option<[usize; 2]>,
    /// Width and height of the image.
    pub(super) size: Option<[usize; 2]>,
    /// Whether the points, with the extent, are one box.
    pub(super) shape: Shape,
    /// A gaze, as one of [`GAZE_FIELDS`].
    pub(super) gaze: Option<(&'static [&'static str], Vec<usize>)>,
    pub(super) class: Option<usize>,
    /// Columns of none of these kinds.
    pub(super) others: Vec<usize>,
}

/// What a row's points are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    Points,
    /// Two opposite corners.
    Corners,
    /// The top left corner and an extent.
    CornerExtent,
    /// The centre and an extent.
    CentreExtent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    X,
    Y,
    Width,
    Height,
}

const NAMES: [&str; 6] = ["image_name", "img_name", "image_file", "file_path", "filepath", "image_id"];
const CLASSES: [&str; 7] =
    ["class", "label", "category", "class_id", "class_name", "category_id", "label_id"];
const X: [&str; 13] =
    ["x", "xmin", "xmax", "minx", "maxx", "xtl", "xbr", "cx", "xc", "u", "px", "xcenter", "centerx"];
const Y: [&str; 13] =
    ["y", "ymin", "ymax", "miny", "maxy", "ytl", "ybr", "cy", "yc", "v", "py", "ycenter", "centery"];

impl Columns {
    /// Reads a header.
    ///
    /// # Errors
    /// Its columns of places do not make pairs.
    pub(super) fn of(header: &[String]) -> Result<Self, String> {
        let names: Vec<String> = header.iter().map(|name| normal(name)).collect();
        let find = |wanted: &str| names.iter().position(|name| name == wanted);
        let image = NAME_FIELDS.iter().chain(&NAMES).find_map(|name| find(name));
        let class = CLASSES.iter().find_map(|name| find(name));
        let gaze = GAZE_FIELDS.iter().find_map(|fields| {
            let columns: Option<Vec<usize>> = fields.iter().map(|field| find(field)).collect();
            Some((*fields, columns?))
        });
        let mut columns = Self { image, class, gaze, ..Self::default() };
        let mut axes = Vec::new();
        for index in 0..names.len() {
            let is_known = [columns.image, columns.class].contains(&Some(index))
                || columns.gaze.iter().any(|(_, gaze)| gaze.contains(&index));
            match axis(&names, index) {
                _ if is_known => {}
                Some(axis) => axes.push((axis, index)),
                None => columns.others.push(index),
            }
        }
        columns.names = names;
        columns.pair(&axes)?;
        Ok(columns)
    }

    fn pair(&mut self, axes: &[(Axis, usize)]) -> Result<(), String> {
        let of = |wanted: Axis| axes.iter().filter(move |(axis, _)| *axis == wanted).map(|(_, index)| *index);
        let name = |index: usize| self.names[index].as_str();
        let (xs, ys): (Vec<_>, Vec<_>) = (of(Axis::X).collect(), of(Axis::Y).collect());
        // Of "width, height, x, y, w, h" the first two are the image's.
        let is_first = |index: &usize| name(*index) == "width" && of(Axis::Width).count() == 2;
        let is_of_image = |index: &usize| name(*index).contains("im") || is_first(index);
        let (sizes, extents): (Vec<_>, Vec<_>) = of(Axis::Width)
            .zip(of(Axis::Height))
            .map(|(width, height)| [width, height])
            .partition(|[width, _]| is_of_image(width) || xs.len() != 1);
        let is_whole = of(Axis::Width).count() == of(Axis::Height).count();
        if xs.len() != ys.len() || !is_whole || sizes.len() > 1 || extents.len() > 1 {
            let all: Vec<_> = axes.iter().map(|(_, index)| name(*index)).collect();
            return Err(format!("how its columns {} belong together is not known", all.join(", ")));
        }
        let is_centre = |index: usize| name(index).contains('c');
        self.shape = match (&xs[..], extents.first()) {
            ([x], Some(_)) if is_centre(*x) => Shape::CentreExtent,
            ([_], Some(_)) => Shape::CornerExtent,
            ([_, _], None) if xs.iter().all(|x| is_corner(name(*x))) => Shape::Corners,
            _ => Shape::Points,
        };
        self.points = xs.into_iter().zip(ys).map(|(x, y)| [x, y]).collect();
        (self.size, self.extent) = (sizes.first().copied(), extents.first().copied());
        Ok(())
    }

    pub(super) fn has_places(&self) -> bool {
        !self.points.is_empty() || self.size.is_some()
    }
}

/// A name in lower case, with `_` between its words.
fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.', '/'], "_")
}

/// Whether a column of x is a box's side.
fn is_corner(name: &str) -> bool {
    let side = name.rsplit("bbox").next().unwrap_or(name).trim_matches('_');
    ["xmin", "x_min", "xmax", "x_max", "minx", "maxx", "x0", "x1", "x2", "xtl", "xbr", "left", "right"]
        .contains(&side)
}

/// The axis of a column of places; `None` for other columns, and for vectors in space, which have a z.
fn axis(names: &[String], index: usize) -> Option<Axis> {
    let name = &names[index];
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let sides = ["left", "top", "right", "bottom"];
    let is_side = sides.contains(&name.as_str()) && sides.iter().all(|side| has(side));
    if meaning(name) != Meaning::Geometry {
        return None;
    }
    let parts: Vec<&str> = name.split('_').collect();
    let bare = |part: &str| part.trim_end_matches(|character: char| character.is_ascii_digit()).to_owned();
    let of_part = |part: &&str| match bare(part).as_str() {
        part if X.contains(&part) => Some(Axis::X),
        part if Y.contains(&part) => Some(Axis::Y),
        "left" | "right" if is_side => Some(Axis::X),
        "top" | "bottom" if is_side => Some(Axis::Y),
        "w" | "width" => Some(Axis::Width),
        "h" | "height" => Some(Axis::Height),
        _ => None,
    };
    let place = parts.iter().rposition(|part| of_part(part).is_some())?;
    let in_space = parts[place].replace(['x', 'y'], "z");
    let with_z: Vec<&str> =
        parts.iter().enumerate().map(|(i, part)| if i == place { in_space.as_str() } else { part }).collect();
    let has_z = in_space != parts[place] && has(&with_z.join("_"));
    of_part(&parts[place]).filter(|_| !has_z)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Columns {
        Columns::of(&header.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let boxes = of("filename,width,height,class,xmin,ymin,xmax,ymax");
        assert_eq!((boxes.shape, boxes.size, boxes.extent), (Shape::Corners, Some([1, 2]), None));
        assert_eq!((boxes.image, boxes.class, &boxes.points[..]), (Some(0), Some(3), &[[4, 5], [6, 7]][..]));
        let extent = of("image,x,y,w,h");
        assert_eq!((extent.shape, extent.extent), (Shape::CornerExtent, Some([3, 4])));
        assert_eq!(of("image,cx,cy,w,h").shape, Shape::CentreExtent);
        assert_eq!(of("image,left,top,right,bottom").shape, Shape::Corners);
        let points = of("path,left_eye_x,left_eye_y,right_eye_x,right_eye_y,age");
        assert_eq!((points.shape, &points.points[..]), (Shape::Points, &[[1, 2], [3, 4]][..]));
        assert_eq!(points.others, [5]);
        let gaze = of("name,gaze_x,gaze_y,gaze_z,subject");
        assert!(!gaze.has_places() && gaze.gaze.is_some());
        assert!(!of("name,pitch,yaw,head_x,head_y,head_z").has_places());
        assert!(!of("name,pos_x,pos_y,pos_z").has_places(), "a vector in space");
        assert!(Columns::of(&["x".to_owned(), "name".to_owned()]).is_err());
    }
}
