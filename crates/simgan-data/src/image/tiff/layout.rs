//! How a TIFF directory stores its pixels, and whether that is a way we read.

use super::directory::{Directory, Form};
use crate::image::Size;

/// Tags that say how the pixels are stored. A written file has its own.
pub(super) mod tag {
    pub(in super::super) const SUBFILE: u16 = 254;
    pub(in super::super) const OLD_SUBFILE: u16 = 255;
    pub(in super::super) const WIDTH: u16 = 256;
    pub(in super::super) const HEIGHT: u16 = 257;
    pub(in super::super) const BITS: u16 = 258;
    pub(in super::super) const COMPRESSION: u16 = 259;
    pub(in super::super) const PHOTOMETRIC: u16 = 262;
    pub(in super::super) const FILL_ORDER: u16 = 266;
    pub(in super::super) const STRIP_OFFSETS: u16 = 273;
    pub(in super::super) const ORIENTATION: u16 = 274;
    pub(in super::super) const N_SAMPLES: u16 = 277;
    pub(in super::super) const STRIP_ROWS: u16 = 278;
    pub(in super::super) const STRIP_BYTES: u16 = 279;
    pub(in super::super) const PLANAR: u16 = 284;
    pub(in super::super) const PREDICTOR: u16 = 317;
    pub(in super::super) const COLOR_MAP: u16 = 320;
    pub(in super::super) const TILE_WIDTH: u16 = 322;
    pub(in super::super) const TILE_HEIGHT: u16 = 323;
    pub(in super::super) const TILE_OFFSETS: u16 = 324;
    pub(in super::super) const TILE_BYTES: u16 = 325;
    pub(in super::super) const EXTRA: u16 = 338;
    pub(in super::super) const SAMPLE_FORMAT: u16 = 339;
}

/// How pixels are stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) form: Form,
    pub(super) size: Size,
    /// Values of a pixel: 1 to 4.
    pub(super) n_samples: usize,
    pub(super) bits: usize,
    pub(super) is_float: bool,
    pub(super) colour: Colour,
    pub(super) compression: Compression,
    pub(super) predictor: u64,
    /// Whether the bits of each byte are stored in reverse.
    pub(super) reversed: bool,
    /// Whether each channel is stored by itself.
    pub(super) planar: bool,
    /// Size of a strip or tile.
    pub(super) chunk: Size,
    pub(super) is_tiled: bool,
    pub(super) offsets: Vec<u64>,
    /// Bytes of each strip or tile, if the file says so.
    pub(super) lengths: Option<Vec<u64>>,
}

/// What a pixel's values mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Colour {
    Gray,
    /// Gray, of which the greatest value is black.
    WhiteIsZero,
    Rgb,
    /// Red, green and blue of each value.
    Palette(Vec<[u8; 3]>),
}

/// The lossless compressions that are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
}

/// Why a directory is not read.
#[derive(Debug, PartialEq)]
pub(in crate::image) enum Refusal {
    /// The file is damaged.
    Damaged(String),
    /// The file is of a kind that is not read; its name, a noun.
    Unsupported(String),
}

/// Maximum number of pixels of a tile, which may be larger than the image.
const MAX_TILE_PIXELS: usize = 1 << 24;

fn damaged<T>(reason: &str) -> Result<T, Refusal> {
    Err(Refusal::Damaged(reason.to_owned()))
}

fn unsupported<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(what.into()))
}

