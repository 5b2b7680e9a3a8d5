use super::MatError;

/// The bytes of a file, or of an unpacked variable, with their position for errors.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    place: Place,
    pub(super) big_endian: bool,
}

/// Position of the first byte.
#[derive(Clone, Copy)]
enum Place {
    /// Offset in the file.
    File(usize),
    /// Offset `.1` in the unpacked content of the variable that starts at `.0` in the file.
    Inflated(usize, usize),
}

/// A data element: a type tag and its data.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) kind: u32,
    pub(super) data: Bytes<'a>,
}

/// Element types, by the format's numbers.
pub(super) mod kind {
    pub(in super::super) const INT8: u32 = 1;
    pub(in super::super) const UINT8: u32 = 2;
    pub(in super::super) const INT16: u32 = 3;
    pub(in super::super) const UINT16: u32 = 4;
    pub(in super::super) const INT32: u32 = 5;
    pub(in super::super) const UINT32: u32 = 6;
    pub(in super::super) const SINGLE: u32 = 7;
    pub(in super::super) const DOUBLE: u32 = 9;
    pub(in super::super) const INT64: u32 = 12;
    pub(in super::super) const UINT64: u32 = 13;
    pub(in super::super) const MATRIX: u32 = 14;
    pub(in super::super) const COMPRESSED: u32 = 15;
    pub(in super::super) const UTF8: u32 = 16;
    pub(in super::super) const UTF16: u32 = 17;
    pub(in super::super) const UTF32: u32 = 18;
}

impl<'a> Bytes<'a> {
    pub(super) fn of_file(all: &'a [u8], big_endian: bool) -> Self {
        Self { all, place: Place::File(0), big_endian }
    }

    /// Wraps the unpacked content of the compressed variable that starts here.
    pub(super) fn of_inflated<'b>(&self, all: &'b [u8]) -> Bytes<'b> {
        let offset = match self.place {
            Place::File(at) | Place::Inflated(at, _) => at,
        };
        Bytes { all, place: Place::Inflated(offset, 0), big_endian: self.big_endian }
    }

    pub(super) fn as_slice(&self) -> &'a [u8] {
        self.all
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Splits off and returns the first `n` bytes.
    pub(super) fn take(&mut self, n: usize) -> Result<Self, MatError> {
        let Some((taken, rest)) = self.all.split_at_checked(n) else {
            return Err(self.error(format!("{n} bytes are announced, but {} are left,", self.all.len())));
        };
        let taken = Self { all: taken, ..*self };
        self.all = rest;
        self.place = match self.place {
            Place::File(at) => Place::File(at + n),
            Place::Inflated(outer, at) => Place::Inflated(outer, at + n),
        };
        Ok(taken)
    }

    /// Splits off and returns the next element, skipping its padding.
    pub(super) fn element(&mut self) -> Result<Element<'a>, MatError> {
        let start = *self;
        let first = self.u32()?;
        // A short element packs its length, its type and up to 4 bytes of data into 8 bytes.
        let (small_len, kind) = ((first >> 16) as usize, first & 0xFFFF);
        if small_len > 0 {
            if small_len > 4 {
                return Err(start.error(format!("a short element has {small_len} bytes instead of 4")));
            }
            return Ok(Element { kind, data: self.take(4)?.take(small_len)? });
        }
        let n_bytes = self.u32()? as usize;
        let data = self.take(n_bytes)?;
        // Only compressed variables are unpadded. The last padding of a file may be missing.
        let padding = if kind == kind::COMPRESSED { 0 } else { (8 - n_bytes % 8) % 8 };
        self.take(padding.min(self.all.len()))?;
        Ok(Element { kind, data })
    }

    fn u32(&mut self) -> Result<u32, MatError> {
        let taken = self.take(4)?;
        taken.u32s().next().ok_or_else(|| taken.error("four bytes are needed"))
    }

    /// The bytes as 32-bit numbers; a remainder is ignored.
    pub(super) fn u32s(self) -> impl Iterator<Item = u32> {
        let number = if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        self.all.as_chunks().0.iter().map(move |bytes| number(*bytes))
    }

    /// An error at the first byte.
    pub(super) fn error(&self, reason: impl Into<String>) -> MatError {
        let (offset, inflated) = match self.place {
            Place::File(at) => (at, None),
            Place::Inflated(outer, at) => (outer, Some(at)),
        };
        MatError { offset, inflated, reason: reason.into() }
    }
}
