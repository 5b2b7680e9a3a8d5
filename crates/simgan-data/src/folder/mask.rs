//! Names that usually hold not photographs but what renderers and annotators write beside them.

use std::fmt;
use std::path::{Path, PathBuf};

/// What an image that is no photograph usually holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MaskKind {
    /// Classes or instances by pixel.
    Mask,
    /// Distances or disparities.
    Depth,
    /// Surface normals.
    Normals,
    /// Motion from one frame to another.
    Flow,
    /// Positions on the surface of an object.
    Coordinates,
}

impl fmt::Display for MaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mask => "mask",
            Self::Depth => "depth image",
            Self::Normals => "normal map",
            Self::Flow => "flow image",
            Self::Coordinates => "coordinate map",
        })
    }
}

use MaskKind::{Coordinates, Depth, Flow, Mask, Normals};

/// Folders' names, in lower case with `_` between words. `normal` is none: it is also the opposite of ill.
const FOLDERS: [(&str, MaskKind); 38] = [
    ("mask", Mask),
    ("masks", Mask),
    ("mask_visib", Mask),
    ("seg", Mask),
    ("segs", Mask),
    ("segm", Mask),
    ("segmaps", Mask),
    ("segmentation", Mask),
    ("segmentations", Mask),
    ("segmentation_masks", Mask),
    ("segmentationclass", Mask),
    ("segmentationclassaug", Mask),
    ("segmentationobject", Mask),
    ("semantic", Mask),
    ("semantics", Mask),
    ("semantic_segmentation", Mask),
    ("instance_segmentation", Mask),
    ("instance_id_segmentation", Mask),
    ("panoptic", Mask),
    ("panoptic_segmentation", Mask),
    ("gtfine", Mask),
    ("gtcoarse", Mask),
    ("labels", Mask),
    ("annotations", Mask),
    ("depth", Depth),
    ("depths", Depth),
    ("depth_map", Depth),
    ("depth_maps", Depth),
    ("distance_to_camera", Depth),
    ("distance_to_image_plane", Depth),
    ("disparity", Depth),
    ("disparities", Depth),
    ("normals", Normals),
    ("normal_map", Normals),
    ("normal_maps", Normals),
    ("flow", Flow),
    ("optical_flow", Flow),
    ("motion_vectors", Flow),
];

/// Beginnings of names that are followed by a frame's number only.
const PREFIXES: [(&str, MaskKind); 20] = [
    ("semantic_segmentation", Mask),
    ("instance_segmentation", Mask),
    ("instance_id_segmentation", Mask),
    ("category_id_segmaps", Mask),
    ("instance_segmaps", Mask),
    ("segmentation", Mask),
    ("segmap", Mask),
    ("occlusion", Mask),
    ("mask", Mask),
    ("distance_to_camera", Depth),
    ("distance_to_image_plane", Depth),
    ("depth", Depth),
    ("normals", Normals),
    ("forward_flow", Flow),
    ("backward_flow", Flow),
    ("motion_vectors", Flow),
    ("object_coordinates", Coordinates),
    ("nocs", Coordinates),
    ("uv", Coordinates),
    ("normal", Normals),
];

/// Ends of names.
const SUFFIXES: [(&str, MaskKind); 24] = [
    ("mask", Mask),
    ("masks", Mask),
    ("seg", Mask),
    ("segm", Mask),
    ("segmap", Mask),
    ("segmaps", Mask),
    ("segmentation", Mask),
    ("semanticsegmentation", Mask),
    ("instancesegmentation", Mask),
    ("labelids", Mask),
    ("labeltrainids", Mask),
    ("instanceids", Mask),
    ("gtfine_color", Mask),
    ("gtcoarse_color", Mask),
    ("depth", Depth),
    ("depth_map", Depth),
    ("disparity", Depth),
    ("disp", Depth),
    ("normals", Normals),
    ("normal_map", Normals),
    ("flow", Flow),
    ("nocs", Coordinates),
    ("forward_flow", Flow),
    ("backward_flow", Flow),
];