impl Layout {
    /// Reads a directory, without reserving memory for pixels.
    pub(super) fn of(directory: &Directory, form: Form) -> Result<Self, Refusal> {
        let number = |tag| directory.number(form, tag);
        let number_or = |tag, default| number(tag).unwrap_or(default);
        let (Some(width), Some(height)) = (number(tag::WIDTH), number(tag::HEIGHT)) else {
            return damaged("it does not say its width and height");
        };
        let size = size(width, height)?;
        let compression = compression(number_or(tag::COMPRESSION, 1))?;
        let n_samples = number_or(tag::N_SAMPLES, 1);
        let bits = bits(directory, form, n_samples)?;
        let is_float = is_float(directory, form, bits)?;
        let colour = colour(directory, form, n_samples, bits)?;
        let is_tiled = directory.get(tag::TILE_OFFSETS).is_some();
        let (offsets, lengths, chunk) = if is_tiled {
            let tile = self::size(number_or(tag::TILE_WIDTH, 0), number_or(tag::TILE_HEIGHT, 0))?;
            (tag::TILE_OFFSETS, tag::TILE_BYTES, tile)
        } else {
            let rows = number_or(tag::STRIP_ROWS, height).clamp(1, height);
            (tag::STRIP_OFFSETS, tag::STRIP_BYTES, self::size(width, rows)?)
        };
        let Some(offsets) = directory.numbers(form, offsets) else {
            return damaged("it does not say where its pixels are");
        };
        let layout = Self {
            form,
            size,
            n_samples: n_samples as usize,
            bits,
            is_float,
            colour,
            compression,
            predictor: number_or(tag::PREDICTOR, 1),
            reversed: number(tag::FILL_ORDER) == Some(2),
            planar: number(tag::PLANAR) == Some(2) && n_samples > 1,
            chunk,
            is_tiled,
            offsets,
            lengths: directory.numbers(form, lengths),
        };
        layout.checked()
    }

    fn checked(mut self) -> Result<Self, Refusal> {
        // As libtiff does, a predictor counts only with the compressions that have one.
        if !matches!(self.compression, Compression::Lzw | Compression::Deflate) {
            self.predictor = 1;
        }
        match self.predictor {
            1 => {}
            2 if self.bits >= 8 => {}
            3 if self.is_float => {}
            other => return unsupported(format!("predictor {other} of {}-bit values", self.bits)),
        }
        if self.is_tiled && self.chunk.width * self.chunk.height > MAX_TILE_PIXELS {
            return damaged("its tiles are absurdly large");
        }
        let n_planes = if self.planar { self.n_samples } else { 1 };
        if self.offsets.len() < n_planes * self.n_chunks() {
            return damaged("it does not say where all its pixels are");
        }
        Ok(self)
    }

    /// Number of strips or tiles of the image or, if it is planar, of a channel.
    pub(super) fn n_chunks(&self) -> usize {
        self.size.width.div_ceil(self.chunk.width) * self.size.height.div_ceil(self.chunk.height)
    }

    /// Channels of the decoded image, 1 or 3, and whether it has alpha.
    pub(super) fn channels(&self) -> (usize, bool) {
        match self.colour {
            Colour::Gray | Colour::WhiteIsZero => (1, self.n_samples > 1),
            Colour::Rgb => (3, self.n_samples > 3),
            Colour::Palette(_) => (3, false),
        }
    }

    /// Values of a pixel that are stored together.
    pub(super) fn n_together(&self) -> usize {
        if self.planar { 1 } else { self.n_samples }
    }

    /// Bytes of a row of a strip or tile.
    pub(super) fn row_bytes(&self) -> usize {
        (self.chunk.width * self.n_together() * self.bits).div_ceil(8)
    }
}

fn size(width: u64, height: u64) -> Result<Size, Refusal> {
    let side = |side: u64| usize::try_from(side).ok().filter(|side| (1..=1 << 26).contains(side));
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok(Size { width, height }),
        _ => damaged("it has no pixels, or absurdly many"),
    }
}

fn compression(number: u64) -> Result<Compression, Refusal> {
    let name = match number {
        1 => return Ok(Compression::None),
        5 => return Ok(Compression::Lzw),
        8 | 32946 => return Ok(Compression::Deflate),
        32773 => return Ok(Compression::PackBits),
        2..=4 | 32771 => "fax",
        6 | 7 => "JPEG",
        34661 => "JBIG",
        33003 | 33005 | 34712 => "JPEG 2000",
        34887 => "LERC",
        34892 | 52546 => "lossy raw",
        34925 => "LZMA",
        50000 | 34926 => "Zstandard",
        50001 => "WebP",
        50002 | 52546..=52550 => "JPEG XL",
        other => return unsupported(format!("compression {other} in TIFF")),
    };
    unsupported(format!("{name} compression in TIFF"))
}

