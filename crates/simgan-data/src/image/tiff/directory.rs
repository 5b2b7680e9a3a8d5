//! A TIFF file's directories: tags and their values, in classic TIFF and BigTIFF, of either byte order.

use std::ops::Range;

/// How a file writes numbers: its byte order, and whether it is BigTIFF, with offsets of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) struct Form {
    pub(super) little: bool,
    pub(in crate::image) big: bool,
}

/// The tags of one image in a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
}

/// One tag with its value, in the file's byte order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) count: u64,
    pub(super) bytes: Vec<u8>,
    /// The directory that the value is the offset of; EXIF and GPS data are directories of their own.
    pub(super) sub: Option<Directory>,
}

/// Why a file's structure cannot be read.
const CUT: &str = "it ends too early";
/// Tags whose value is a directory: EXIF, GPS, and interoperability within EXIF.
const SUB_DIRECTORIES: [u16; 3] = [34665, 34853, 40965];

impl Form {
    /// Reads a file's header; also returns the first directory's offset. `None` if it is no TIFF file.
    pub(in crate::image) fn of(bytes: &[u8]) -> Option<(Self, Result<u64, &'static str>)> {
        let little = match bytes.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let form = |big| Self { little, big };
        match form(false).number(bytes, 2..4)? {
            42 => Some((form(false), form(false).number(bytes, 4..8).ok_or(CUT))),
            43 => Some((form(true), form(true).number(bytes, 8..16).ok_or(CUT))),
            _ => None,
        }
    }

    /// The number of up to 8 bytes at `range`.
    pub(in crate::image) fn number(self, bytes: &[u8], range: Range<usize>) -> Option<u64> {
        let digits = bytes.get(range)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.little { digits.iter().rev().fold(0, fold) } else { digits.iter().fold(0, fold) })
    }

    /// A tag of whole numbers.
    pub(super) fn entry(self, tag: u16, kind: u16, values: &[u64]) -> Entry {
        let width = kind_size(kind).unwrap_or(8);
        let bytes = values.iter().flat_map(|value| self.digits(*value, width)).collect();
        Entry { tag, kind, count: values.len() as u64, bytes, sub: None }
    }

    /// The lowest `width` bytes of a number.
    pub(in crate::image) fn digits(self, value: u64, width: usize) -> Vec<u8> {
        let bytes = value.to_le_bytes();
        let digits = bytes[..width].iter().copied();
        if self.little { digits.collect() } else { digits.rev().collect() }
    }

    /// Bytes of a directory's count of entries, of an entry, and of an offset.
    pub(super) fn widths(self) -> (usize, usize, usize) {
        if self.big { (8, 20, 8) } else { (2, 12, 4) }
    }

    /// All directories of the file, in order.
    pub(super) fn directories(self, bytes: &[u8], first: u64) -> Result<Vec<Directory>, &'static str> {
        let mut reader = Reader { form: self, bytes, left: bytes.len() };
        let mut found = Vec::new();
        let mut at = first;
        while at != 0 {
            let (directory, next) = reader.directory(at, 0)?;
            found.push(directory);
            at = next;
        }
        Ok(found)
    }
}

struct Reader<'a> {
    form: Form,
    bytes: &'a [u8],
    /// Bytes that may still be read: no more than the file has, however its offsets overlap or turn back.
    left: usize,
}

impl Reader<'_> {
    /// The directory at `at` and the offset of the next.
    fn directory(&mut self, at: u64, depth: u8) -> Result<(Directory, u64), &'static str> {
        let at = usize::try_from(at).map_err(|_| CUT)?;
        let (count_width, entry_width, offset_width) = self.form.widths();
        let start = at.checked_add(count_width).ok_or(CUT)?;
        let n_entries = self.number(at..start)?;
        let table = usize::try_from(n_entries).ok().and_then(|n| n.checked_mul(entry_width)).ok_or(CUT)?;
        let end = start.checked_add(table).filter(|end| *end <= self.bytes.len()).ok_or(CUT)?;
        self.take(end - at)?;
        let mut entries = Vec::new();
        for entry in (start..end).step_by(entry_width) {
            entries.extend(self.entry(entry, depth)?);
        }
        let next = self.number(end..end.saturating_add(offset_width)).unwrap_or(0);
        Ok((Directory { entries }, next))
    }

    /// The entry at `at`; `None` if its kind is unknown, which readers are to pass over.
    fn entry(&mut self, at: usize, depth: u8) -> Result<Option<Entry>, &'static str> {
        let (tag, kind) = (self.number(at..at + 2)? as u16, self.number(at + 2..at + 4)? as u16);
        let (_, entry_width, offset_width) = self.form.widths();
        let field = at + entry_width - offset_width;
        let count = self.number(at + 4..field)?;
        let Some(size) = kind_size(kind) else { return Ok(None) };
        let n_bytes = usize::try_from(count).ok().and_then(|n| n.checked_mul(size)).ok_or(CUT)?;
        let start = if n_bytes <= offset_width {
            field
        } else {
            usize::try_from(self.number(field..field + offset_width)?).map_err(|_| CUT)?
        };
        let end = start.checked_add(n_bytes).ok_or(CUT)?;
        let bytes = self.bytes.get(start..end).ok_or(CUT)?.to_vec();
        if start != field {
            self.take(n_bytes)?;
        }
        let mut entry = Entry { tag, kind, count, bytes, sub: None };
        if SUB_DIRECTORIES.contains(&tag) {
            let offset = entry.number(self.form).filter(|_| depth < 2);
            // Damaged camera data do not make the image unreadable.
            entry.sub = offset.and_then(|at| self.directory(at, depth + 1).ok()).map(|(found, _)| found);
            return Ok(entry.sub.is_some().then_some(entry));
        }
        Ok(Some(entry))
    }

    fn number(&self, range: Range<usize>) -> Result<u64, &'static str> {
        self.form.number(self.bytes, range).ok_or(CUT)
    }

    fn take(&mut self, n_bytes: usize) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(n_bytes).ok_or("its directories overlap")?;
        Ok(())
    }
}

impl Entry {
    /// The value's only or first whole number.
    fn number(&self, form: Form) -> Option<u64> {
        let size = kind_size(self.kind).filter(|_| matches!(self.kind, 1 | 3 | 4 | 13 | 16 | 18))?;
        form.number(&self.bytes, 0..size)
    }
}

impl Directory {
    pub(super) fn get(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The whole numbers of a tag; `None` if it is missing or holds something else.
    pub(super) fn numbers(&self, form: Form, tag: u16) -> Option<Vec<u64>> {
        let entry = self.get(tag)?;
        if !matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return None;
        }
        let size = kind_size(entry.kind)?;
        let number = |at| form.number(&entry.bytes, at..at + size);
        (0..entry.bytes.len()).step_by(size).map(number).collect()
    }

    /// A tag's only or first number.
    pub(super) fn number(&self, form: Form, tag: u16) -> Option<u64> {
        self.numbers(form, tag)?.first().copied()
    }
}

/// Bytes of one value of a kind.
fn kind_size(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}
