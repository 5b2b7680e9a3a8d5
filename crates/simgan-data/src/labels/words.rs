//! What a field's name says of its numbers.

/// What the numbers of a field or column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing in the image: a gaze, a class, an age.
    Free,
    /// A place or a size in the image.
    Geometry,
    /// Not known.
    Unknown,
}

/// Words that stand for what is not in the image plane.
const FREE: [&str; 59] = [
    "age",
    "albedo",
    "angle",
    "area_ratio",
    "blur",
    "class",
    "classes",
    "category",
    "color",
    "colors",
    "colour",
    "confidence",
    "depth",
    "difficult",
    "dilation",
    "dir",
    "direction",
    "embedding",
    "euler",
    "expression",
    "exposure",
    "focus",
    "frame",
    "gaze",
    "gender",
    "head",
    "headpose",
    "id",
    "identity",
    "ids",
    "illumination",
    "intensity",
    "iscrowd",
    "label",
    "light",
    "lighting",
    "look",
    "normal",
    "occluded",
    "parameters",
    "pca",
    "person",
    "phi",
    "pitch",
    "pose",
    "quaternion",
    "rgb",
    "rgba",
    "roll",
    "rotation",
    "score",
    "skin",
    "split",
    "target",
    "theta",
    "time",
    "timestamp",
    "translation",
    "yaw",
];
/// Words that stand for what is in the image plane.
const GEOMETRY: [&str; 69] = [
    "area",
    "bbox",
    "bboxes",
    "bndbox",
    "bottom",
    "bounding",
    "box",
    "boxes",
    "center",
    "centre",
    "contour",
    "contours",
    "coord",
    "coordinate",
    "coordinates",
    "coords",
    "corner",
    "corners",
    "counts",
    "crop",
    "cx",
    "cy",
    "dimension",
    "dimensions",
    "flow",
    "focal",
    "fx",
    "fy",
    "h",
    "height",
    "intrinsic",
    "intrinsics",
    "joint",
    "joints",
    "k",
    "keypoint",
    "keypoints",
    "kpts",
    "landmark",
    "landmarks",
    "left",
    "location",
    "mask",
    "origin",
    "pixel",
    "pixels",
    "point",
    "points",
    "polygon",
    "polygons",
    "position",
    "px",
    "py",
    "rect",
    "rectangle",
    "right",
    "rle",
    "roi",
    "segmentation",
    "shape",
    "size",
    "top",
    "u",
    "v",
    "w",
    "width",
    "x",
    "xy",
    "y",
];

/// Words that say of several numbers that they are no places: `head: [12, 14, 40, 50]` may be a box.
const FREE_LISTS: [&str; 25] = [
    "albedo",
    "class",
    "classes",
    "color",
    "colors",
    "colour",
    "dir",
    "direction",
    "embedding",
    "euler",
    "gaze",
    "headpose",
    "id",
    "ids",
    "light",
    "lighting",
    "look",
    "normal",
    "pca",
    "quaternion",
    "rgb",
    "rgba",
    "rotation",
    "score",
    "translation",
];

/// Whether a name says that several numbers are no places in the image.
pub(super) fn is_free_list(name: &str) -> bool {
    let words = words(name);
    let has = |word: &str| words.iter().any(|own| own == word);
    FREE_LISTS.iter().any(|word| has(word)) || has("xyz") || (has("head") && has("pose"))
}

/// The words of a name: `headPose_x1` is head, pose and x.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        let starts = !character.is_alphabetic() || (character.is_uppercase() && was_lower);
        if starts && !words.last().is_some_and(String::is_empty) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphabetic()) {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a name says of its numbers. A word that stands for something outside the image decides: `gaze_x` is
/// no place in the image.
pub(super) fn meaning(name: &str) -> Meaning {
    let words = words(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let is_edge = |word: &String| {
        let rest = word.strip_prefix(['x', 'y']).or_else(|| word.strip_suffix(['x', 'y']));
        rest.is_some_and(|rest| {
            ["min", "max", "start", "end", "top", "bottom", "left", "right", "pos"].contains(&rest)
        })
    };
    // A vector in space has a z.
    if has(&FREE) || has(&["xyz"]) {
        Meaning::Free
    } else if has(&GEOMETRY) || words.iter().any(is_edge) {
        Meaning::Geometry
    } else {
        Meaning::Unknown
    }
}

/// Whether a text holds several numbers, as a list of coordinates does: "(12, 7.5)".
pub(super) fn holds_numbers(text: &str) -> bool {
    let separators = |character: char| " \t,;:()[]{}\"'|".contains(character);
    let numbers = text.split(separators).filter(|part| part.parse::<f64>().is_ok());
    numbers.take(2).count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_hold() {
        for (name, expected) in [
            ("gaze_x", Meaning::Free),
            ("headPose", Meaning::Free),
            ("class", Meaning::Free),
            ("xmin", Meaning::Geometry),
            ("x1", Meaning::Geometry),
            ("XMax", Meaning::Geometry),
            ("left_eye_y", Meaning::Geometry),
            ("bbox-w", Meaning::Geometry),
            ("cam_K", Meaning::Geometry),
            ("x_min", Meaning::Geometry),
            ("palm_xyz_mm", Meaning::Free),
            ("subject", Meaning::Unknown),
            ("", Meaning::Unknown),
        ] {
            assert_eq!(meaning(name), expected, "{name}");
        }
        assert!(holds_numbers("(1, 2.5)") && holds_numbers("{\"x\":1,\"y\":2}"));
        assert!(!holds_numbers("2 dogs") && !holds_numbers("2020-01-02 a") && !holds_numbers(""));
    }
}
