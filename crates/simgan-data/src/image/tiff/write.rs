//! Writes an image with the tags, the byte order and the compression of the file that it came from.

use super::directory::{Directory, Entry, Form};
use super::layout::{Colour, Compression, Layout, tag};
use super::{Tiff, chunk};
use crate::image::{BitDepth, ImageSpec, Size};

/// Bytes of a strip before compression, about.
const STRIP_BYTES: usize = 1 << 16;

/// Tags that are not copied: those that say how pixels are stored, which the written file has anew; those
/// that point into the file; and statistics of the old pixels.
const NOT_COPIED: [u16; 34] = [
    tag::SUBFILE,
    tag::OLD_SUBFILE,
    tag::WIDTH,
    tag::HEIGHT,
    tag::BITS,
    tag::COMPRESSION,
    tag::PHOTOMETRIC,
    tag::FILL_ORDER,
    tag::STRIP_OFFSETS,
    tag::N_SAMPLES,
    tag::STRIP_ROWS,
    tag::STRIP_BYTES,
    tag::PLANAR,
    tag::PREDICTOR,
    tag::COLOR_MAP,
    tag::TILE_WIDTH,
    tag::TILE_HEIGHT,
    tag::TILE_OFFSETS,
    tag::TILE_BYTES,
    tag::EXTRA,
    tag::SAMPLE_FORMAT,
    280, // smallest and greatest value, in two forms
    281,
    340,
    341,
    288, // free space in the file
    289,
    330, // offsets of further images
    347, // JPEG tables
    513,
    514,
    529, // YCbCr
    530,
    532,
];

impl Tiff {
    /// What a new file says: no tags, no compression.
    pub(in crate::image) fn plain() -> Self {
        let layout = Layout {
            form: Form { little: true, big: false },
            size: Size { width: 0, height: 0 },
            n_samples: 1,
            bits: 8,
            is_float: false,
            colour: Colour::Gray,
            compression: Compression::None,
            predictor: 1,
            reversed: false,
            planar: false,
            chunk: Size { width: 0, height: 0 },
            is_tiled: false,
            offsets: Vec::new(),
            lengths: None,
        };
        Self { layout, directory: Directory { entries: Vec::new() }, has_copies: false }
    }

    /// Encodes an image, of which `values` are the bytes pixel by pixel, alpha last, in native byte order.
    pub(in crate::image) fn encode(
        &self,
        spec: ImageSpec,
        has_alpha: bool,
        values: Vec<u8>,
    ) -> std::io::Result<Vec<u8>> {
        let layout = self.written(spec, has_alpha);
        let values = stored(values, &layout);
        let form = layout.form;
        let mut file = Output { form, bytes: header(form) };
        let (mut offsets, mut lengths) = (Vec::new(), Vec::new());
        for strip in values.chunks(layout.row_bytes() * layout.chunk.height) {
            let mut rows = strip.to_vec();
            rows.chunks_exact_mut(layout.row_bytes()).for_each(|row| chunk::predict(row, &layout));
            let packed = chunk::packed(&rows, layout.compression, layout.row_bytes())?;
            offsets.push(file.add(&packed)?);
            lengths.push(packed.len() as u64);
        }
        let mut entries = layout.entries(&offsets, &lengths);
        let copied = |entry: &&Entry| !NOT_COPIED.contains(&entry.tag);
        entries.extend(self.directory.entries.iter().filter(copied).cloned());
        if has_alpha {
            let extra = self.directory.get(tag::EXTRA).cloned();
            // 2 is alpha by which the colours are not multiplied.
            entries.push(extra.unwrap_or_else(|| form.entry(tag::EXTRA, 3, &[2])));
        }
        let at = file.directory(entries)?;
        let end = if form.big { 16 } else { 8 };
        let width = if form.big { 8 } else { 4 };
        let digits = form.digits(at, width);
        file.bytes[end - width..end].copy_from_slice(&digits);
        Ok(file.bytes)
    }

    /// How an image is written.
    fn written(&self, spec: ImageSpec, has_alpha: bool) -> Layout {
        let bits = match spec.depth {
            BitDepth::Eight => 8,
            BitDepth::Sixteen => 16,
            BitDepth::Float => 32,
        };
        let is_float = spec.depth == BitDepth::Float;
        let n_samples = spec.channels + usize::from(has_alpha);
        let rows = (STRIP_BYTES / (spec.width * n_samples * bits / 8)).clamp(1, spec.height);
        let white_is_zero = spec.channels == 1 && self.layout.colour == Colour::WhiteIsZero;
        Layout {
            form: self.layout.form,
            size: spec.size(),
            n_samples,
            bits,
            is_float,
            colour: match spec.channels {
                1 if white_is_zero => Colour::WhiteIsZero,
                1 => Colour::Gray,
                _ => Colour::Rgb,
            },
            compression: self.layout.compression,
            predictor: if self.layout.predictor == 3 && !is_float { 1 } else { self.layout.predictor },
            reversed: false,
            planar: false,
            chunk: Size { width: spec.width, height: rows },
            is_tiled: false,
            offsets: Vec::new(),
            lengths: None,
        }
    }
}

