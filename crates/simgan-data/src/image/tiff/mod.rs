//! TIFF files, read and written by our own code: the `tiff` crate decodes some layouts wrongly, panics at
//! others, and keeps no tags.

mod chunk;
mod directory;
mod layout;
mod read;
#[cfg(test)]
mod tests;
mod write;

use self::directory::Directory;
use self::layout::{Layout, tag};
use super::{BitDepth, ImageSpec, Size};

pub(super) use self::directory::Form;
pub(super) use self::layout::Refusal;

/// What a TIFF file says besides its pixels, and how it stores them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tiff {
    layout: Layout,
    directory: Directory,
    /// Whether the file also holds reduced copies of the image, which are not written.
    has_copies: bool,
}

impl Tiff {
    /// Reads a file's directories and chooses its image.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        let damaged = |reason: &str| Refusal::Damaged(reason.to_owned());
        let (form, first) = Form::of(bytes).ok_or_else(|| damaged("it ends too early"))?;
        let directories = first.and_then(|first| form.directories(bytes, first)).map_err(damaged)?;
        let has_copies = directories.len() > 1;
        let directory = only_image(directories, form)?;
        Ok(Self { layout: Layout::of(&directory, form)?, directory, has_copies })
    }

    /// The image as stored, before any orientation.
    pub(super) fn spec(&self) -> ImageSpec {
        let depth = match self.layout.bits {
            _ if self.layout.is_float => BitDepth::Float,
            16 => BitDepth::Sixteen,
            _ => BitDepth::Eight,
        };
        let size = self.layout.size;
        ImageSpec { channels: self.layout.channels().0, height: size.height, width: size.width, depth }
    }

    /// The orientation tag, from 1 to 8.
    pub(super) fn orientation(&self) -> Option<u8> {
        let tag = self.directory.number(self.layout.form, tag::ORIENTATION)?;
        u8::try_from(tag).ok()
    }

    /// Whether the file also holds reduced copies of the image, which are not written.
    pub(super) fn has_copies(&self) -> bool {
        self.has_copies
    }

    /// Whether the file's colours are those of a palette.
    pub(super) fn has_palette(&self) -> bool {
        matches!(self.layout.colour, layout::Colour::Palette(_))
    }
}

impl Tiff {
    /// Corrects the width and height in the camera's data.
    pub(super) fn resize(&mut self, size: Size) {
        let form = self.layout.form;
        let subs = self.directory.entries.iter_mut().filter_map(|entry| entry.sub.as_mut());
        for entry in subs.flat_map(|sub| &mut sub.entries) {
            match entry.tag {
                0xA002 => *entry = form.entry(entry.tag, 4, &[size.width as u64]),
                0xA003 => *entry = form.entry(entry.tag, 4, &[size.height as u64]),
                _ => {}
            }
        }
    }
}

/// The directory of the image. Reduced copies of it are passed over, wherever they stand.
fn only_image(directories: Vec<Directory>, form: Form) -> Result<Directory, Refusal> {
    let has_mask = directories
        .iter()
        .any(|directory| directory.number(form, tag::SUBFILE).is_some_and(|kind| kind & 4 != 0));
    if has_mask {
        return Err(Refusal::Unsupported("a transparency mask in TIFF".to_owned()));
    }
    let n_found = directories.len();
    let is_reduced = |directory: &Directory| {
        directory.number(form, tag::SUBFILE).is_some_and(|kind| kind & 1 != 0)
            || directory.number(form, tag::OLD_SUBFILE) == Some(2)
    };
    let mut whole: Vec<_> = directories.iter().filter(|directory| !is_reduced(directory)).cloned().collect();
    if whole.is_empty() && n_found == 1 {
        whole = directories;
    }
    match whole.len() {
        0 if n_found == 0 => Err(Refusal::Damaged("it holds no image".to_owned())),
        0 => Err(Refusal::Damaged("it holds reduced copies of an image only".to_owned())),
        1 => Ok(whole.remove(0)),
        n => Err(Refusal::Unsupported(format!("TIFF with {n} pages"))),
    }
}