fn bits(directory: &Directory, form: Form, n_samples: u64) -> Result<usize, Refusal> {
    let bits = directory.numbers(form, tag::BITS).unwrap_or_else(|| vec![1]);
    let Some(&first) = bits.first() else { return damaged("it does not say how many bits its values have") };
    // Some writers give one number for all channels.
    if bits.len() > 1 && bits.iter().take(n_samples as usize).any(|bits| *bits != first) {
        return unsupported("TIFF with a different number of bits in each channel");
    }
    if !matches!(first, 1 | 2 | 4 | 8 | 16 | 32 | 64) {
        return unsupported(format!("TIFF with {first} bits a value"));
    }
    Ok(first as usize)
}

fn is_float(directory: &Directory, form: Form, bits: usize) -> Result<bool, Refusal> {
    let formats = directory.numbers(form, tag::SAMPLE_FORMAT).unwrap_or_default();
    let format = formats.first().copied().unwrap_or(1);
    if formats.iter().any(|other| *other != format) {
        return unsupported("TIFF with a different kind of number in each channel");
    }
    match (format, bits) {
        // 4 is "undefined", which readers take for whole numbers.
        (1 | 4, 1..=16) => Ok(false),
        (3, 32) => Ok(true),
        (3, _) => unsupported(format!("{bits}-bit floating point in TIFF")),
        (1 | 4, _) => unsupported(format!("TIFF with {bits} bits a value")),
        (2, _) => unsupported("TIFF with signed values"),
        _ => unsupported("TIFF with complex values"),
    }
}

fn colour(directory: &Directory, form: Form, n_samples: u64, bits: usize) -> Result<Colour, Refusal> {
    let name = match (directory.number(form, tag::PHOTOMETRIC), n_samples) {
        (Some(0), 1 | 2) => return Ok(Colour::WhiteIsZero),
        (Some(1), 1 | 2) => return Ok(Colour::Gray),
        (Some(2), 3 | 4) if bits >= 8 => return Ok(Colour::Rgb),
        (Some(3), 1) if bits <= 8 => return palette(directory, form, bits),
        // Without the tag, the number of channels tells.
        (None, 1) => return Ok(Colour::Gray),
        (None, 3) if bits >= 8 => return Ok(Colour::Rgb),
        (Some(2), 3 | 4) => return unsupported(format!("RGB of {bits} bits in TIFF")),
        (Some(3), 1) => return unsupported(format!("a palette of {bits} bits in TIFF")),
        (Some(0..=2) | None, _) => return unsupported(format!("TIFF with {n_samples} channels")),
        (Some(3), _) => return unsupported("a palette with further channels in TIFF"),
        (Some(4), _) => "a transparency mask",
        (Some(5), _) => "CMYK colour",
        (Some(6), _) => "YCbCr colour",
        (Some(8..=10), _) => "Lab colour",
        (Some(32803 | 34892), _) => "raw camera data",
        (Some(32844 | 32845), _) => "LogLuv colour",
        (Some(other), _) => return unsupported(format!("colour of kind {other} in TIFF")),
    };
    unsupported(format!("{name} in TIFF"))
}

fn palette(directory: &Directory, form: Form, bits: usize) -> Result<Colour, Refusal> {
    let map = directory.numbers(form, tag::COLOR_MAP).unwrap_or_default();
    let n = 1 << bits;
    if map.len() < 3 * n {
        return damaged("its palette is not whole");
    }
    // As libtiff does, for the writers that gave entries of 8 bits.
    let shift = if map[..3 * n].iter().all(|value| *value < 256) { 0 } else { 8 };
    let entry = |i: usize| [i, n + i, 2 * n + i].map(|at| (map[at] >> shift) as u8);
    Ok(Colour::Palette((0..n).map(entry).collect()))
}