impl Layout {
    /// The tags that say how pixels are stored.
    fn entries(&self, offsets: &[u64], lengths: &[u64]) -> Vec<Entry> {
        let photometric = match self.colour {
            Colour::WhiteIsZero => 0,
            Colour::Gray => 1,
            _ => 2,
        };
        let compression = match self.compression {
            Compression::None => 1,
            Compression::Lzw => 5,
            Compression::Deflate => 8,
            Compression::PackBits => 32773,
        };
        let form = self.form;
        let short = |tag, value: u64| form.entry(tag, 3, &[value]);
        let long = |tag, values: &[u64]| form.entry(tag, if form.big { 16 } else { 4 }, values);
        let format = if self.is_float { 3 } else { 1 };
        let mut entries = vec![
            long(tag::WIDTH, &[self.size.width as u64]),
            long(tag::HEIGHT, &[self.size.height as u64]),
            form.entry(tag::BITS, 3, &vec![self.bits as u64; self.n_samples]),
            short(tag::COMPRESSION, compression),
            short(tag::PHOTOMETRIC, photometric),
            long(tag::STRIP_OFFSETS, offsets),
            short(tag::N_SAMPLES, self.n_samples as u64),
            long(tag::STRIP_ROWS, &[self.chunk.height as u64]),
            long(tag::STRIP_BYTES, lengths),
            form.entry(tag::SAMPLE_FORMAT, 3, &vec![format; self.n_samples]),
        ];
        if self.predictor != 1 {
            entries.push(short(tag::PREDICTOR, self.predictor));
        }
        entries
    }
}

struct Output {
    form: Form,
    bytes: Vec<u8>,
}

impl Output {
    /// Appends bytes at an even offset, which it returns.
    fn add(&mut self, bytes: &[u8]) -> std::io::Result<u64> {
        self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        let at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        if !self.form.big && self.bytes.len() as u64 > u64::from(u32::MAX) {
            return Err(std::io::Error::other("it is larger than 4 GiB, which needs BigTIFF"));
        }
        Ok(at)
    }

    /// Appends a directory after the values and the directories that it refers to; returns its offset.
    fn directory(&mut self, mut entries: Vec<Entry>) -> std::io::Result<u64> {
        let form = self.form;
        let (count_width, _, offset_width) = form.widths();
        entries.sort_by_key(|entry| entry.tag);
        let mut table = form.digits(entries.len() as u64, count_width);
        for mut entry in entries {
            if let Some(sub) = entry.sub.take() {
                let at = self.directory(sub.entries)?;
                entry = form.entry(entry.tag, if form.big { 18 } else { 4 }, &[at]);
            }
            table.extend(form.digits(u64::from(entry.tag), 2));
            table.extend(form.digits(u64::from(entry.kind), 2));
            table.extend(form.digits(entry.count, offset_width));
            if entry.bytes.len() > offset_width {
                entry.bytes = form.digits(self.add(&entry.bytes)?, offset_width);
            }
            entry.bytes.resize(offset_width, 0);
            table.extend(entry.bytes);
        }
        table.extend(form.digits(0, offset_width));
        self.add(&table)
    }
}

fn header(form: Form) -> Vec<u8> {
    let mut header = if form.little { b"II".to_vec() } else { b"MM".to_vec() };
    let version = if form.big { 43 } else { 42 };
    header.extend(form.digits(version, 2));
    if form.big {
        header.extend([form.digits(8, 2), form.digits(0, 2)].concat());
    }
    // The first directory's offset, written last.
    header.extend(vec![0; if form.big { 8 } else { 4 }]);
    header
}

/// Brings values to the byte order of the file, and gray to its direction.
fn stored(mut values: Vec<u8>, layout: &Layout) -> Vec<u8> {
    let n_bytes = layout.bits / 8;
    if layout.colour == Colour::WhiteIsZero && !layout.is_float {
        // All bits of gray, but not of alpha, are inverted: that is the greatest value minus the value.
        let pixel = n_bytes * layout.n_samples;
        values.chunks_exact_mut(pixel).for_each(|pixel| pixel[..n_bytes].iter_mut().for_each(|b| *b = !*b));
    }
    if layout.form.little != cfg!(target_endian = "little") {
        values.chunks_exact_mut(n_bytes).for_each(<[u8]>::reverse);
    }
    values
}