/// What an image's name says it holds; `None` for a photograph. `images` are all images, sorted.
pub(super) fn kind_of(image: &Path, images: &[PathBuf]) -> Option<MaskKind> {
    let folders = image.parent().into_iter().flat_map(Path::iter);
    let words = |name: &std::ffi::OsStr| name.to_string_lossy().to_lowercase().replace([' ', '-', '.'], "_");
    let in_folder = folders.rev().find_map(|folder| of_folder(&words(folder)));
    in_folder.or_else(|| {
        let stem = words(image.file_stem()?);
        of_stem(&stem).filter(|_| !stem.starts_with("normal_") || has_photograph(image, images))
    })
}

fn of_folder(name: &str) -> Option<MaskKind> {
    let known = FOLDERS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    // BlenderProc's and others' `category_id_segmaps`, `left_masks`, `train_depth`.
    known.or_else(|| of_end(name).filter(|_| name.contains('_')))
}

fn of_stem(stem: &str) -> Option<MaskKind> {
    let is_number = |rest: &str| {
        let digits = rest.trim_matches('_');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let begins = |(known, _): &&(&str, MaskKind)| stem.strip_prefix(known).is_some_and(is_number);
    let kind = PREFIXES.iter().find(begins).map(|(_, kind)| *kind);
    // Unity numbers some masks at the end: `step0.camera.SemanticSegmentation_1`.
    kind.or_else(|| of_end(stem))
        .or_else(|| of_end(stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')))
}

/// Looks for a suffix that is a word of its own.
fn of_end(name: &str) -> Option<MaskKind> {
    let ends = |(known, _): &&(&str, MaskKind)| {
        name.strip_suffix(known).is_some_and(|rest| rest.ends_with('_') && rest.len() > 1)
    };
    SUFFIXES.iter().find(ends).map(|(_, kind)| *kind)
}

/// Whether a photograph of the same frame is beside `normal_00001.png`: without one, `normal` may mean healthy.
fn has_photograph(image: &Path, images: &[PathBuf]) -> bool {
    let Some(stem) = image.file_stem().and_then(|stem| stem.to_str()) else { return false };
    let Some((_, frame)) = stem.split_once('_') else { return false };
    ["rgba", "rgb"].iter().any(|colour| {
        let wanted = image.with_file_name(format!("{colour}_{frame}"));
        let start = images.partition_point(|other| *other < wanted);
        // `rgba_00001.png` sorts behind `rgba_00001`, with at most a few names between.
        images[start..].iter().take(4).any(|other| other.with_extension("") == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(image: &str) -> Option<MaskKind> {
        kind_of(Path::new(image), &["k/rgba_00003.png"].map(PathBuf::from))
    }

    #[test]
    fn masks_and_depth_are_known_by_their_usual_names() {
        for (image, expected) in [
            ("semantic_segmentation_0000.png", Mask),
            ("cam/instance_id_segmentation_0001.png", Mask),
            ("distance_to_camera_0000.png", Depth),
            ("normals_0003.png", Normals),
            ("occlusion_0003.png", Mask),
            ("mask/0.png", Mask),
            ("train/Masks/x.png", Mask),
            ("cat_mask.png", Mask),
            ("cat-seg.png", Mask),
            ("SegmentationClass/2007.png", Mask),
            ("000001/mask_visib/000000_000000.png", Mask),
            ("000001/depth/000000.png", Depth),
            ("category_id_segmaps/0.png", Mask),
            ("segmentation_00000.png", Mask),
            ("depth_00000.tiff", Depth),
            ("object_coordinates_00000.png", Coordinates),
            ("uv_00000.png", Coordinates),
            ("forward_flow_00000.png", Flow),
            ("k/normal_00003.png", Normals),
            ("sequence.0/step0.camera.SemanticSegmentation.png", Mask),
            ("sequence.0/step0.camera.instance segmentation.png", Mask),
            ("a_gtFine_labelIds.png", Mask),
        ] {
            assert_eq!(kind(image), Some(expected), "{image}");
        }
    }

    #[test]
    fn photographs_are_not_taken_for_masks() {
        for image in [
            "rgb_0000.png",
            "normal/person1.png",
            "normal_0001.png",
            "masked_face.png",
            "mask_of_zorro.png",
            "unmask.png",
            "depth of field.png",
            "images/flowers.png",
            "overflow.png",
            "step0.camera.png",
            "42.png",
            "segment.png",
            "uv.png",
        ] {
            assert_eq!(kind(image), None, "{image}");
        }
    }
}
