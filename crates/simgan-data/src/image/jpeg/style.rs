//! How a JPEG file is written: with the quantization tables, the chroma subsampling and the segments of the
//! file that it came from.

use jpeg_encoder::SamplingFactor;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, QuantizationTableType};

use super::Component;
use crate::image::{Size, exif};

/// Quality, from 1 to 100, of files that come from no JPEG file. High and without chroma subsampling: a
/// refined image should show the refiner's changes, not the compression's.
const QUALITY: u8 = 95;

/// What a file says besides pixels, and how it compresses.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::image) struct Style {
    /// Density, EXIF, profile, comments and the like, each with its marker.
    segments: Vec<(u8, Vec<u8>)>,
    /// Quantization tables in the order of rows.
    tables: [Option<Box<[u16; 64]>>; 4],
    /// The tables of luma and of chroma.
    chosen: [u8; 2],
    /// Sampling factors of luma, if those of chroma are 1.
    sampling: Option<(u8, u8)>,
    is_progressive: bool,
    restart: Option<u16>,
}

impl Style {
    /// Records a segment that precedes the first scan.
    pub(super) fn read(&mut self, marker: u8, data: &[u8]) {
        match marker {
            0xDB => self.read_tables(data),
            0xDD if data.len() == 2 => self.restart = Some(u16::from_be_bytes([data[0], data[1]])),
            // Not Adobe's (EE), which is on the colours of the old file, and not pictures that follow the
            // image and are found by their offsets (E2, MPF).
            0xE0..=0xED | 0xEF | 0xFE if !(marker == 0xE2 && data.starts_with(b"MPF\0")) => {
                self.segments.push((marker, data.to_vec()));
            }
            _ => {}
        }
    }

    fn read_tables(&mut self, mut data: &[u8]) {
        while let Some((&head, rest)) = data.split_first() {
            let width = if head >> 4 == 0 { 1 } else { 2 };
            let Some(values) = rest.get(..64 * width) else { return };
            data = &rest[64 * width..];
            let mut table = Box::new([0; 64]);
            for (value, place) in values.chunks_exact(width).zip(zigzag()) {
                table[place] = value.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            }
            if let Some(slot) = self.tables.get_mut(usize::from(head & 15)) {
                *slot = Some(table);
            }
        }
    }

    pub(super) fn set_frame(&mut self, is_progressive: bool, components: &[Component]) {
        self.is_progressive = is_progressive;
        let table = |i: usize| components.get(i).map_or(0, |component| component.table);
        self.chosen = [table(0), table(1)];
        let [luma, chroma @ ..] = components else { return };
        if chroma.iter().all(|component| component.factors == (1, 1)) {
            self.sampling = Some(luma.factors);
        }
    }

    /// Encodes an image's interleaved values.
    pub(in crate::image) fn encode(
        &self,
        values: &[u8],
        size: Size,
        is_gray: bool,
    ) -> Result<Vec<u8>, String> {
        let (Ok(width), Ok(height)) = (u16::try_from(size.width), u16::try_from(size.height)) else {
            return Err("its sides have at most 65535 pixels".to_owned());
        };
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, QUALITY);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        if let [Some(luma), Some(chroma)] = self.chosen.map(|table| self.table(table)) {
            encoder.set_quantization_tables(luma, chroma);
        }
        let sampling = self.sampling.filter(|_| !is_gray);
        if let Some(sampling) = sampling.and_then(|(h, v)| SamplingFactor::from_factors(h, v)) {
            encoder.set_sampling_factor(sampling);
        }
        encoder.set_progressive(self.is_progressive);
        if let Some(restart) = self.restart {
            encoder.set_restart_interval(restart);
        }
        let color = if is_gray { ColorType::Luma } else { ColorType::Rgb };
        encoder.encode(values, width, height, color).map_err(|error: EncodingError| error.to_string())?;
        Ok(self.with_segments(file))
    }

    fn table(&self, index: u8) -> Option<QuantizationTableType> {
        let table = self.tables.get(usize::from(index))?.as_ref()?;
        // The encoder writes tables of 8 bits.
        Some(QuantizationTableType::Custom(Box::new(table.map(|value| value.clamp(1, 255)))))
    }

    /// Puts the segments in place of the encoder's own density.
    fn with_segments(&self, mut file: Vec<u8>) -> Vec<u8> {
        if self.segments.is_empty() {
            return file;
        }
        let density = match file.get(2..6) {
            Some(&[0xFF, 0xE0, high, low]) => 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        };
        let whole = self.segments.iter().flat_map(|(marker, data)| {
            let length = (data.len() as u16 + 2).to_be_bytes();
            [&[0xFF, *marker], &length[..], data].concat()
        });
        file.splice(2..2 + density, whole);
        file
    }

    /// Corrects what depends on the image's size.
    pub(in crate::image) fn resize(&mut self, size: Size) {
        for (marker, data) in &mut self.segments {
            if *marker == 0xE1 && data.starts_with(b"Exif\0\0") {
                exif::resize(&mut data[6..], size);
            }
        }
    }
}

/// The places, counted by rows, of a block's values in the order in which they are stored.
fn zigzag() -> impl Iterator<Item = usize> {
    (0..15usize).flat_map(|sum| {
        let diagonal = (0..8usize).filter(move |i| (0..8).contains(&sum.wrapping_sub(*i)));
        let place = move |i: usize| if sum % 2 == 0 { (sum - i, i) } else { (i, sum - i) };
        diagonal.map(place).map(|(row, column)| 8 * row + column)
    })
}
