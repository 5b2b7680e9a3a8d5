//! Tells what is no photograph by its content, from a sample of a folder's images.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::listing::has_extension;
use crate::{Image, ImageFile, Pixels};

/// Maximum number of different values of an image that is no photograph.
const MAX_VALUES: usize = 8;
/// An image with fewer pixels is too small to tell.
const MIN_PIXELS: usize = 64;
/// Maximum number of kinds of names of which images are decoded, and number of images of a kind.
const MAX_KINDS: usize = 24;
const EACH: usize = 4;

/// Maximum number of images whose names are compared.
const MAX_NAMED: usize = 20_000;

/// What a sample of a folder's images says.
#[derive(Default)]
pub(super) struct Look {
    /// Whether there are more photographs than images of few values.
    pub(super) are_photographs: bool,
    /// Kinds of names ([`kind_of_name`]) whose images are none, among others that are.
    few: Vec<(PathBuf, String)>,
}

impl Look {
    /// Decodes a few images, of each kind of name at least one if there are not too many kinds.
    pub(super) fn at(root: &Path, images: &[PathBuf]) -> Self {
        let mut kinds: BTreeMap<(PathBuf, String), Vec<usize>> = BTreeMap::new();
        for (index, image) in images.iter().enumerate().step_by(images.len().div_ceil(MAX_NAMED).max(1)) {
            kinds.entry(kind_of_name(image)).or_default().push(index);
        }
        let step = kinds.len().div_ceil(MAX_KINDS).max(1);
        let kinds: Vec<_> = kinds.into_iter().step_by(step).collect();
        let looked: Vec<Kind> =
            kinds.par_iter().map(|(_, members)| Kind::of(root, images, members)).collect();
        let count = |kind: Kind| {
            let alike = kinds.iter().zip(&looked).filter(|(_, other)| **other == kind);
            alike.map(|((_, members), _)| members.len()).sum::<usize>()
        };
        let are_photographs = count(Kind::Photographs) > count(Kind::FewValues);
        let few = kinds.iter().zip(&looked).filter(|(_, kind)| **kind == Kind::FewValues && are_photographs);
        Self { are_photographs, few: few.map(|((name, _), _)| name.clone()).collect() }
    }

    /// Whether the images of this name's kind are no photographs.
    pub(super) fn is_none(&self, image: &Path) -> bool {
        !self.few.is_empty() && self.few.contains(&kind_of_name(image))
    }
}

/// What the images of one kind of name are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Photographs,
    FewValues,
    Both,
}

impl Kind {
    /// Looks at one image, and at a few more if it has few values: a black photograph says nothing of others.
    fn of(root: &Path, images: &[PathBuf], members: &[usize]) -> Self {
        let n_values = |index: usize| n_values_of_file(&root.join(&images[index]));
        if members.first().is_none_or(|first| n_values(*first).is_none()) {
            return Self::Photographs;
        }
        let few: Vec<usize> = spread(members, EACH).filter_map(n_values).collect();
        // Blank images alone say nothing: masks without an object, or black photographs.
        let n_few = if few.iter().all(|n| *n == 1) { 0 } else { few.len() };
        match EACH.min(members.len()) {
            n if n_few == n => Self::FewValues,
            n if 2 * n_few <= n => Self::Photographs,
            _ => Self::Both,
        }
    }
}

/// Up to `count` evenly spread members.
fn spread(members: &[usize], count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(members.len());
    (0..count).map(move |i| members[i * members.len() / count])
}

/// An image's folder and its name without digits: `a/rgb_12.png` and `a/rgb_13.png` are of one kind.
fn kind_of_name(image: &Path) -> (PathBuf, String) {
    let folder = image.parent().unwrap_or(Path::new("")).to_owned();
    let name = image.file_name().unwrap_or_default().to_string_lossy();
    (folder, name.chars().filter(|c| !c.is_ascii_digit()).collect())
}

/// The number of values in a file, if they are few; a palette counts as that. A JPEG file never has few, and one
/// that cannot be read shall be reported later.
fn n_values_of_file(path: &Path) -> Option<usize> {
    if has_extension(path, &["jpg", "jpeg", "jpe", "jfif"]) {
        return None;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    if read.is_ok() && is_indexed(&head) {
        return Some(MAX_VALUES);
    }
    n_few_values(ImageFile::open(path).ok()?.image())
}

/// Length of a PNG file's signature and first chunk.
const HEAD_BYTES: u64 = 33;

/// Whether a file is a PNG image with a palette.
pub(super) fn is_indexed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR") && bytes.get(25) == Some(&3)
}

/// Whether an image has from 2 to [`MAX_VALUES`] different values, or colours. A blank one may be a photograph.
pub(super) fn is_few_valued(image: &Image) -> bool {
    n_few_values(image).is_some_and(|n| n > 1)
}

/// The number of different values, or colours, if it is at most [`MAX_VALUES`] and the image not too small.
fn n_few_values(image: &Image) -> Option<usize> {
    let spec = image.spec();
    let n_pixels = spec.height * spec.width;
    if n_pixels < MIN_PIXELS {
        return None;
    }
    match image.pixels() {
        Pixels::U8(values) => n_few(values, n_pixels, spec.channels),
        Pixels::U16(values) => n_few(values, n_pixels, spec.channels),
        Pixels::F32(values) => n_few(values, n_pixels, spec.channels),
    }
}

fn n_few<T: Copy + PartialEq>(values: &[T], n_pixels: usize, channels: usize) -> Option<usize> {
    let mut known: Vec<[T; 3]> = Vec::with_capacity(MAX_VALUES);
    let plane = |pixel: usize, channel: usize| values[pixel + channel.min(channels - 1) * n_pixels];
    for pixel in 0..n_pixels {
        let colour = [0, 1, 2].map(|channel| plane(pixel, channel));
        // Neighbours are mostly equal, so the last colour added is the likeliest.
        if known.iter().rev().any(|other| *other == colour) {
            continue;
        }
        if known.len() == MAX_VALUES {
            return None;
        }
        known.push(colour);
    }
    Some(known.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(n_values: usize) -> Image {
        Image::new(1, 10, 10, Pixels::U8((0..100).map(|i| (i % n_values) as u8).collect()))
    }

    #[test]
    fn values_are_counted() {
        assert!(is_few_valued(&gray(8)) && !is_few_valued(&gray(9)));
        assert!(is_few_valued(&gray(8).to_channels(3)) && !is_few_valued(&gray(9).to_channels(3)));
        assert!(!is_few_valued(&gray(1)), "blank");
        assert!(!is_few_valued(&Image::new(1, 1, 2, Pixels::U8(vec![0, 1]))), "too small to tell");
    }
}
