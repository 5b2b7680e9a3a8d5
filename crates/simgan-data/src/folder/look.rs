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
        let is_few = |index: usize| is_few_valued_file(&root.join(&images[index]));
        if members.first().is_none_or(|first| !is_few(*first)) {
            return Self::Photographs;
        }
        let n_few = spread(members, EACH).filter(|index| is_few(*index)).count();
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

/// Whether a file holds few values. A JPEG file never does, and one that cannot be read shall be reported later.
fn is_few_valued_file(path: &Path) -> bool {
    if has_extension(path, &["jpg", "jpeg", "jpe", "jfif"]) {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    read.is_ok() && is_indexed(&head) || ImageFile::open(path).is_ok_and(|file| is_few_valued(file.image()))
}

/// Length of a PNG file's signature and first chunk.
const HEAD_BYTES: u64 = 33;

/// Whether a file is a PNG image with a palette.
pub(super) fn is_indexed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR") && bytes.get(25) == Some(&3)
}

/// Whether an image has at most [`MAX_VALUES`] different values, or colours.
pub(super) fn is_few_valued(image: &Image) -> bool {
    let spec = image.spec();
    let n_pixels = spec.height * spec.width;
    if n_pixels < MIN_PIXELS {
        return false;
    }
    match image.pixels() {
        Pixels::U8(values) => are_few(values, n_pixels, spec.channels),
        Pixels::U16(values) => are_few(values, n_pixels, spec.channels),
        Pixels::F32(values) => are_few(values, n_pixels, spec.channels),
    }
}

fn are_few<T: Copy + PartialEq>(values: &[T], n_pixels: usize, channels: usize) -> bool {
    let mut known: Vec<[T; 3]> = Vec::with_capacity(MAX_VALUES);
    let plane = |pixel: usize, channel: usize| values[pixel + channel.min(channels - 1) * n_pixels];
    for pixel in 0..n_pixels {
        let colour = [0, 1, 2].map(|channel| plane(pixel, channel));
        // Neighbours are mostly equal, so the last colour added is the likeliest.
        if known.iter().rev().any(|other| *other == colour) {
            continue;
        }
        if known.len() == MAX_VALUES {
            return false;
        }
        known.push(colour);
    }
    true
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
        assert!(!is_few_valued(&Image::new(1, 1, 2, Pixels::U8(vec![0, 1]))), "too small to tell");
    }
}
