//! JPEG files: reading their markers, and decoding luma without chroma.

use std::ops::Range;

use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Image, Pixels, Size};

/// What the markers of a JPEG file say.
#[derive(Default)]
pub(super) struct Markers {
    /// Components of the frame: 1 for gray, 3 for colour, 4 for CMYK.
    pub(super) n_components: u8,
    /// Whether the end marker is present. Decoders fill in missing data with gray instead of failing.
    pub(super) complete: bool,
    /// The frame, if its luma can be decoded alone and row by row.
    pub(super) luma: Option<LumaFrame>,
    /// Whether a camera's orientation tag asks for a rotation or mirroring.
    turned: bool,
    /// Number of components in the first scan.
    n_scanned: u8,
}

/// A sequential, upright frame with a single scan and full-resolution luma.
#[derive(Clone, Copy, Debug)]
pub(super) struct LumaFrame {
    pub(super) size: Size,
    /// Height of a coding unit in rows.
    unit_rows: usize,
    /// Byte offset of the height in the file.
    height_at: usize,
}

/// Reads the markers of a JPEG file; `None` if they are invalid.
pub(super) fn markers(bytes: &[u8]) -> Option<Markers> {
    let mut markers = Markers::default();
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, &mut at) {
        match marker {
            0xD9 => {
                markers.complete = true;
                break;
            }
            // Restart markers, start of image and TEM have no segment.
            0xD0..=0xD8 | 0x01 => {}
            _ => {
                let Some(length) = bytes.get(at..at + 2) else { break };
                let end = at + usize::from(u16::from_be_bytes([length[0], length[1]]));
                markers.read(marker, bytes, at + 2..end)?;
                at = end;
            }
        }
    }
    (markers.n_components > 0).then(|| markers.checked())
}

impl Markers {
    /// Records what a marker's segment says; `None` if a frame is truncated.
    fn read(&mut self, marker: u8, bytes: &[u8], segment: Range<usize>) -> Option<()> {
        // C0 to CF are frames, except DHT, JPG and DAC; C0 and C1 are the sequential Huffman-coded ones.
        let is_frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
        if is_frame && self.n_components == 0 {
            self.n_components = *bytes.get(segment.start + 5)?;
            if marker <= 0xC1 {
                self.luma = luma_frame(bytes.get(segment.clone()).unwrap_or_default(), segment.start);
            }
        } else if marker == 0xDA && self.n_scanned == 0 {
            self.n_scanned = *bytes.get(segment.start)?;
        } else if let Some(exif) = bytes.get(segment).and_then(|data| data.strip_prefix(b"Exif\0\0"))
            && marker == 0xE1
        {
            self.turned |=
                Orientation::from_exif_chunk(exif).is_some_and(|tag| tag != Orientation::NoTransforms);
        }
        Some(())
    }

    fn checked(self) -> Self {
        let whole = !self.turned && self.n_scanned == self.n_components && self.complete;
        Self { luma: self.luma.filter(|_| whole), ..self }
    }
}

/// Reads a sequential frame's segment; `None` unless luma has full resolution.
fn luma_frame(segment: &[u8], start: usize) -> Option<LumaFrame> {
    let &[8, h1, h0, w1, w0, n, ref components @ ..] = segment else { return None };
    let height = usize::from(u16::from_be_bytes([h1, h0]));
    let width = usize::from(u16::from_be_bytes([w1, w0]));
    let sampling: Vec<u8> = components.chunks_exact(3).map(|component| component[1]).collect();
    // Chroma at every pixel, at every second column, or at every second column and row.
    let unit_rows = match (n, &sampling[..]) {
        (1, [0x11]) | (3, [0x11 | 0x21, 0x11, 0x11]) => 8,
        (3, [0x22, 0x11, 0x11]) => 16,
        _ => return None,
    };
    (width > 0 && height > 0).then_some(LumaFrame {
        size: Size { width, height },
        unit_rows,
        height_at: start + 1,
    })
}

/// Decodes the luma of a file's first `n_rows` rows, rounded up to whole coding units; `None` if the
/// components are not luma and chroma.
///
/// The height is overwritten in a copy of the file, so that the decoder stops after these rows. The pixel
/// values do not depend on it.
pub(super) fn luma(bytes: &[u8], frame: LumaFrame, n_rows: usize) -> Result<Option<Image>, DecodeErrors> {
    let LumaFrame { size: Size { width, height }, unit_rows, height_at } = frame;
    let height = n_rows.next_multiple_of(unit_rows).min(height);
    let mut bytes = bytes.to_vec();
    bytes[height_at..][..2].copy_from_slice(&(height as u16).to_be_bytes());
    // Not strict, as when colours are decoded.
    let options = DecoderOptions::default().set_strict_mode(false);
    let options = options.set_max_width(usize::MAX).set_max_height(usize::MAX);
    let options = options.jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes[..]), options);
    decoder.decode_headers()?;
    if !matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma)) {
        return Ok(None);
    }
    let mut values = vec![0; width * height];
    decoder.decode_into(&mut values)?;
    Ok(Some(Image::new(1, height, width, Pixels::U8(values))))
}

/// Finds the next marker from `at` on, skipping coded data, and moves `at` past it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = bytes.get(*at..)?;
        *at += rest.iter().position(|&byte| byte == 0xFF)? + 1;
        let marker = *bytes.get(*at)?;
        // 00 is a stuffed data byte, FF is padding before a marker.
        if marker != 0 && marker != 0xFF {
            *at += 1;
            return Some(marker);
        }
    }
}
