//! JPEG files: reading their markers, and decoding luma without chroma.

mod style;

use std::ops::Range;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Image, Orientation, Pixels, Size, exif};

pub(super) use self::style::Style;

/// What the markers of a JPEG file say.
#[derive(Default)]
pub(super) struct Markers {
    /// The frame's marker: C0 and C1 are sequential, C2 is progressive.
    frame: u8,
    /// Bits of a value.
    bits: u8,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
    /// Whether the end marker is present. Decoders fill in missing data with gray instead of failing.
    pub(super) complete: bool,
    /// The frame, if its luma can be decoded alone and row by row.
    pub(super) luma: Option<LumaFrame>,
    /// What a camera's orientation tag asks for.
    pub(super) orientation: Option<Orientation>,
    /// Number of components in the first scan.
    n_scanned: u8,
    /// What is written again with another image.
    pub(super) style: Style,
}

/// One channel as stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    /// Sampling factors, relative to those of the other components.
    pub(super) factors: (u8, u8),
    table: u8,
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
    (!markers.components.is_empty()).then(|| markers.checked())
}

impl Markers {
    /// Records what a marker's segment says; `None` if a frame is truncated.
    fn read(&mut self, marker: u8, bytes: &[u8], segment: Range<usize>) -> Option<()> {
        // C0 to CF are frames, except DHT, JPG and DAC; C0 and C1 are the sequential Huffman-coded ones.
        let is_frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
        let (start, data) = (segment.start, bytes.get(segment));
        if is_frame && self.components.is_empty() {
            let n_components = usize::from(*bytes.get(start + 5)?);
            let component = |c: &[u8; 3]| Component { factors: (c[1] >> 4, c[1] & 15), table: c[2] };
            let stored = bytes.get(start + 6..start + 6 + 3 * n_components)?;
            self.components = stored.as_chunks().0.iter().map(component).collect();
            (self.frame, self.bits) = (marker, bytes[start]);
            let side = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
            (self.height, self.width) = (side(start + 1), side(start + 3));
            if marker <= 0xC1 {
                self.luma = luma_frame(data.unwrap_or_default(), start);
            }
        } else if marker == 0xDA && self.n_scanned == 0 {
            self.n_scanned = *bytes.get(start)?;
        }
        if marker == 0xE1
            && let Some(exif) = data.and_then(|data| data.strip_prefix(b"Exif\0\0"))
        {
            self.orientation.get_or_insert_with(|| exif::orientation(exif));
        }
        // What stands between scans belongs to them.
        if self.n_scanned == 0 {
            self.style.read(marker, data.unwrap_or_default());
        }
        Some(())
    }

    fn checked(mut self) -> Self {
        let upright = self.orientation.is_none_or(|tag| tag == Orientation::UPRIGHT);
        let whole = upright && usize::from(self.n_scanned) == self.components.len() && self.complete;
        self.style.set_frame(self.frame == 0xC2, &self.components);
        Self { luma: self.luma.filter(|_| whole), ..self }
    }

    /// Names the layout if no decoder of ours reads it.
    pub(super) fn unsupported(&self) -> Option<String> {
        let name = match (self.frame, self.bits, self.components.len()) {
            (0xC3 | 0xC7 | 0xCB | 0xCF, ..) => "lossless JPEG",
            (0xC5..=0xC6 | 0xCD..=0xCE, ..) => "hierarchical JPEG",
            (0xC9..=0xCA, ..) => "JPEG with arithmetic coding",
            (_, 8, 1 | 3) => return self.odd_sampling(),
            (_, 8, 4) => "CMYK colour",
            (_, 8, n) => return Some(format!("JPEG with {n} channels")),
            (_, bits, _) => return Some(format!("JPEG of {bits} bits")),
        };
        Some(name.to_owned())
    }

    /// Whether zune-jpeg decodes the layout rightly: all components in one scan, or progressive, and chroma
    /// at most as dense as luma. Where all of the image's chroma is in one block, it mixes in what is
    /// beyond the image.
    pub(super) fn is_common(&self) -> bool {
        let factors: Vec<_> = self.components.iter().map(|component| component.factors).collect();
        match factors[..] {
            [(1 | 2, 1 | 2)] => true,
            [luma @ (1 | 2, 1 | 2), (1, 1), (1, 1)] => {
                let is_small = luma != (1, 1) && (self.width <= 16 || self.height <= 16);
                (self.frame == 0xC2 || self.is_interleaved()) && !is_small
            }
            _ => false,
        }
    }

    /// Whether the components are in one scan.
    fn is_interleaved(&self) -> bool {
        self.frame != 0xC2 && usize::from(self.n_scanned) == self.components.len()
    }

    /// Names sampling that no decoder of ours reads rightly. In a scan of one component, jpeg-decoder expects
    /// as many blocks as the padded component has, but no more than the image; that is wrong for some
    /// sizes of components that are neither the densest nor the sparsest.
    fn odd_sampling(&self) -> Option<String> {
        let factors = || self.components.iter().map(|component| component.factors);
        let name = || {
            let factors: Vec<_> = factors().map(|(h, v)| format!("{h}x{v}")).collect();
            Some(format!("JPEG with the sampling factors {}", factors.join(", ")))
        };
        if factors().any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return name();
        }
        if self.is_common() || self.is_interleaved() {
            return None;
        }
        let densest = |side: fn((u8, u8)) -> u8| usize::from(factors().map(side).max().unwrap_or(1));
        let is_right = |length: usize, factor: u8, densest: usize| {
            let factor = usize::from(factor);
            let expected = (length.div_ceil(8 * densest) * factor).min(length.div_ceil(8));
            expected == (length * factor).div_ceil(densest).div_ceil(8)
        };
        let (h_max, v_max) = (densest(|(h, _)| h), densest(|(_, v)| v));
        let all_right =
            factors().all(|(h, v)| is_right(self.width, h, h_max) && is_right(self.height, v, v_max));
        if all_right { None } else { name() }
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

/// Decodes a whole file to gray or RGB, pixel by pixel.
pub(super) fn decode(bytes: &[u8], is_gray: bool, is_common: bool) -> Result<Vec<u8>, String> {
    if !is_common {
        return decode_uncommon(bytes, is_gray);
    }
    let options = DecoderOptions::default().set_strict_mode(false);
    let options = options.set_max_width(usize::MAX).set_max_height(usize::MAX);
    let colour = if is_gray { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = options.jpeg_set_out_colorspace(colour);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode().map_err(|error| error.to_string())
}

/// Decodes a layout that zune-jpeg decodes wrongly.
fn decode_uncommon(bytes: &[u8], is_gray: bool) -> Result<Vec<u8>, String> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let values = decoder.decode().map_err(|error| error.to_string())?;
    let expected = if is_gray { jpeg_decoder::PixelFormat::L8 } else { jpeg_decoder::PixelFormat::RGB24 };
    match decoder.info() {
        Some(info) if info.pixel_format == expected => Ok(values),
        _ => Err("it has another kind of colour than it announces".to_owned()),
    }
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
