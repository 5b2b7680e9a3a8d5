//! The text of a label file: its encoding, and edits that leave everything else byte for byte.

use std::ops::Range;

/// A label file's text, with the encoding to write it in again.
pub(super) struct Text {
    pub(super) text: String,
    encoding: Encoding,
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    /// One byte per character; any bytes survive, so it also serves Windows' code pages.
    Latin1,
}

impl Text {
    /// Decodes UTF-8, UTF-16 with a byte order mark, or else one byte per character.
    ///
    /// # Errors
    /// The bytes are no text.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (text, encoding) = match bytes {
            [0xEF, 0xBB, 0xBF, rest @ ..] => (utf8(rest)?, Encoding::Utf8Bom),
            [0xFF, 0xFE, rest @ ..] => (utf16(rest, u16::from_le_bytes)?, Encoding::Utf16Le),
            [0xFE, 0xFF, rest @ ..] => (utf16(rest, u16::from_be_bytes)?, Encoding::Utf16Be),
            _ => match str::from_utf8(bytes) {
                Ok(text) => (text.to_owned(), Encoding::Utf8),
                Err(_) => (bytes.iter().copied().map(char::from).collect(), Encoding::Latin1),
            },
        };
        let is_text = |byte: u8| byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0C');
        if text.bytes().all(is_text) { Ok(Self { text, encoding }) } else { Err(NO_TEXT.to_owned()) }
    }

    /// Encodes a text as this one was.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        let utf16 = |bom: &[u8], bytes: fn(u16) -> [u8; 2]| {
            bom.iter().copied().chain(text.encode_utf16().flat_map(bytes)).collect()
        };
        match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf8Bom => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Encoding::Utf16Le => utf16(b"\xFF\xFE", u16::to_le_bytes),
            Encoding::Utf16Be => utf16(b"\xFE\xFF", u16::to_be_bytes),
            // Decoding made no character above 255, and edits write ASCII.
            Encoding::Latin1 => text.chars().map(|character| character as u8).collect(),
        }
    }
}

const NO_TEXT: &str = "it is no text";

fn utf8(bytes: &[u8]) -> Result<String, String> {
    str::from_utf8(bytes).map(str::to_owned).map_err(|_| NO_TEXT.to_owned())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, odd) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(units.iter().copied().map(unit)).collect();
    text.ok().filter(|_| odd.is_empty()).ok_or_else(|| NO_TEXT.to_owned())
}

/// The line of a byte offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// The lines of a text with their line ends cut off, as byte ranges.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let from = start;
        start += line.len();
        from..from + line.trim_end_matches(['\n', '\r']).len()
    })
}

/// Replacements of parts of a text.
#[derive(Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(super) fn replace(&mut self, span: Range<usize>, with: String) {
        self.0.push((span, with));
    }

    /// Removes a part; edits inside it are lost with it.
    pub(super) fn remove(&mut self, span: Range<usize>) {
        self.0.push((span, String::new()));
    }

    /// Writes `value` in place of the number at `span`, in the shortest form within `tolerance` that keeps a
    /// decimal point if there was one. A value within `tolerance` of the old one stays as it was written.
    pub(super) fn number(&mut self, text: &str, span: Range<usize>, value: f64, tolerance: f64) {
        let written = &text[span.clone()];
        let is_same = written.parse::<f64>().is_ok_and(|old| (old - value).abs() < tolerance);
        if !is_same {
            let has_point = written.contains(['.', 'e', 'E']);
            let shortest = shortest(value, tolerance);
            let point = if has_point && !shortest.contains('.') { ".0" } else { "" };
            self.replace(span, shortest + point);
        }
    }

    /// Adds the edits of a part of the text that begins at `start`.
    pub(super) fn extend(&mut self, part: Self, start: usize) {
        let moved = part.0.into_iter().map(|(span, with)| (span.start + start..span.end + start, with));
        self.0.extend(moved);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn apply(mut self, text: &str) -> String {
        // The longest of the edits that begin at one place first: a removal hides what is inside it.
        self.0.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let mut edited = String::with_capacity(text.len());
        let mut done = 0;
        for (span, with) in self.0 {
            if span.start >= done {
                edited.push_str(&text[done..span.start]);
                edited.push_str(&with);
                done = span.end;
            }
        }
        edited.push_str(&text[done..]);
        edited
    }
}

/// The shortest decimal number within `tolerance` of `value`.
pub(super) fn shortest(value: f64, tolerance: f64) -> String {
    let is_near = |text: &String| text.parse::<f64>().is_ok_and(|read| (read - value).abs() <= tolerance);
    let text = (0..16).map(|digits| format!("{value:.digits$}")).find(is_near);
    let text = text.unwrap_or_else(|| value.to_string());
    // "-0" and "-0.00" are 0.
    if text.trim_matches(['-', '0', '.']).is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_survives() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let files = [
            "gaze é €\r\n".as_bytes().to_vec(),
            b"\xEF\xBB\xBF{\"x\": 1}".to_vec(),
            [b"\xFF\xFE".to_vec(), utf16("a €\n")].concat(),
            b"\xFE\xFF\0a\0\n".to_vec(),
            b"caf\xE9 1\n".to_vec(),
        ];
        for bytes in files {
            let text = Text::decode(&bytes).unwrap();
            assert_eq!(text.encode(&text.text), bytes);
        }
        assert_eq!(Text::decode(b"\xFF\xFEa\0\n\0").unwrap().text, "a\n");
        for bytes in [&b"\x93NUMPY\x01\0"[..], b"\xFF\xFEa", b"\xFF\xFE\0\xD8", b"\xEF\xBB\xBF\xFF"] {
            assert!(Text::decode(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn numbers_are_short_and_keep_their_style() {
        let edited = |written: &str, value: f64| {
            let mut edits = Edits::default();
            edits.number(written, 0..written.len(), value, 1e-6);
            edits.apply(written)
        };
        assert_eq!(edited("3", 1.5), "1.5");
        assert_eq!(edited("3.0", 2.0), "2.0");
        assert_eq!(edited("30", 10.0 / 3.0), "3.333333");
        assert_eq!(edited("3.000", 3.0), "3.000", "as it was written");
        assert_eq!(edited("3", -1e-9), "0");
    }

    #[test]
    fn a_removal_hides_the_edits_inside_it() {
        let mut edits = Edits::default();
        edits.replace(2..3, "X".to_owned());
        edits.remove(1..4);
        edits.replace(5..6, "Y".to_owned());
        assert_eq!(edits.apply("abcdefg"), "aeYg");
        assert_eq!(lines("a\r\nb\n\nc").map(|line| line.len()).collect::<Vec<_>>(), [1, 1, 0, 1]);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
