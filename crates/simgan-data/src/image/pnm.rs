//! PBM, PGM, PPM and PAM files.

use super::{BitDepth, ImageSpec};

/// A file's header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pnm {
    /// The second letter of the signature, from 1 to 7.
    kind: u8,
    width: usize,
    height: usize,
    /// Values of a pixel: 1 to 4.
    n_samples: usize,
    max: u16,
    /// Where the pixels begin.
    start: usize,
}

impl Pnm {
    /// A new file of an image.
    pub(super) fn plain() -> Self {
        Self { kind: b'5', width: 0, height: 0, n_samples: 1, max: 0, start: 0 }
    }

    /// Reads the header; the error says what is wrong.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, String> {
        let mut words = Words { bytes, at: 2 };
        let kind = bytes[1];
        if kind == b'7' {
            return pam(words);
        }
        let (width, height) = (words.number()?, words.number()?);
        let max = if matches!(kind, b'1' | b'4') { 1 } else { words.number()? };
        let n_samples = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
        // One blank ends the header.
        Self { kind, width, height, n_samples, max: 0, start: words.at + 1 }.with_max(max)
    }

    fn with_max(self, max: usize) -> Result<Self, String> {
        let max = u16::try_from(max).ok().filter(|max| *max > 0);
        Ok(Self { max: max.ok_or("its greatest value is not from 1 to 65535")?, ..self })
    }

    pub(super) fn spec(&self) -> ImageSpec {
        let channels = if self.n_samples < 3 { 1 } else { 3 };
        let depth = if self.max > 255 { BitDepth::Sixteen } else { BitDepth::Eight };
        ImageSpec { channels, height: self.height, width: self.width, depth }
    }

    pub(super) fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Decodes the values, pixel by pixel, scaled from the file's greatest value to that of 8 or 16 bits.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Vec<u16>, String> {
        let n_values = self.width * self.height * self.n_samples;
        let data = bytes.get(self.start..).unwrap_or_default();
        let mut values = match self.kind {
            b'1' => digits(data, n_values),
            b'2' | b'3' => {
                let mut words = Words { bytes: data, at: 0 };
                let value = |_| words.number().ok().and_then(|value| u16::try_from(value).ok());
                (0..n_values).map_while(value).collect()
            }
            b'4' => {
                let row = self.width.div_ceil(8);
                let bit = |i: usize| {
                    let (y, x) = (i / self.width, i % self.width);
                    Some(u16::from(data.get(y * row + x / 8)? >> (7 - x % 8) & 1))
                };
                (0..n_values).map_while(bit).collect()
            }
            _ if self.max > 255 => {
                data.as_chunks().0.iter().take(n_values).map(|value| u16::from_be_bytes(*value)).collect()
            }
            _ => data.iter().take(n_values).map(|value| u16::from(*value)).collect::<Vec<_>>(),
        };
        if values.len() < n_values {
            return Err("it ends too early".to_owned());
        }
        if self.is_followed(data) {
            return Err("it holds several images".to_owned());
        }
        if values.iter().any(|value| *value > self.max) {
            return Err(format!("it has values above its greatest, {}", self.max));
        }
        if matches!(self.kind, b'1' | b'4') {
            values.iter_mut().for_each(|value| *value = 1 - *value); // 1 is black
        }
        let (max, full) = (u32::from(self.max), self.full());
        if max != full {
            let scaled = |value: u32| ((value * full + max / 2) / max) as u16;
            values.iter_mut().for_each(|value| *value = scaled(u32::from(*value)));
        }
        Ok(values)
    }

    /// Whether another image follows the pixels of a binary file.
    fn is_followed(&self, data: &[u8]) -> bool {
        let row = match self.kind {
            b'1'..=b'3' => return false,
            b'4' => self.width.div_ceil(8),
            _ => self.width * self.n_samples * if self.max > 255 { 2 } else { 1 },
        };
        data.get(row * self.height..).is_some_and(|rest| rest.starts_with(b"P"))
    }

    /// The greatest value of the decoded image.
    fn full(&self) -> u32 {
        if self.max > 255 { 65535 } else { 255 }
    }

    /// Encodes values, pixel by pixel. The file's kind and greatest value stay where they can: what was black
    /// and white becomes gray, and text becomes binary.
    pub(super) fn encode(&self, spec: ImageSpec, has_alpha: bool, values: &[u16]) -> Vec<u8> {
        let full = if spec.depth == BitDepth::Sixteen { 65535 } else { 255 };
        let keeps_max = u32::from(self.max) > 1 && self.full() == full;
        let max = if keeps_max { u32::from(self.max) } else { full };
        let ImageSpec { width, height, channels, .. } = spec;
        let mut file = if has_alpha || self.kind == b'7' {
            let (depth, name) = match (channels, has_alpha) {
                (1, false) => (1, "GRAYSCALE"),
                (1, true) => (2, "GRAYSCALE_ALPHA"),
                (_, false) => (3, "RGB"),
                (_, true) => (4, "RGB_ALPHA"),
            };
            format!(
                "P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {max}\nTUPLTYPE {name}\nENDHDR\n"
            )
        } else {
            format!("P{}\n{width} {height}\n{max}\n", if channels == 1 { 5 } else { 6 })
        }
        .into_bytes();
        for value in values {
            let value = ((u32::from(*value) * max + full / 2) / full) as u16;
            file.extend_from_slice(&value.to_be_bytes()[usize::from(max < 256)..]);
        }
        file
    }
}

/// Reads the header of a PAM file.
fn pam(mut words: Words) -> Result<Pnm, String> {
    let mut pnm = Pnm { kind: b'7', ..Pnm::plain() };
    let (mut max, mut name) = (0, String::new());
    loop {
        match words.word()? {
            b"WIDTH" => pnm.width = words.number()?,
            b"HEIGHT" => pnm.height = words.number()?,
            b"DEPTH" => pnm.n_samples = words.number()?,
            b"MAXVAL" => max = words.number()?,
            b"TUPLTYPE" => name = String::from_utf8_lossy(words.word()?).into_owned(),
            b"ENDHDR" => break,
            _ => return Err("its header is damaged".to_owned()),
        }
    }
    pnm.start = words.at + 1;
    let is_known = matches!(
        (pnm.n_samples, name.as_str()),
        (1, "BLACKANDWHITE" | "GRAYSCALE" | "")
            | (2, "BLACKANDWHITE_ALPHA" | "GRAYSCALE_ALPHA")
            | (3, "RGB" | "")
            | (4, "RGB_ALPHA")
    );
    if !is_known {
        return Err(format!("its {} channels are \"{}\"", pnm.n_samples, name.escape_debug()));
    }
    pnm.with_max(max)
}

/// The digits 0 and 1 of a PBM file as text, which need no blanks between them.
fn digits(data: &[u8], n_values: usize) -> Vec<u16> {
    let digit = |byte: &u8| match byte {
        b'0' => Some(0),
        b'1' => Some(1),
        _ => None,
    };
    data.iter().filter_map(digit).take(n_values).collect()
}

/// The words of a header, between blanks and comments.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn word(&mut self) -> Result<&'a [u8], String> {
        loop {
            match self.bytes.get(self.at) {
                Some(b'#') => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                Some(byte) if byte.is_ascii_whitespace() => self.at += 1,
                Some(_) => break,
                None => return Err("it ends too early".to_owned()),
            }
        }
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        self.at += length;
        Ok(&rest[..length])
    }

    fn number(&mut self) -> Result<usize, String> {
        let word = self.word()?;
        let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        number.ok_or_else(|| "its header is damaged".to_owned())
    }
}
