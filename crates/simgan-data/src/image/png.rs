//! The chunks of a PNG file that are not pixels.

use std::ops::Range;

use super::{Orientation, Size, exif};

/// Chunks as they stand in a file: profile, gamma, resolution, texts, EXIF and whatever else may be copied.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chunks {
    kept: Vec<Vec<u8>>,
    pub(super) has_palette: bool,
    pub(super) is_animated: bool,
}

/// Bytes of the signature and the header, after which chunks of every kind may stand.
const HEADER: usize = 33;

impl Chunks {
    /// Reads a file's chunks, as far as they are whole.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut chunks = Self::default();
        let mut at = 8;
        while let Some((kind, whole)) = chunk(bytes, at) {
            at = whole.end;
            match kind {
                b"PLTE" => chunks.has_palette |= bytes.get(25) == Some(&3),
                b"acTL" => chunks.is_animated = true,
                // Transparency becomes a channel; a histogram is of a palette.
                b"tRNS" | b"hIST" | b"fcTL" | b"fdAT" => {}
                // A lower-case first letter marks chunks that decoders may ignore.
                _ if kind[0].is_ascii_lowercase() => chunks.kept.push(bytes[whole].to_vec()),
                _ => {}
            }
        }
        if chunks.has_palette {
            // Both are told in terms of the palette.
            chunks.kept.retain(|chunk| !matches!(&chunk[4..8], b"bKGD" | b"sBIT"));
        }
        chunks
    }

    pub(super) fn orientation(&self) -> Orientation {
        let exif = self.kept.iter().find(|chunk| &chunk[4..8] == b"eXIf");
        exif.map_or(Orientation::UPRIGHT, |chunk| exif::orientation(&chunk[8..chunk.len() - 4]))
    }

    /// Adds the chunks to an encoded file.
    pub(super) fn added_to(&self, mut file: Vec<u8>) -> Vec<u8> {
        file.splice(HEADER..HEADER, self.kept.iter().flatten().copied());
        file
    }

    /// Corrects what depends on the image's size.
    pub(super) fn resize(&mut self, size: Size) {
        for chunk in self.kept.iter_mut().filter(|chunk| &chunk[4..8] == b"eXIf") {
            let end = chunk.len() - 4;
            exif::resize(&mut chunk[8..end], size);
            let mut sum = flate2::Crc::new();
            sum.update(&chunk[4..end]);
            chunk[end..].copy_from_slice(&sum.sum().to_be_bytes());
        }
    }
}

/// The kind and the range of the chunk at `at`.
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8; 4], Range<usize>)> {
    let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let kind = bytes.get(at + 4..at + 8)?.try_into().ok()?;
    let end = at.checked_add(12)?.checked_add(usize::try_from(length).ok()?)?;
    (end <= bytes.len()).then_some((kind, at..end))
}
